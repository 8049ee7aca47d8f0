"""Which resources does a template declare, in full? Loops, conditions, children, nested templates, dependencies.

Floor 1.

Reads both styles of `resources` (list, and object with symbolic names), unrolls loops over resources, joins children
to their parents, resolves `dependsOn`, and follows nested deployments with inner or outer scope. Left out: bodies
(see `expanded`), and fetching of linked templates: a loader may be given. Source: learn.microsoft.com, ARM template
syntax, linked and nested templates, symbolic names (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urljoin

import msgspec

from sfcert.arm.evaluate import evaluate
from sfcert.arm.expanded import DEPLOYMENT_TYPE, Expanded, Loop, Note, Resource
from sfcert.arm.expression import Call, Text
from sfcert.arm.faults import bounded, fault_of, refusal
from sfcert.arm.frame import Env, Frame, Lookup, UserFunction, member
from sfcert.arm.functions.builtin import EvaluationError, kind
from sfcert.arm.interpreter import loop_count
from sfcert.arm.lookup import ResourceLookup
from sfcert.arm.parameters import Declared, ParameterInput, declare_parameters, is_secure, parameter_value
from sfcert.arm.placement import identity, is_below, needed_text, scope_id, target_scope
from sfcert.arm.runtime import Runtime, Scope, SymbolicRuntime
from sfcert.arm.symbolic import UNKNOWN, Symbolic, to_node
from sfcert.arm.text import Document, parse_text
from sfcert.arm.variables import declare_variables, variable_value
from sfcert.errors import Fault

Steps = tuple[str | int, ...]
#: Given a `templateLink` and the link that led to the template which holds it (None: it came by no link), the linked
#: template's text or value; None where it cannot be had.
Loader = Callable[[Mapping[str, Any], "Mapping[str, Any] | None"], str | bytes | Mapping[str, Any] | None]
_MAX_NESTING = 8


class ExpandOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to treat what is missing.

    missing: a parameter without value and default is refused (as a deployment does) or stays symbolic (as a review
    wants). loader: fetches linked templates; link: by which the template itself was found. hides: says which values of
    secure parameters stay symbolic though they are given; None for none (a deployment).
    """

    missing: Literal["refuse", "symbolic"] = "refuse"
    loader: Loader | None = None
    link: Mapping[str, Any] | None = None
    hides: Callable[[Any], bool] | None = None


class _Job(msgspec.Struct, frozen=True):
    """What stays the same while one template is expanded."""

    frame: Frame
    document: Document | None
    options: ExpandOptions
    target: Scope
    steps: Steps
    depth: int
    link: Mapping[str, Any] | None = None


def expand(
    template: Document | Mapping[str, Any],
    parameters: Mapping[str, Any],
    scope: Scope,
    runtime: Runtime | None = None,
    *,
    options: ExpandOptions | None = None,
) -> Expanded:
    """The resources that a template declares.

    Args:
        template: parsed text (faults then carry file, line and column), or a bare JSON object.
        parameters: by name in any case; each a ParameterInput, or an object with `value` or `reference` as in a
            parameter file or a deployment's request.
        scope: where it is deployed.
        runtime: asked for what names, conditions and variables need (`resourceGroup()`, `utcNow()` in a default, …);
            None for SymbolicRuntime. Live resources are not asked for here.
        options: see ExpandOptions.

    Raises:
        TemplateInvalidError: with every fault found in parameters, variables and resources. Bodies are not looked into:
            see `Expanded.faults`.

    Effects: the runtime's.
    """
    document = template if isinstance(template, Document) else None
    value = template.value if isinstance(template, Document) else template
    chosen = options or ExpandOptions()
    frame = Frame(scope, missing_symbolic=chosen.missing == "symbolic")
    frame.hides = chosen.hides
    given = {name: _given(name, entry) for name, entry in parameters.items()}
    job = _Job(frame, document, chosen, scope, (), 0, chosen.link)
    with bounded(document):
        return _expand(value, given, job, runtime or SymbolicRuntime())


