"""Who keeps a resource of a type that nobody serves? A provider that stores bodies and does nothing with them."""

from __future__ import annotations

import copy
from typing import Any

from sfcert.sim.front.changes import merge_patch
from sfcert.sim.front.keys import keys_of
from sfcert.sim.front.surroundings import complete
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer, Caller


class OpaqueResources:
    """The provider of last resort. Everything succeeds at once and reads back as it was written."""

    types: tuple[str, ...] = ()

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._azure.resources.get(rid.text)
        if found is None:
            raise missing_resource(rid)
        return copy.deepcopy(found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        prefix = scope.rstrip("/").lower() + "/"
        return [
            copy.deepcopy(resource.body)
            for resource in self._azure.resources.of_type(resource_type)
            if resource.id.key.startswith(prefix)
        ]

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        known = self._azure.resources.get(rid.text)
        head: dict[str, Any] = {
            "id": known.id.text if known else rid.text,
            "name": "/".join(rid.names[-1:]),
            "type": rid.type,
        }
        made: dict[str, Any] = {**head, **{k: copy.deepcopy(v) for k, v in body.items() if k not in head}}
        properties = made.get("properties")
        # Extension resources and settings without properties stay as they are: nothing is invented for them.
        if isinstance(properties, dict):
            made["properties"] = {**properties, "provisioningState": "Succeeded"}
        return complete(rid, made)

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        new = self._azure.resources.get(rid.text) is None
        self._azure.resources.put(rid.text, api_version, self.preview(rid, api_version, body))
        self._azure.record_write("PUT", rid.text, type=rid.type)
        return Answer(self.get(rid, api_version, {}), created=new)

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        merged = merge_patch(self.get(rid, api_version, {}), body)
        self._azure.resources.put(rid.text, api_version, merged)
        self._azure.record_write("PATCH", rid.text, type=rid.type)
        return Answer(self.get(rid, api_version, {}))

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        if self._azure.resources.remove(rid.text) is None:
            raise missing_resource(rid)
        for child in self._azure.resources.under(rid.text):
            self._azure.resources.remove(child.id.text)
        self._azure.record_write("DELETE", rid.text, type=rid.type)
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
        # Reading first: an action on something that is not there is a 404, on something opaque it is not served.
        self.get(rid, api_version, query)
        if action.lower() == "listkeys" and method == "POST":
            return Answer(keys_of(rid, api_version))
        raise AzureFailure(
            501, "NotServedByTheSimulator", f"The embedded Azure keeps '{rid.type}' but does not act on '{action}'."
        )


def missing_resource(rid: ResourceId) -> AzureFailure:
    """The 404 of Resource Manager for a resource, in a group or outside of one."""
    where = f" under resource group '{rid.group}'" if rid.group else ""
    return AzureFailure(
        404,
        "ResourceNotFound",
        f"The Resource '{rid.type}/{'/'.join(rid.names)}'{where} was not found. For more details please go to"
        " https://aka.ms/ARMResourceNotFoundFix",
    )
