"""How are user-assigned identities written and read over ARM? Microsoft.ManagedIdentity/userAssignedIdentities.

Source: the resource's REST description, api-version 2024-11-30 (azure-mgmt-msi 7.1.0). Leaves out federated
credentials.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from sfcert.sim.identity.identities import IDENTITY_TYPE, Identities
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure, not_found
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer, Caller

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}")


class IdentityProvider:
    """Identities are there at once; their principals spread through the directory a little later."""

    types: tuple[str, ...] = (IDENTITY_TYPE,)

    def __init__(self, azure: Azure, identities: Identities) -> None:
        self._azure = azure
        self._identities = identities

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._azure.resources.get(rid.text)
        if found is None:
            raise not_found(rid.text)
        return copy.deepcopy(found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        prefix = scope.rstrip("/").lower() + "/"
        return [
            copy.deepcopy(one.body)
            for one in self._azure.resources.of_type(IDENTITY_TYPE)
            if one.id.key.startswith(prefix)
        ]

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        known = self._azure.resources.get(rid.text)
        shown = {name: copy.deepcopy(value) for name, value in body.items() if name not in ("id", "name", "type")}
        own = {
            "tenantId": self._azure.tenant_id,
            "principalId": self._identities.derive(f"principal {rid.text}"),
            "clientId": self._identities.derive(f"client {rid.text}"),
        }
        if known is not None:
            own = {name: known.body["properties"][name] for name in own}
        properties = {**(shown.get("properties") or {}), **own}
        return {
            **shown,
            "id": known.id.text if known else rid.text,
            "name": known.id.name if known else rid.name,
            "type": IDENTITY_TYPE,
            "properties": properties,
        }

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """
        Raises:
            AzureFailure: 400 without a location or with a bad name; 409 for another location.
        """
        if not NAME.fullmatch(rid.name):
            raise AzureFailure(400, "InvalidIdentityName", f"The identity name '{rid.name}' is not valid.")
        if not body.get("location"):
            raise AzureFailure(400, "LocationRequired", "The location property is required for this definition.")
        known = self._azure.resources.get(rid.text)
        if known is not None and _plain(known.body["location"]) != _plain(str(body["location"])):
            raise AzureFailure(
                409,
                "InvalidResourceLocation",
                f"The resource '{rid.name}' already exists in location '{known.body['location']}'.",
            )
        made = self.preview(rid, api_version, body)
        self._azure.resources.put(rid.text, api_version, made)
        self._identities.announce(made["properties"]["principalId"])
        self._azure.record_write("PUT", rid.text, type=IDENTITY_TYPE)
        return Answer(copy.deepcopy(made), created=known is None)

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """Tags are replaced as a whole; nothing else of an identity changes by PATCH."""
        changed = self.get(rid, api_version, {})
        if isinstance(body.get("tags"), dict):
            changed["tags"] = dict(body["tags"])
        self._azure.resources.put(rid.text, api_version, changed)
        self._azure.record_write("PATCH", rid.text, type=IDENTITY_TYPE)
        return Answer(copy.deepcopy(changed))

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        if self._azure.resources.remove(rid.text) is None:
            raise not_found(rid.text)
        self._azure.record_write("DELETE", rid.text, type=IDENTITY_TYPE)
        return Answer(None)

    def action(
        self,
        rid: ResourceId,
        action: str,
        method: str,
        api_version: str,
        body: Any,
        query: dict[str, str],
        caller: Caller,
    ) -> Answer:
        raise AzureFailure(404, "InvalidResourceType", f"No action {action} on {rid.type}.")


def _plain(location: str) -> str:
    return location.replace(" ", "").lower()
