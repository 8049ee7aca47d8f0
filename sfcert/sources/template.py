"""What does an authored ARM template declare? Template and parameters in, a `Bundle` of PUT bodies out. Floor 2.

For review: what only Azure knows stays an expression and is listed in `unresolved`; what a template never tells (vault
contents, instances, nodes) is listed in `unread`. A recorded resource body, a parameter file, or a deployment that
only links to its template is refused as what it is. Left out: what bodies mean (see `observe`), and live resources.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sfcert.arm import Document, ExpandOptions, Resource, expand, parse_text, symbolic_paths, to_template
from sfcert.arm.expanded import Expanded
from sfcert.arm.frame import member
from sfcert.arm.parameters import ParameterInput, parameters_of
from sfcert.arm.symbolic import Symbolic, is_symbolic
from sfcert.errors import Fault, InputError
from sfcert.model.bundle import Bundle, RawResource, Unread, Unresolved
from sfcert.sources.authored_children import with_access_policies, with_extension
from sfcert.sources.authored_ids import authored_id, authored_scope, parent_id
from sfcert.sources.redact import redact

_log = logging.getLogger(__name__)

_CLUSTER = "microsoft.servicefabric/clusters"
_MANAGED = "microsoft.servicefabric/managedclusters"
_SCALE_SET = "microsoft.compute/virtualmachinescalesets"
_EXTENSION = f"{_SCALE_SET}/extensions"
_VAULT = "microsoft.keyvault/vaults"
_POLICIES = f"{_VAULT}/accesspolicies"
_KEPT = frozenset(
    {
        _CLUSTER,
        _SCALE_SET,
        _VAULT,
        "microsoft.managedidentity/userassignedidentities",
        "microsoft.authorization/roleassignments",
    }
)
_CHILDREN = frozenset({_EXTENSION, _POLICIES})

#: Secure parameters are often used for what is no secret: thumbprints, resource ids, addresses in a vault.
_PUBLIC = re.compile(
    r"[0-9A-Fa-f]{40}|/subscriptions/[^\s]+|https://[A-Za-z0-9-]+\.[A-Za-z0-9.-]+/(secrets|certificates|keys)/[^\s?]+"
)
_VAULT_URL = re.compile(r"(https://[a-z0-9-]+\.vault\.[a-z0-9.-]+)/(?:secrets|certificates|keys)/", re.IGNORECASE)


def read_template(
    template_text: str | bytes,
    template_file: str,
    parameters_text: str | bytes | None = None,
    parameters_file: str | None = None,
    *,
    now: datetime,
    cluster_name: str | None = None,
) -> Bundle:
    """The world that a template would make, as a bundle.

    Args:
        template_text: the template, in any form that Azure accepts.
        template_file: its name, for faults.
        parameters_text: a parameter file, or None; parameters with neither value nor default stay expressions.
        parameters_file: its name, for faults.
        now: aware UTC; becomes `captured_at_utc`.
        cluster_name: which cluster, where the template declares several (compared without regard to case).

    Returns:
        Clusters, scale sets, identities, vaults and role assignments as they would be PUT, by id. Ids are made with
        placeholders for subscription and group where the template does not name them; a literal that begins with a
        bracket is escaped as in templates, so that `[…]` is an expression in every body.

    Raises:
        InputError: TemplateSyntax, TemplateInvalid (with file, line, column of every fault found), NoClusterInTemplate,
            ManagedCluster, Misuse where one of several clusters has to be chosen.

    Effects: a line in the log for each key that stands twice.
    """
    template = parse_text(template_text, template_file)
    _check_is_template(template)
    given = parse_text(parameters_text, parameters_file) if parameters_text is not None else None
    inputs = _inputs(template, given)
    options = ExpandOptions(missing="symbolic", hides=_is_secret)
    try:
        expanded = expand(template, inputs, authored_scope(), options=options)
    except InputError as error:
        raise _at_given_values(error, template, given, inputs) from error
    for warning in template.warnings:
        _log.warning("%s:%d:%d: %s", template_file, warning.position.line, warning.position.column, warning.message)
    everything = list(expanded.walk())
    cluster_id = _chosen_cluster(template, expanded, everything, cluster_name)
    return _Reader(template, cluster_id).bundle(expanded, everything, now)


def _is_secret(value: Any) -> bool:
    return not (isinstance(value, str) and (not value or is_symbolic(value) or _PUBLIC.fullmatch(value)))


def _check_is_template(template: Document) -> None:
    whole = template.value
    what = "this is not an ARM template: it has no 'resources'"
    if isinstance(whole, dict):
        if isinstance(member(whole, "resources"), (list, dict)):
            return
        if _is_parameter_file(whole):
            what = "this is a parameter file; give it with --parameters, and the template with --template"
        elif isinstance(member(whole, "properties"), dict):
            what = "this is the body of one resource, not an ARM template; a running cluster is read with --cluster"
    raise InputError("TemplateInvalid", f"{template.file} cannot be read.", [template.fault(what)])


def _is_parameter_file(whole: dict[str, Any]) -> bool:
    if "deploymentparameters" in str(member(whole, "$schema", "")).lower():
        return True
    entries = member(whole, "parameters", whole)
    if not isinstance(entries, dict) or not entries:
        return False
    return all(isinstance(entry, dict) and ("value" in entry or "reference" in entry) for entry in entries.values())


def _inputs(template: Document, document: Document | None) -> dict[str, ParameterInput]:
    """The given parameters. One that the template does not declare is refused, as a deployment refuses it."""
    if document is None:
        return {}
    inputs = parameters_of(document)
    declared = member(template.value, "parameters")
    known = {name.lower() for name in declared} if isinstance(declared, Mapping) else set()
    faults = [
        document.fault(f"the template declares no parameter '{name}'", _place_of(document, name))
        for name in inputs
        if name.lower() not in known
    ]
    if faults:
        raise InputError("TemplateInvalid", f"{document.file} does not fit {template.file}.", faults)
    return inputs


def _place_of(document: Document, name: str) -> tuple[str, ...]:
    """Where a parameter's entry stands in a parameter file."""
    return ("parameters", name) if isinstance(member(document.value, "parameters"), dict) else (name,)


