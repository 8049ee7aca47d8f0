"""Which resource groups are there? They are no resources of a provider: Resource Manager itself keeps them."""

from __future__ import annotations

import copy
from typing import Any

from sfcert.sim.front.changes import merge_patch
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.kernel.plain import copied
from sfcert.sim.kernel.provider import Caller

#: Deleting a group takes minutes; its resources go at the end.
_DELETE_S = 90.0


class Groups:
    """The service `groups`: resource groups of every subscription, by id without regard to case."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._by_key: dict[str, dict[str, Any]] = {}

    def has(self, subscription: str, name: str) -> bool:
        return _key(subscription, name) in self._by_key

    def get(self, subscription: str, name: str) -> dict[str, Any]:
        """The group as a GET returns it.

        Raises:
            AzureFailure: 404 `ResourceGroupNotFound`.
        """
        found = self._by_key.get(_key(subscription, name))
        if found is None:
            raise AzureFailure(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        shown: dict[str, Any] = copied(found)
        return shown

    def list(self, subscription: str) -> list[dict[str, Any]]:
        prefix = f"/subscriptions/{subscription}/".lower()
        return [copy.deepcopy(body) for key, body in self._by_key.items() if key.startswith(prefix)]

    def put(self, subscription: str, name: str, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Create or update a group. Returns its body and whether it is new.

        Raises:
            AzureFailure: 400 without a location, 409 when the location would change.
        """
        location = body.get("location")
        if not isinstance(location, str) or not location:
            raise AzureFailure(400, "LocationRequired", "The location property is required for this definition.")
        known = self._by_key.get(_key(subscription, name))
        if known is not None and _place(known["location"]) != _place(location):
            raise AzureFailure(
                409,
                "InvalidResourceGroupLocation",
                f"Invalid resource group location '{location}'. The Resource group already exists in location"
                f" '{known['location']}'.",
            )
        made: dict[str, Any] = {
            "id": known["id"] if known else f"/subscriptions/{subscription}/resourceGroups/{name}",
            "name": known["name"] if known else name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": _place(location),
            **({"tags": copy.deepcopy(body["tags"])} if body.get("tags") is not None else {}),
            **({"managedBy": body["managedBy"]} if body.get("managedBy") else {}),
            "properties": {"provisioningState": "Succeeded"},
        }
        self._by_key[_key(subscription, name)] = made
        self._azure.record_write("PUT", made["id"], type=made["type"])
        return copy.deepcopy(made), known is None

    def patch(self, subscription: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        current = self.get(subscription, name)
        tags = {"tags": body["tags"]} if "tags" in body else {}
        self._by_key[_key(subscription, name)] = merge_patch(current, tags)
        self._azure.record_write("PATCH", current["id"], type=current["type"])
        return self.get(subscription, name)

    def delete(self, subscription: str, name: str, caller: Caller) -> Operation:
        """Start to delete the group with all that is in it."""
        body = self._by_key.get(_key(subscription, name))
        if body is None:
            raise AzureFailure(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        body["properties"]["provisioningState"] = "Deleting"
        operation = self._azure.start_operation(body["id"])
        self._azure.record_write("DELETE", body["id"], type=body["type"])

        def remove() -> None:
            for resource in self._azure.resources.under(body["id"]):
                provider = self._azure.provider_of(resource.id.type)
                if provider is not None and len(resource.id.names) == 1:
                    provider.delete(resource.id, resource.api_version, caller)
                else:
                    self._azure.resources.remove(resource.id.text)
            self._by_key.pop(_key(subscription, name), None)

        self._azure.finish_after(operation, _DELETE_S, remove, f"delete group {name}")
        return operation


def _key(subscription: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourcegroups/{name}".lower()


def _place(location: str) -> str:
    """A region by its short name: `West Europe` is `westeurope`."""
    return location.replace(" ", "").lower()