def _given(name: str, entry: Any) -> Any:
    if isinstance(entry, ParameterInput):
        value, reference = entry.value, entry.reference
    elif isinstance(entry, Mapping):
        value, reference = entry.get("value"), entry.get("reference")
    else:
        raise refusal([Fault(f"the parameter '{name}' has neither 'value' nor 'reference'")], None)
    if reference is not None:
        return Symbolic(Call("parameters", (Text(name),)), f"the parameter '{name}' is a reference to a vault secret")
    return value


def _passed(name: str, entry: Any, env: Env) -> Any:
    """What a nested deployment is given; a secret of a vault is asked for at run time, as the vendor does."""
    reference = member(entry, "reference") if isinstance(entry, Mapping) else None
    if isinstance(reference, Mapping):
        answer = env.runtime.other("getSecret", [name, reference], env.frame.scope)
        if answer is not UNKNOWN:
            return answer
    return _given(name, entry)


def _expand(value: Any, given: Mapping[str, Any], job: _Job, runtime: Runtime) -> Expanded:
    frame, faults = job.frame, []

    def fault(error: EvaluationError, *steps: str | int) -> None:
        faults.append(fault_of(error, (*job.steps, *steps), job.document))

    section = _sections(value, job)
    try:
        declare_parameters(frame, section["parameters"], given, section["definitions"])
    except EvaluationError as error:
        fault(error, "parameters")
    declare_variables(frame, section["variables"])
    _declare_functions(frame, member(value, "functions", []))
    env = Env(frame, runtime, live=False)
    for _, (name, _) in frame.parameter_declarations.items():
        _attempt(lambda name=name: parameter_value(name, env), fault, "parameters", name)  # type: ignore[misc]  # bound now
    names = [name for name, _ in frame.variable_sources.values()]
    for name in (*names, *(str(member(loop, "name")) for _, loop in frame.variable_loops.values())):
        _attempt(lambda name=name: variable_value(name, env), fault, "variables", name)  # type: ignore[misc]  # bound now
    if faults:
        raise refusal(faults, job.document)
    return _resources(value, section["outputs"], job, env, None)


def _attempt(work: Callable[[], Any], fault: Callable[..., None], *steps: str | int) -> None:
    try:
        work()
    except EvaluationError as error:
        fault(error, *steps)


def _sections(value: Any, job: _Job) -> dict[str, Mapping[str, Any]]:
    """The template's objects, each {} where absent."""
    if not isinstance(value, Mapping):
        raise refusal([fault_of(EvaluationError("a template is an object"), job.steps, job.document)], job.document)
    found: dict[str, Mapping[str, Any]] = {}
    for name in ("parameters", "variables", "definitions", "outputs"):
        section = member(value, name)
        if section is not None and not isinstance(section, Mapping):
            error = EvaluationError(f"'{name}' of a template is an object, not {kind(section)}.")
            raise refusal([fault_of(error, (*job.steps, name), job.document)], job.document)
        found[name] = section or {}
    return found


def _declare_functions(frame: Frame, section: Any) -> None:
    for group in section if isinstance(section, list) else []:
        namespace = member(group, "namespace", "")
        for name, declaration in (member(group, "members") or {}).items():
            parameters = tuple(str(member(p, "name")) for p in member(declaration, "parameters") or [])
            output = member(member(declaration, "output") or {}, "value")
            frame.functions[f"{namespace}.{name}".lower()] = UserFunction(f"{namespace}.{name}", parameters, output)