def _at_given_values(
    error: InputError, template: Document, given: Document | None, inputs: Mapping[str, ParameterInput]
) -> InputError:
    """The same refusal; a fault of a value that was given points at where it was given."""
    if given is None:
        return error
    names = {f"parameters.{name}".lower(): name for name in inputs}
    faults = [
        given.fault(fault.message, (*_place_of(given, names[path]), "value"), fault.path)
        if (path := (fault.path or "").lower()) in names
        else fault
        for fault in error.faults
    ]
    return InputError(error.token, f"{template.file} cannot be evaluated.", faults)


def _chosen_cluster(template: Document, expanded: Expanded, everything: list[Resource], wanted: str | None) -> str:
    clusters: dict[str, tuple[str, Resource]] = {}
    for resource in everything:
        id_ = authored_id(resource)
        if resource.type.lower() == _CLUSTER and id_ is not None:
            clusters.setdefault(id_.lower(), (id_, resource))
    if wanted is not None:
        clusters = {key: found for key, found in clusters.items() if found[1].name.lower() == wanted.lower()}
    if len(clusters) == 1:
        return next(iter(clusters.values()))[0]
    managed = next((resource for resource in everything if resource.type.lower() == _MANAGED), None)
    if clusters:
        faults = [_fault(template, r, f"the cluster '{r.name}' is declared here") for _, r in clusters.values()]
        message = f"{template.file} declares {len(clusters)} clusters, and one has to be chosen by its name."
        raise InputError("Misuse", message, faults)
    if managed is not None:
        message = f"{template.file} declares a managed cluster, whose certificates the vendor rotates by itself."
        raise InputError("ManagedCluster", message, [_fault(template, managed, "it is declared here")])
    name = f" named '{wanted}'" if wanted is not None else ""
    faults = [template.fault(note.text, note.steps) for note in expanded.all_notes()]
    faults += [_fault(template, r, "its condition is false") for r in expanded.dropped if r.type.lower() == _CLUSTER]
    raise InputError("NoClusterInTemplate", f"{template.file} declares no Service Fabric cluster{name}.", faults)


def _fault(template: Document, resource: Resource, message: str) -> Fault:
    where = resource.position
    line, column = (where.line, where.column) if where is not None else (None, None)
    return Fault(message, template.file, line, column)


