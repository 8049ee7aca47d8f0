"""What does this deployment ask for? A request's body read, its template expanded, or one clear refusal.

A template that stands elsewhere and parameters in a vault are read where this world has them, see `linked` and
`vault_values`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sfcert.arm import Expanded, ExpandOptions, ParameterInput, Resource, Runtime, Scope, expand, is_symbolic, placed
from sfcert.errors import InputError
from sfcert.sim.deployments.linked import follow, loader_for, published
from sfcert.sim.deployments.record import DEPLOYMENT_TYPE
from sfcert.sim.deployments.vault_values import read_reference
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Caller

_NAME = re.compile(r"^[-\w._()]{1,64}$")
_MODES = {"incremental": "Incremental", "complete": "Complete"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One deployment request, read but not expanded."""

    id: ResourceId
    mode: str
    template: dict[str, Any]
    parameters: dict[str, ParameterInput]
    scope: Scope
    location: str | None
    tags: dict[str, str] | None
    result_format: str
    template_link: dict[str, Any] | None = None


def read_request(azure: Azure, rid: ResourceId, body: Any, caller: Caller, beside: Any = None) -> Wanted:
    """The request behind a PUT, a validate or a what-if.

    `beside` is the link by which the template was found that declares this deployment, for a nested one.

    Raises:
        AzureFailure: 400, with the vendor's code for what is missing or not understood.
    """
    if not _NAME.match(rid.name):
        raise AzureFailure(
            400,
            "InvalidDeploymentName",
            f"The deployment name '{rid.name}' is not valid: at most 64 letters, digits, '-', '_', '.' or brackets.",
        )
    properties = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(properties, dict):
        raise AzureFailure(
            400, "InvalidDeployment", "The deployment resource properties are null: 'properties' is required."
        )
    mode = _MODES.get(str(properties.get("mode", "Incremental")).lower())
    if mode is None:
        raise AzureFailure(400, "InvalidDeploymentMode", f"The deployment mode '{properties['mode']}' is not known.")
    if rid.group is None and mode == "Complete":
        raise AzureFailure(
            400, "InvalidDeploymentMode", "The deployment mode 'Complete' is allowed for resource groups only."
        )
    location = body.get("location")
    if rid.group is None and not location:
        raise AzureFailure(400, "LocationRequired", "The 'location' property is required for this deployment.")
    template, link = _read_template(azure, properties, beside)
    group_scope = rid.group is not None
    return Wanted(
        id=rid,
        mode=mode,
        template=template,
        parameters=_read_parameters(azure, caller, properties),
        scope=Scope(
            level="resourceGroup" if group_scope else "subscription",
            tenant_id=azure.tenant_id,
            subscription_id=rid.subscription,
            resource_group=rid.group,
            deployment_name=rid.name,
        ),
        location=str(location) if location else None,
        tags=body.get("tags"),
        result_format=str((properties.get("whatIfSettings") or {}).get("resultFormat") or "FullResourcePayloads"),
        template_link=link,
    )