def _resources(value: Any, outputs: Mapping[str, Any], job: _Job, env: Env, outer: Lookup | None) -> Expanded:
    declared = member(value, "resources", [])
    if not isinstance(declared, (list, Mapping)):
        error = EvaluationError(f"'resources' of a template is an array or an object, not {kind(declared)}.")
        raise refusal([fault_of(error, (*job.steps, "resources"), job.document)], job.document)
    found: list[tuple[Resource, Any]] = []
    faults: list[Fault] = []
    notes: list[Note] = []
    entries = enumerate(declared) if isinstance(declared, list) else declared.items()
    for key, raw in entries:
        steps = (*job.steps, "resources", key)
        try:
            symbolic = key if isinstance(key, str) else None
            found.extend(_instances(raw, job, env, steps, None, symbolic, notes))
        except EvaluationError as error:
            faults.append(fault_of(error, steps, job.document))
    everything = [resource for resource, _ in found]
    lookup = ResourceLookup(everything, outer)
    job.frame.lookup = lookup
    for resource, waits in found:
        try:
            resource.depends_on = _dependencies(resource, waits, lookup, job)
        except EvaluationError as error:
            faults.append(fault_of(error.under("dependsOn"), resource.source, job.document))
    if faults:
        raise refusal(faults, job.document)

    def declare(runtime: Runtime) -> tuple[Declared, ...]:
        place = Env(job.frame, runtime, live=False)
        return tuple(
            Declared(name, str(member(d, "type", "")), is_secure(d), parameter_value(name, place))
            for name, d in job.frame.parameter_declarations.values()
        )

    return Expanded(
        resources=tuple(r for r in everything if not r.existing and r.condition is not False),
        dropped=tuple(r for r in everything if not r.existing and r.condition is False),
        existing=tuple(r for r in everything if r.existing),
        notes=(*(Note(at, text) for at, text in job.frame.notes), *notes) if outer is None else tuple(notes),
        frame=job.frame,
        outputs=outputs,
        document=job.document,
        source=job.steps,
        declare=declare,
    )


def _instances(
    raw: Any, job: _Job, env: Env, steps: Steps, parent: Resource | None, symbolic_name: str | None, notes: list[Note]
) -> Iterator[tuple[Resource, Any]]:
    """A declaration's resources: one, or one for each turn of its loop; each followed by its children."""
    if not isinstance(raw, Mapping):
        raise EvaluationError(f"A resource is an object, not {kind(raw)}.")
    if member(raw, "type") is None and member(raw, "import", member(raw, "extension")) is not None:
        notes.append(Note(steps, "a resource of an extension is not one of Azure's and is left out"))
        return
    loop = member(raw, "copy")
    if not isinstance(loop, Mapping):
        yield from _one(raw, job, env, steps, parent, symbolic_name, None, notes)
        return
    try:
        name = evaluate(member(loop, "name", symbolic_name), env)
        if not isinstance(name, str):
            raise EvaluationError("A copy loop needs a name.")
        count = evaluate(member(loop, "count"), env)
        mode = evaluate(member(loop, "mode", "Parallel"), env)
        batch = evaluate(member(loop, "batchSize"), env)
        if not isinstance(count, Symbolic):
            loop_count(name, count)
    except EvaluationError as error:
        raise error.under("copy") from error.__cause__
    serial = "Serial" if isinstance(mode, str) and mode.lower() == "serial" else "Parallel"
    size = (batch if isinstance(batch, int) else 1) if serial == "Serial" else None
    turns: list[int | Symbolic] = list(range(count)) if isinstance(count, int) else []
    if isinstance(count, Symbolic):
        turns = [Symbolic(Call("copyIndex", (Text(name),)), count.why)]
    for index in turns:
        turn = Loop(name, index, count, serial, size)
        yield from _one(raw, job, env.with_loop(name, index), steps, parent, symbolic_name, turn, notes)


