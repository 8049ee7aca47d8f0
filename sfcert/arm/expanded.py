"""What would Azure be asked to do?

The resources of an expanded template, each with a body that can be evaluated later. Floor 1.

Names, conditions, loops and dependencies are settled; bodies, outputs and nested deployments are evaluated on demand
with whatever runtime is then there, so that `reference()` sees what has been deployed by then. Left out: how they are
found (see `expansion`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from sfcert.arm.evaluate import evaluate
from sfcert.arm.faults import bounded, fault_of, refusal
from sfcert.arm.frame import Env, Frame, Target, member
from sfcert.arm.functions.builtin import EvaluationError
from sfcert.arm.parameters import Declared
from sfcert.arm.runtime import Runtime, Scope, SymbolicRuntime
from sfcert.arm.symbolic import Symbolic
from sfcert.arm.text import Document, Position
from sfcert.errors import Fault, InputError

DEPLOYMENT_TYPE = "microsoft.resources/deployments"

#: Keys of a resource that speak to the deployment engine and are no part of what is sent to the resource's provider.
ENGINE_KEYS = frozenset(
    ("apiversion", "comments", "condition", "copy", "dependson", "existing", "name", "resources", "scope", "type")
)


class Note(msgspec.Struct, frozen=True):
    """Something that the expansion could not follow, and why."""

    steps: tuple[str | int, ...]
    text: str


class Loop(msgspec.Struct, frozen=True):
    """The copy loop that a resource comes from. `index` and `count` are Symbolic where the count is not known."""

    name: str
    index: int | Symbolic
    count: int | Symbolic
    mode: str
    batch_size: int | None


class Resource:
    """One resource as declared. `id`, `name` are Symbolic where scope or name is not known.

    `depends_on` holds ids of resources of this template (no dropped and no existing ones), in order, each once; what
    could not be resolved stays as written. `source` leads to the declaration in the template's text.
    """

    __slots__ = (
        "_document",
        "_env",
        "_nested",
        "_raw",
        "api_version",
        "condition",
        "depends_on",
        "existing",
        "id",
        "loop",
        "name",
        "scope",
        "source",
        "symbolic_name",
        "type",
    )

    def __init__(
        self,
        *,
        type: str,
        name: str,
        id: str,
        api_version: str | None,
        condition: bool | Symbolic,
        existing: bool,
        loop: Loop | None,
        symbolic_name: str | None,
        scope: Scope,
        source: tuple[str | int, ...],
        raw: Mapping[str, Any],
        env: Env,
        document: Document | None,
        nested: Callable[[Resource, Runtime], Expanded | None] | None,
    ) -> None:
        self.type = type
        self.name = name
        self.id = id
        self.api_version = api_version
        self.condition = condition
        self.existing = existing
        self.loop = loop
        self.symbolic_name = symbolic_name
        self.scope = scope
        self.source = source
        self.depends_on: tuple[str, ...] = ()
        self._raw = raw
        self._env = env
        self._document = document
        self._nested = nested

    def __repr__(self) -> str:
        return f"Resource({self.type!r}, {self.name!r})"

    @property
    def is_deployment(self) -> bool:
        """Whether this is a nested or linked deployment."""
        return self.type.lower() == DEPLOYMENT_TYPE

    @property
    def position(self) -> Position | None:
        """Where the declaration stands; None where the template came without its text."""
        return self._document.position(self.source) if self._document is not None else None

    def evaluate(self, runtime: Runtime | None = None) -> dict[str, Any]:
        """The body that a PUT would carry: everything but the keys that speak to the engine (ENGINE_KEYS).

        Args:
            runtime: answers `reference`, `list…` and the rest; None for SymbolicRuntime. A nested deployment's
                `template` is left as it is written (see `nested`).

        Raises:
            TemplateInvalidError: with file, line and column; whatever the runtime itself raises.

        Effects: the runtime's.
        """
        env = self._env.with_runtime(runtime or SymbolicRuntime()).at(live=True)
        body: dict[str, Any] = {}
        for key, value in self._raw.items():
            if key.lower() in ENGINE_KEYS:
                continue
            kept: dict[str, Any] = {}
            part = value
            if self.is_deployment and key.lower() == "properties" and isinstance(value, dict):
                kept = {own: sub for own, sub in value.items() if own.lower() == "template"}
                part = {own: sub for own, sub in value.items() if own not in kept}
            try:
                with bounded(self._document, self.source):
                    evaluated = evaluate(part, env)
            except EvaluationError as error:
                raise self._refused(error.under(key)) from error
            body[key] = {**evaluated, **kept} if kept else evaluated
        return body

    def nested(self, runtime: Runtime | None = None) -> Expanded | None:
        """The template inside this deployment, expanded with the parameters that it is passed.

        None where there is none.
        """
        return self._nested(self, runtime or SymbolicRuntime()) if self._nested is not None else None

    def implicit_dependencies(self) -> tuple[str, ...]:
        """Ids of the resources that the body refers to by name with `reference` or `list…`, each once.

        For a nested deployment with outer scope also what its template refers to, its own resources among them.

        Raises:
            TemplateInvalidError: where the body cannot be evaluated.
        """
        frame = self._env.frame
        noted: list[Target] = []
        before, frame.noted = frame.noted, noted
        try:
            self.evaluate(SymbolicRuntime())
            inner = self.nested()
            # with outer scope the nested template is evaluated here, and what it refers to is waited for here
            for resource in inner.walk() if inner is not None else ():
                resource.evaluate()
        finally:
            frame.noted = before
        return tuple(dict.fromkeys(target.id for target in noted if target.id.lower() != self.id.lower()))

    def _refused(self, error: EvaluationError) -> InputError:
        return refusal([fault_of(error, self.source, self._document)], self._document, error.code)


class Expanded:
    """A template with its resources settled.

    `resources` are in declared order, children after their parent, loops by index; `dropped` are those whose
    condition is false, `existing` those that are only referred to. `notes` names what could not be followed.
    """

    __slots__ = ("_declare", "_document", "_frame", "_outputs", "dropped", "existing", "notes", "resources", "source")

    def __init__(
        self,
        *,
        resources: tuple[Resource, ...],
        dropped: tuple[Resource, ...],
        existing: tuple[Resource, ...],
        notes: tuple[Note, ...],
        frame: Frame,
        outputs: Mapping[str, Any],
        document: Document | None,
        source: tuple[str | int, ...],
        declare: Callable[[Runtime], tuple[Declared, ...]],
    ) -> None:
        self.resources = resources
        self.dropped = dropped
        self.existing = existing
        self.notes = notes
        self.source = source
        self._frame = frame
        self._outputs = outputs
        self._document = document
        self._declare = declare

    @property
    def parameters(self) -> tuple[Declared, ...]:
        """The template's parameters in declared order, with what they came to; `secure` ones must not be shown."""
        return self._declare(SymbolicRuntime())

    def find(self, name: str) -> tuple[Resource, ...]:
        """Resources of this template by symbolic name, name, loop name, `Type/name` or id."""
        ids = {target.id.lower() for target in self._frame.find(name, by_reference=False)}
        return tuple(resource for resource in (*self.resources, *self.existing) if resource.id.lower() in ids)

    def walk(self, runtime: Runtime | None = None) -> Iterator[Resource]:
        """Every resource of this template and of the templates nested in it, each deployment before what it holds."""
        for resource in self.resources:
            yield resource
            inner = resource.nested(runtime)
            if inner is not None:
                yield from inner.walk(runtime)

    def all_notes(self, runtime: Runtime | None = None) -> tuple[Note, ...]:
        """The notes of this template and of those nested in it."""
        inner = (resource.nested(runtime) for resource in self.resources)
        return (*self.notes, *(note for one in inner if one is not None for note in one.all_notes(runtime)))

    def outputs(self, runtime: Runtime | None = None) -> dict[str, dict[str, Any]]:
        """The outputs as `{name: {"type": …, "value": …}}`; those whose condition is false are left out.

        Raises:
            TemplateInvalidError: with file, line and column.

        Effects: the runtime's.
        """
        env = Env(self._frame, runtime or SymbolicRuntime())
        results: dict[str, dict[str, Any]] = {}
        for name, declaration in self._outputs.items():
            steps = (*self.source, "outputs", name)
            if not isinstance(declaration, dict):
                raise self._refused(EvaluationError(f"The output '{name}' is not an object."), steps)
            try:
                if evaluate(member(declaration, "condition", True), env) is False:
                    continue
                loop = member(declaration, "copy")
                if isinstance(loop, dict):
                    value: Any = output_loop(name, loop, env)
                else:
                    value = evaluate(member(declaration, "value"), env)
            except EvaluationError as error:
                raise self._refused(error, steps) from error
            results[name] = {"type": member(declaration, "type"), "value": value}
        return results

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with bodies, nested templates and outputs, all of it, found without any live resource."""
        found: list[Fault] = []
        for resource in self.resources:
            try:
                resource.evaluate()
                inner = resource.nested()
                if inner is not None:
                    found.extend(inner.faults())
            except InputError as error:
                found.extend(error.faults)
        try:
            self.outputs()
        except InputError as error:
            found.extend(error.faults)
        return tuple(dict.fromkeys(found))

    def _refused(self, error: EvaluationError, steps: tuple[str | int, ...]) -> InputError:
        return refusal([fault_of(error, steps, self._document)], self._document, error.code)


def output_loop(name: str, loop: Mapping[str, Any], env: Env) -> Any:
    """The value of an output that is made by a copy loop."""
    from sfcert.arm.interpreter import unroll

    return unroll({"name": name, "count": member(loop, "count"), "input": member(loop, "input")}, env)[1]