class _Reader:
    """Collects bodies by id, in the order in which they are declared."""

    def __init__(self, template: Document, cluster_id: str) -> None:
        self._template = template
        self._cluster_id = cluster_id
        self._bodies: dict[str, tuple[str, str, dict[str, Any]]] = {}
        self._unread: dict[str, str] = {}
        self._unresolved: list[Unresolved] = []

    def bundle(self, expanded: Expanded, everything: list[Resource], now: datetime) -> Bundle:
        self._evaluate([resource for resource in everything if resource.type.lower() in _KEPT], self._keep)
        self._evaluate([resource for resource in everything if resource.type.lower() in _CHILDREN], self._join)
        resources: dict[str, RawResource] = {}
        for id_, version, body in self._bodies.values():
            resources[id_] = RawResource(api_version=version, body=redact(to_template(body), self._cluster_id))
            self._list_open(id_, body)
        for id_ in resources:
            if f"/{_SCALE_SET}/" in id_.lower():
                self._unread.setdefault(f"vm_instances/{id_}", "a template tells nothing of instances")
        for url in sorted({url for raw in resources.values() for url in _vault_urls(raw.body)}):
            self._unread.setdefault(f"vaults/{url}", "a template tells nothing of what a vault holds")
            if not any(id_.lower().endswith(f"/{_VAULT}/{_vault_name(url)}") for id_ in resources):
                self._unread.setdefault(f"vault resources/{url}", "the vault is not declared in the template")
        for note in expanded.all_notes():
            where = self._template.position(note.steps)
            place = f"{self._template.file}:{where.line}:{where.column}" if where else str(self._template.file)
            self._unread.setdefault(f"template {place}", note.text)
        self._unread["runtime"] = "a template tells nothing of a running cluster"
        return Bundle(
            cluster_id=self._cluster_id,
            captured_at_utc=now,
            source="template",
            resources=resources,
            unread=tuple(Unread(what=what, why=why) for what, why in self._unread.items()),
            unresolved=tuple(self._unresolved),
        )

    def _evaluate(self, resources: list[Resource], take: Callable[[Resource, str, dict[str, Any]], None]) -> None:
        """Every body, or every fault of all of them."""
        faults: list[Fault] = []
        for resource in resources:
            id_ = authored_id(resource)
            if id_ is None:
                self._unread[f"{resource.type} {resource.name}"] = "its name does not tell what it belongs to"
                continue
            try:
                take(resource, id_, resource.evaluate())
            except InputError as error:
                faults.extend(error.faults)
        if faults:
            message = f"{self._template.file} cannot be evaluated."
            raise InputError("TemplateInvalid", message, list(dict.fromkeys(faults)))

    def _keep(self, resource: Resource, id_: str, body: dict[str, Any]) -> None:
        if resource.type.lower() == _CLUSTER and id_.lower() != self._cluster_id.lower():
            return
        name = id_.rsplit("/", 1)[-1]
        whole = {"id": id_, "name": name, "type": str(resource.type), **body}
        self._bodies[id_.lower()] = (id_, str(resource.api_version or ""), whole)
        if isinstance(resource.condition, Symbolic):
            self._open(id_, "condition", resource.condition.why)
        if isinstance(resource.id, Symbolic):
            self._open(
                id_,
                "name",
                resource.name.why if isinstance(resource.name, Symbolic) else "its group or subscription is not known",
            )
        if resource.loop is not None and isinstance(resource.loop.count, Symbolic):
            self._open(id_, "copy.count", resource.loop.count.why)

    def _open(self, id_: str, path: str, why: str) -> None:
        self._unresolved.append(Unresolved(resource=id_, path=path, why=why))

    def _join(self, resource: Resource, id_: str, body: dict[str, Any]) -> None:
        parent = self._bodies.get(parent_id(id_).lower())
        name = id_.rsplit("/", 1)[-1]
        if parent is None:
            # the parent stands elsewhere; what is declared of it here must not be mistaken for all of it
            self._unread.setdefault(parent_id(id_), f"only its {resource.type.rsplit('/', 1)[-1]} are declared here")
            return
        held_id, version, held = parent
        changed: dict[str, Any] | None
        if resource.type.lower() == _EXTENSION:
            changed = with_extension(held, name, body)
        else:
            changed = with_access_policies(held, name, body)
        if changed is None or is_symbolic(resource.condition):
            self._open(held_id, "properties", f"what '{id_}' adds to it cannot be told")
        if changed is not None:
            self._bodies[held_id.lower()] = (held_id, version, changed)

    def _list_open(self, id_: str, body: dict[str, Any]) -> None:
        for path, symbolic in symbolic_paths(body):
            self._open(id_, str(path), symbolic.why)


def _vault_name(url: str) -> str:
    return url.removeprefix("https://").partition(".")[0]


def _vault_urls(value: Any) -> set[str]:
    """Addresses of the vaults that a body names, lower case, no trailing slash."""
    if isinstance(value, str):
        return {match[1].lower() for match in _VAULT_URL.finditer(value)}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {url for part in parts for url in _vault_urls(part)}
