"""What does `vaults/accessPolicies` do? Adds, replaces or removes entries of a vault's own list.

`add` unites permissions with those that the same principal has; `replace` sets them; `remove` takes them away and
drops an entry that has none left. It works on a vault that uses roles too, and changes nothing about access there.

Source: Vaults - Update Access Policy (REST, 2026-05-15); Azure/azure-rest-api-specs keyvault.json.
"""

from __future__ import annotations

import copy
from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer
from sfcert.sim.kernel.resources import Resource

KINDS = ("keys", "secrets", "certificates", "storage")


class AccessPolicies:
    """The child resource that is an operation in disguise: its name is the verb."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def put(self, rid: ResourceId, vault: Resource, body: dict[str, Any]) -> Answer:
        """
        Raises:
            AzureFailure: 400 for another verb, or for entries without tenant, object or permissions.
        """
        before = vault.body["properties"].get("accessPolicies") or []
        changed = copy.deepcopy(vault.body)
        changed["properties"]["accessPolicies"] = self._changed(rid, before, body)
        self._azure.resources.put(vault.id.text, vault.api_version, changed)
        # `created` for an entry that was not there: the vendor answers 201 then
        grew = len(changed["properties"]["accessPolicies"]) > len(before)
        return Answer(self.body(rid, vault), created=grew)

    def previewed(self, rid: ResourceId, vault: Resource, body: dict[str, Any]) -> dict[str, Any]:
        """What `put` would answer, with nothing changed."""
        shown = self.body(rid, vault)
        before = vault.body["properties"].get("accessPolicies") or []
        shown["properties"]["accessPolicies"] = self._changed(rid, before, body)
        return shown

    def body(self, rid: ResourceId, vault: Resource) -> dict[str, Any]:
        return {
            "id": f"{vault.id.text}/accessPolicies/",
            "type": "Microsoft.KeyVault/vaults/accessPolicies",
            "name": rid.name,
            "location": vault.body.get("location"),
            "properties": {"accessPolicies": copy.deepcopy(vault.body["properties"].get("accessPolicies") or [])},
        }

    def _changed(self, rid: ResourceId, before: list[dict[str, Any]], body: dict[str, Any]) -> list[dict[str, Any]]:
        verb = rid.name.lower()
        if verb not in ("add", "replace", "remove"):
            raise AzureFailure(
                400, "BadRequest", f"The operation kind '{rid.name}' is invalid: it is add, replace or remove."
            )
        entries = (body.get("properties") or {}).get("accessPolicies")
        if not isinstance(entries, list):
            raise AzureFailure(400, "BadRequest", "The parameter accessPolicies is not specified.")
        result = copy.deepcopy(before)
        for entry in entries:
            _check(entry)
            same = next((one for one in result if _who(one) == _who(entry)), None)
            if verb == "remove":
                if same is not None:
                    same["permissions"] = _without(same["permissions"], entry["permissions"])
                    if not any(same["permissions"].values()):
                        result.remove(same)
            elif same is None:
                result.append(copy.deepcopy(entry))
            elif verb == "replace":
                same["permissions"] = copy.deepcopy(entry["permissions"])
            else:
                same["permissions"] = _united(same["permissions"], entry["permissions"])
        if len(result) > 1024:
            raise AzureFailure(400, "BadRequest", "A vault has at most 1024 access policies.")
        return result


def _check(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise AzureFailure(400, "BadRequest", "An access policy must be an object.")
    for name in ("tenantId", "objectId", "permissions"):
        if not entry.get(name) and not (name == "permissions" and entry.get(name) == {}):
            raise AzureFailure(400, "BadRequest", f"The parameter {name} of an access policy is not specified.")


def _who(entry: dict[str, Any]) -> tuple[str, str, str]:
    return (
        str(entry.get("tenantId", "")).lower(),
        str(entry.get("objectId", "")).lower(),
        str(entry.get("applicationId") or "").lower(),
    )


def _united(held: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(held)
    for kind in KINDS:
        names = list(result.get(kind) or [])
        known = {str(name).lower() for name in names}
        names += [name for name in more.get(kind) or [] if str(name).lower() not in known]
        if names or kind in result:
            result[kind] = names
    return result


def _without(held: dict[str, Any], less: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(held)
    for kind in KINDS:
        gone = {str(name).lower() for name in less.get(kind) or []}
        if kind in result:
            result[kind] = [name for name in result[kind] or [] if str(name).lower() not in gone]
    return result