def _one(
    raw: Mapping[str, Any],
    job: _Job,
    env: Env,
    steps: Steps,
    parent: Resource | None,
    symbolic_name: str | None,
    loop: Loop | None,
    notes: list[Note],
) -> Iterator[tuple[Resource, Any]]:
    existing = member(raw, "existing") is True
    condition = _condition(raw, env)
    if parent is not None and parent.condition is not True and condition is not False:
        condition = parent.condition
    type_ = needed_text(raw, "type", env)
    name = needed_text(raw, "name", env)
    version = member(raw, "apiVersion")
    api_version = needed_text(raw, "apiVersion", env) if version is not None else None
    extension_of = parent.id if parent is not None and "." in type_ and not is_below(type_, parent.type) else None
    if parent is not None and "." not in type_:
        type_ = f"{parent.type}/{type_}"
        if isinstance(name, Symbolic) or isinstance(parent.name, Symbolic):
            name = Symbolic(Call("format", (Text("{0}/{1}"), to_node(parent.name), to_node(name))))
        else:
            name = f"{parent.name}/{name}"
    scope = target_scope(raw, type_, job.target, env)
    if member(raw, "scope") is not None:
        extension_of = scope_id(needed_text(raw, "scope", env), scope)
    id_, type_, name = identity(type_, name, scope, extension_of)
    nested = None
    if type_.lower() == DEPLOYMENT_TYPE:
        inner_scope = msgspec.structs.replace(scope, deployment_name=str(name))
        linked = _linked(raw, job, env, steps, notes) if condition is not False else None

        def nested(resource: Resource, runtime: Runtime) -> Expanded | None:
            return _nested(raw, job, env.with_runtime(runtime), steps, inner_scope, linked)

    resource = Resource(
        type=type_,
        name=name,
        id=id_,
        api_version=api_version,
        condition=condition,
        existing=existing,
        loop=loop,
        symbolic_name=symbolic_name,
        scope=scope,
        source=steps,
        raw=raw,
        env=env,
        document=job.document,
        nested=nested,
    )
    try:
        waits = evaluate(member(raw, "dependsOn", []), env) if condition is not False and not existing else []
    except EvaluationError as error:
        raise error.under("dependsOn") from error.__cause__
    yield resource, waits
    children = member(raw, "resources")
    if isinstance(children, (list, Mapping)):
        for key, child in enumerate(children) if isinstance(children, list) else children.items():
            try:
                symbol = key if isinstance(key, str) else None
                yield from _instances(child, job, env, (*steps, "resources", key), resource, symbol, notes)
            except EvaluationError as error:
                raise error.under("resources", key) from error.__cause__


def _condition(raw: Mapping[str, Any], env: Env) -> bool | Symbolic:
    try:
        value = evaluate(member(raw, "condition", True), env)
        if isinstance(value, (bool, Symbolic)):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise EvaluationError(f"A condition is a boolean, not {kind(value)}.")
    except EvaluationError as error:
        raise error.under("condition") from error.__cause__


def _dependencies(resource: Resource, waits: Any, lookup: ResourceLookup, job: _Job) -> tuple[str, ...]:
    if isinstance(waits, Symbolic):
        return (waits,)
    if waits is None:
        return ()
    if not isinstance(waits, list):
        raise EvaluationError(f"'dependsOn' is an array, not {kind(waits)}.")
    ids: list[str] = []
    for index, wait in enumerate(waits):
        if not isinstance(wait, str):
            raise EvaluationError(f"'dependsOn' holds strings, not {kind(wait)}.").under(index)
        found = lookup.resources(wait)
        if not found and not isinstance(wait, Symbolic) and job.options.missing == "refuse":
            raise EvaluationError(
                f"The resource '{wait}' is not defined in the template. "
                "Please see https://aka.ms/arm-syntax for usage details."
            ).under(index)
        # what is dropped or only referred to is not waited for, as the vendor does
        ids.extend([r.id for r in found if not r.existing and r.condition is not False] if found else [wait])
    own = resource.id.lower()
    return tuple(dict.fromkeys(id_ for id_ in ids if id_.lower() != own))