def _read_template(
    azure: Azure, properties: dict[str, Any], beside: Any
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The template itself, and the link that led to it."""
    template, link = properties.get("template"), properties.get("templateLink")
    if template is not None and link:
        raise AzureFailure(
            400,
            "InvalidRequestContent",
            "The request content was invalid: only one of 'template' and 'templateLink' may be given.",
        )
    if link:
        if not isinstance(link, dict):
            raise AzureFailure(400, "InvalidTemplateLink", "The 'templateLink' of a deployment is an object.")
        return follow(azure, link, beside), dict(placed(link, beside))
    if not isinstance(template, dict):
        raise AzureFailure(400, "InvalidTemplate", "Deployment template validation failed: there is no template.")
    return template, None


def _read_parameters(azure: Azure, caller: Caller, properties: dict[str, Any]) -> dict[str, ParameterInput]:
    given, link = properties.get("parameters"), properties.get("parametersLink")
    if link and not given:
        whole = published(azure, str(link.get("uri") if isinstance(link, dict) else link))
        given = whole.get("parameters")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise AzureFailure(400, "InvalidRequestContent", "The deployment's 'parameters' must be an object.")
    found: dict[str, ParameterInput] = {}
    for name, entry in given.items():
        if isinstance(entry, dict) and "value" in entry:
            found[name] = ParameterInput(value=entry["value"])
        elif isinstance(entry, dict) and "reference" in entry:
            found[name] = ParameterInput(value=read_reference(azure, caller, name, entry["reference"]))
        else:
            raise AzureFailure(
                400, "InvalidRequestContent", f"The value for the template parameter '{name}' is not provided."
            )
    return found


def expand_wanted(azure: Azure, wanted: Wanted, runtime: Runtime) -> Expanded:
    """The template's resources, with everything checked that can be known before a resource is touched: also the
    bodies and outputs, as far as they need nothing that only a run knows.

    Raises:
        AzureFailure: 400 `InvalidTemplate` (or the code that the template language knows better).
    """
    options = ExpandOptions(loader=loader_for(azure), link=wanted.template_link)
    try:
        expanded = expand(wanted.template, wanted.parameters, wanted.scope, runtime, options=options)
    except InputError as error:
        raise template_failure(error) from error
    _check_resources(expanded)
    faults = expanded.faults()
    if faults:
        told = " ".join(_worded(fault) for fault in faults)
        raise AzureFailure(400, "InvalidTemplate", f"Deployment template validation failed: '{told}'.")
    return expanded


def template_failure(error: InputError) -> AzureFailure:
    """A refusal of the template language as Resource Manager would word it."""
    faults = [_worded(fault) for fault in error.faults] or [str(error)]
    code = str(getattr(error, "code", "InvalidTemplate"))
    return AzureFailure(400, code, f"Deployment template validation failed: '{' '.join(faults)}'.")


def _worded(fault: Any) -> str:
    return f"{fault.message} (at '{fault.path}')" if fault.path else str(fault.message)


def dependencies(expanded: Expanded) -> dict[str, list[str]]:
    """Resource id (lower case) to the ids (lower case) that must be done before: stated, implied, and serial loops."""
    known = {resource.id.lower() for resource in expanded.resources}
    edges: dict[str, list[str]] = {}
    for resource in expanded.resources:
        wanted = [*resource.depends_on, *_implied(resource), *_earlier_batch(resource, expanded)]
        mine = resource.id.lower()
        edges[mine] = [one for one in dict.fromkeys(name.lower() for name in wanted) if one in known and one != mine]
    return edges


def _implied(resource: Resource) -> tuple[str, ...]:
    try:
        return resource.implicit_dependencies()
    except InputError:
        # The body does not evaluate: that is told when its turn comes, on the operation of this resource.
        return ()


def _earlier_batch(resource: Resource, expanded: Expanded) -> list[str]:
    loop = resource.loop
    if loop is None or loop.mode.lower() != "serial" or not isinstance(loop.index, int):
        return []
    size = loop.batch_size or 1
    found: list[str] = []
    for other in expanded.resources:
        if other.loop is None or other.loop.name != loop.name or not isinstance(other.loop.index, int):
            continue
        if other.loop.index // size == loop.index // size - 1:
            found.append(other.id)
    return found


def _check_resources(expanded: Expanded) -> None:
    seen: set[str] = set()
    known = {resource.id.lower() for resource in (*expanded.resources, *expanded.dropped, *expanded.existing)}
    for resource in expanded.resources:
        if is_symbolic(resource.id) or is_symbolic(resource.name):
            raise AzureFailure(
                400,
                "InvalidTemplate",
                f"Deployment template validation failed: the name of a resource of type '{resource.type}' uses a"
                " function that is not allowed there.",
            )
        if resource.id.lower() in seen:
            raise AzureFailure(
                400,
                "InvalidTemplate",
                f"Deployment template validation failed: 'The resource '{resource.id}' is defined multiple times in a"
                " template.'",
            )
        seen.add(resource.id.lower())
        for name in resource.depends_on:
            if name.lower() not in known:
                raise AzureFailure(
                    400,
                    "InvalidTemplate",
                    f"Deployment template validation failed: 'The resource '{name}' is not defined in the template.'",
                )
        if not resource.api_version and not resource.existing:
            raise AzureFailure(
                400, "InvalidTemplate", f"The resource '{resource.name}' of type '{resource.type}' has no apiVersion."
            )
    _check_cycles(expanded)


def _check_cycles(expanded: Expanded) -> None:
    left = dependencies(expanded)
    while left:
        ready = [name for name, needs in left.items() if not any(need in left for need in needs)]
        if not ready:
            raise AzureFailure(
                400,
                "InvalidTemplate",
                "Deployment template validation failed: 'Circular dependency detected on resource:"
                f" '{next(iter(left))}'.'",
            )
        for name in ready:
            del left[name]


def is_deployment(resource: Resource) -> bool:
    return resource.type.lower() == DEPLOYMENT_TYPE.lower()
