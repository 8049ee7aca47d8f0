"""What would this deployment change? The vendor's what-if over a dry run of the providers.

A provider that offers `preview` says itself what a GET would return afterwards; for others the body is laid over what
stands there. What a template computes at run time is shown as its expression where it cannot be known now.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from sfcert.arm import Expanded, Resource, Runtime, has_symbolic, is_symbolic, to_template
from sfcert.errors import InputError
from sfcert.sim.deployments.delta import overlay, property_changes
from sfcert.sim.deployments.reading import Wanted, is_deployment, template_failure
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId, parse_id

#: What moves by itself and is no part of what anybody asked for.
_MOVING = ("provisioningState",)
_MASK = "*******"
#: A shorter secret would be found in many a text that has nothing to do with it.
_LONG = 6


def what_if(azure: Azure, wanted: Wanted, expanded: Expanded, runtime: Runtime) -> list[dict[str, Any]]:
    """The changes, one for each resource of the template in its order, then the group's other resources.

    Raises:
        AzureFailure: 400 for a body that does not evaluate; whatever a provider's dry run refuses.

    Effects: none on the world.
    """
    found: list[dict[str, Any]] = []
    named: set[str] = set()
    secrets = _secrets(expanded, runtime)
    for resource in _walk(expanded, runtime):
        if is_deployment(resource):
            continue
        named.add(resource.id.lower())
        found.append(_mask(_change(azure, wanted, resource, runtime), secrets))
    if wanted.id.group is None:
        return found
    for other in azure.resources.under(wanted.id.scope):
        top_level = len(other.id.names) == 1 and "/providers/" not in other.id.scope.lower()
        if not top_level or other.id.key in named or other.id.type.lower() == "microsoft.resources/deployments":
            continue
        body = _shown(_read(azure, other.id, other.api_version), other.api_version)
        kind = "Delete" if wanted.mode == "Complete" else "Ignore"
        found.append(_entry(wanted, other.id.text, kind, body, None if kind == "Delete" else body))
    return found


def _walk(expanded: Expanded, runtime: Runtime) -> list[Resource]:
    try:
        return list(expanded.walk(runtime))
    except InputError as error:
        raise template_failure(error) from error


def _change(azure: Azure, wanted: Wanted, resource: Resource, runtime: Runtime) -> dict[str, Any]:
    if is_symbolic(resource.id) or is_symbolic(resource.condition):
        return {
            **_entry(wanted, to_template(str(resource.id)), "Unsupported", None, None),
            "unsupportedReason": "The resource's name or condition cannot be known before the deployment.",
        }
    if resource.type.lower() == "microsoft.resources/resourcegroups":
        return _entry(wanted, resource.id, "NoChange" if _group_exists(azure, resource) else "Create", None, None)
    try:
        body = resource.evaluate(runtime)
    except InputError as error:
        raise template_failure(error) from error
    rid, version = parse_id(resource.id), resource.api_version or ""
    before = _read_if_there(azure, rid, version)
    after = _after(azure, rid, version, before, body)
    if before is None:
        return _entry(wanted, rid.text, "Create", None, _shown(after, version))
    delta = property_changes(_comparable(before), _comparable(after))
    kind = "Modify" if delta else "NoChange"
    entry = _entry(wanted, rid.text, kind, _shown(before, version), _shown(after, version))
    if delta and "delta" in entry:
        entry["delta"] = delta
    return entry


def _group_exists(azure: Azure, resource: Resource) -> bool:
    groups = azure.find_service("groups")
    return bool(groups is not None and groups.has(azure.subscription_id, resource.name))


def _read(azure: Azure, rid: ResourceId, version: str) -> dict[str, Any]:
    provider = azure.provider_of(rid.type) or azure.find_service("opaque")
    body: dict[str, Any] = provider.get(rid, version, {})
    return body


def _read_if_there(azure: Azure, rid: ResourceId, version: str) -> dict[str, Any] | None:
    try:
        return _read(azure, rid, version)
    except AzureFailure as failure:
        if failure.status in {404, 405}:
            return None
        raise


def _after(
    azure: Azure, rid: ResourceId, version: str, before: dict[str, Any] | None, body: dict[str, Any]
) -> dict[str, Any]:
    provider = azure.provider_of(rid.type) or azure.find_service("opaque")
    preview = getattr(provider, "preview", None)
    plain = to_template(body) if has_symbolic(body) else body
    if preview is not None and not has_symbolic(body):
        try:
            made: dict[str, Any] = preview(rid, version, copy.deepcopy(plain))
        except AzureFailure as failure:
            # A child of something that the same template creates: its parent is not there to be asked yet.
            if failure.status != 404:
                raise
        else:
            return made
    head = {"id": rid.text, "name": rid.name, "type": rid.type}
    merged: dict[str, Any] = overlay(before or head, plain)
    return merged


def _comparable(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what is no one's wish: identity of the resource, stamps, states in passing."""
    kept = {
        k: v for k, v in body.items() if k.lower() not in {"id", "name", "type", "etag", "systemdata", "apiversion"}
    }
    if isinstance(kept.get("identity"), dict):
        # Entra gives these to an identity; nobody writes them.
        kept["identity"] = {k: v for k, v in kept["identity"].items() if k not in {"principalId", "tenantId"}}
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {k: v for k, v in kept["properties"].items() if k not in _MOVING}
    return kept


def _shown(body: dict[str, Any], version: str) -> dict[str, Any]:
    return {"apiVersion": version, **copy.deepcopy(body)}


def _entry(wanted: Wanted, resource_id: str, kind: str, before: Any, after: Any) -> dict[str, Any]:
    if wanted.result_format.lower() == "resourceidonly":
        # Without payloads the vendor does not compare: it only says what would be deployed.
        shown = kind if kind in {"Ignore", "Delete", "Unsupported"} else "Deploy"
        return {"resourceId": resource_id, "changeType": shown}
    return {"resourceId": resource_id, "changeType": kind, "before": before, "after": after, "delta": None}


def _secrets(expanded: Expanded, runtime: Runtime) -> set[str]:
    """Every text in the values of secure parameters, those of nested deployments too."""
    found: set[str] = set()
    for declared in expanded.parameters:
        if declared.secure:
            found.update(_texts(declared.value))
    for resource in expanded.resources:
        inner = resource.nested(runtime)
        if inner is not None:
            found |= _secrets(inner, runtime)
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str) and value and not is_symbolic(value):
        yield value


def _mask(value: Any, secrets: set[str]) -> Any:
    """The value with every secret hidden, also one that is a part of a longer text."""
    if not secrets:
        return value
    if isinstance(value, dict):
        return {name: _mask(part, secrets) for name, part in value.items()}
    if isinstance(value, list):
        return [_mask(part, secrets) for part in value]
    if not isinstance(value, str):
        return value
    if value in secrets:
        return _MASK
    for secret in secrets:
        if len(secret) >= _LONG and secret in value:
            value = value.replace(secret, _MASK)
    return value