class _Linked(msgspec.Struct, frozen=True):
    """A template that was fetched, and where it stands: what it links to relatively is looked for from there."""

    document: Document
    link: Mapping[str, Any]


def _linked(raw: Mapping[str, Any], job: _Job, env: Env, steps: Steps, notes: list[Note]) -> _Linked | None:
    """The linked template; None where the deployment holds its template, or the link cannot be followed."""
    properties = member(raw, "properties")
    if not isinstance(properties, Mapping) or member(properties, "template") is not None:
        return None
    written = member(properties, "templateLink")
    if not isinstance(written, Mapping):
        notes.append(Note(steps, "the nested deployment has neither template nor templateLink"))
        return None
    # the link itself may need run-time values; without a loader nobody asks for it
    link = evaluate(dict(written), env) if job.options.loader is not None else None
    text = job.options.loader(link, job.link) if job.options.loader is not None and link is not None else None
    if text is None or link is None:
        notes.append(Note((*steps, "properties", "templateLink"), "the linked template was not read"))
        return None
    place = placed(link, job.link)
    if isinstance(text, Mapping):
        return _Linked(Document("", None, text), place)
    name = str(member(place, "uri", member(place, "relativePath", "")) or "the linked template")
    return _Linked(parse_text(text, name), place)


def placed(link: Mapping[str, Any], beside: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A link as it reads from anywhere: a relative path is joined to the place of the template that uses it.

    Source: "Linked and nested templates", relativePath (learn.microsoft.com, read 2026-11).
    """
    relative = member(link, "relativePath")
    if not isinstance(relative, str) or not relative or beside is None:
        return link
    if member(beside, "id") is not None:
        path = urljoin(str(member(beside, "relativePath", "") or ""), relative)
        return {"id": member(beside, "id"), "relativePath": path}
    return {"uri": urljoin(str(member(beside, "uri", "")), relative)}


def _nested(
    raw: Mapping[str, Any], job: _Job, env: Env, steps: Steps, scope: Scope, linked: _Linked | None
) -> Expanded | None:
    properties = member(raw, "properties")
    if not isinstance(properties, Mapping):
        return None
    template = linked.document.value if linked is not None else member(properties, "template")
    if not isinstance(template, Mapping):
        return None
    if job.depth >= _MAX_NESTING:
        error = EvaluationError(f"Deployments are nested more than {_MAX_NESTING} deep.")
        raise refusal([fault_of(error, steps, job.document)], job.document)
    inner_steps: Steps = () if linked is not None else (*steps, "properties", "template")
    document = job.document if linked is None else linked.document if linked.document.text else None
    link = linked.link if linked is not None else job.link
    options = member(properties, "expressionEvaluationOptions")
    inner = linked is not None or (
        isinstance(options, Mapping) and str(member(options, "scope", "")).lower() == "inner"
    )
    if not inner:
        outer_lookup = job.frame.lookup
        view = job.frame.outer_view(ResourceLookup((), outer_lookup))
        view_env = Env(view, env.runtime, live=True, loops=env.loops, loop=env.loop)
        inner_job = _Job(view, document, job.options, scope, inner_steps, job.depth + 1, link)
        return _resources(template, member(template, "outputs") or {}, inner_job, view_env, outer_lookup)
    frame = Frame(scope, missing_symbolic=job.frame.missing_symbolic, source=inner_steps)
    frame.hides = job.frame.hides
    passed_steps = (*steps, "properties", "parameters")
    given: dict[str, Any] = {}
    for name, entry in (member(properties, "parameters") or {}).items():
        try:
            value = evaluate(entry, env.at(live=True))
        except EvaluationError as error:
            raise refusal([fault_of(error, (*passed_steps, name), job.document)], job.document, error.code) from error
        given[name] = value if isinstance(value, Symbolic) else _passed(name, value, env)
    inner_job = _Job(frame, document, job.options, scope, inner_steps, job.depth + 1, link)
    return _expand(template, given, inner_job, env.runtime)
