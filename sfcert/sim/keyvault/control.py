"""How are vaults written and read over ARM? Microsoft.KeyVault: vaults, access policies, deleted vaults.

A deleted vault keeps its name and its contents until it is purged or recovered. The permission model of a new vault
follows the api-version of the write that made it; later writes never flip it by leaving it out.

Source: azure-mgmt-keyvault 14.1.0 (2026-05-15) for shapes; section 6.1 of the project's reference (KVDEF) for the
default. Assumed: a PUT replaces what it does not name, but for the permission model, soft delete and purge protection.
"""

from __future__ import annotations

import copy
import re
from datetime import timedelta
from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure, not_found
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer, Caller
from sfcert.sim.kernel.resources import Resource
from sfcert.sim.kernel.spelling import respelled
from sfcert.sim.keyvault.access_policies import AccessPolicies
from sfcert.sim.keyvault.vaults import DNS_SUFFIX, VAULT_TYPE, DeletedVault, Vaults

NAME = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")
ROLES_BY_DEFAULT_SINCE = "2026-02-01"
DELETED_TYPE = "Microsoft.KeyVault/locations/deletedVaults"
POLICIES_TYPE = "Microsoft.KeyVault/vaults/accessPolicies"
# What a PUT that does not name it leaves as it is.
STICKY = ("enableRbacAuthorization", "enableSoftDelete", "softDeleteRetentionInDays", "enablePurgeProtection")


class VaultProvider:
    """Vaults and what hangs on them."""

    types: tuple[str, ...] = (VAULT_TYPE, POLICIES_TYPE, DELETED_TYPE, "Microsoft.KeyVault/deletedVaults")

    def __init__(self, azure: Azure, vaults: Vaults) -> None:
        self._azure = azure
        self._vaults = vaults
        self._policies = AccessPolicies(azure)

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        if _is(rid.type, DELETED_TYPE):
            return _deleted_body(self._deleted(rid.name))
        if _is(rid.type, POLICIES_TYPE):
            return self._policies.body(rid, self._vault(rid))
        return copy.deepcopy(self._vault(rid).body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        prefix = scope.rstrip("/").lower() + "/"
        if resource_type.lower().endswith("/deletedvaults"):
            return [_deleted_body(one) for one in self._vaults.deleted.values()]
        if not _is(resource_type, VAULT_TYPE):
            return []
        return [
            copy.deepcopy(one.body)
            for one in self._azure.resources.of_type(VAULT_TYPE)
            if one.id.key.startswith(prefix)
        ]

    def _vault(self, rid: ResourceId) -> Resource:
        vault_id = rid.text if len(rid.names) == 1 else rid.parent or rid.text
        found = self._azure.resources.get(vault_id)
        if found is None:
            raise not_found(vault_id)
        return found

    def _deleted(self, name: str) -> DeletedVault:
        found = self._vaults.deleted.get(name.lower())
        if found is None:
            raise AzureFailure(404, "DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")
        return found

    # -- writing ------------------------------------------------------------------------------------------------------

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        """The vault as it would read after this PUT."""
        body = respelled(body)
        if _is(rid.type, POLICIES_TYPE):
            return self._policies.previewed(rid, self._vault(rid), body)
        known = self._azure.resources.get(rid.text)
        return self._merged(rid, api_version, body, known)

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """
        Raises:
            AzureFailure: 400 VaultNameNotValid or BadRequest; 409 VaultAlreadyExists, ConflictError (a deleted one has
                the name) or InvalidResourceLocation.
        """
        body = respelled(body)
        if _is(rid.type, POLICIES_TYPE):
            answer = self._policies.put(rid, self._vault(rid), body)
            self._azure.record_write("PUT", rid.text, type=POLICIES_TYPE)
            return answer
        if not _is(rid.type, VAULT_TYPE):
            raise AzureFailure(405, "HttpMethodNotAllowed", "A deleted vault can not be written.")
        known = self._azure.resources.get(rid.text)
        properties = body.get("properties") or {}
        if known is None:
            reason = self._taken(rid.name)
            if reason == "AccountNameInvalid":
                raise AzureFailure(400, "VaultNameNotValid", f"The vault name '{rid.name}' is invalid.")
            if str(properties.get("createMode", "")).lower() == "recover":
                return self._recover(rid, api_version)
            if rid.name.lower() in self._vaults.deleted:
                raise AzureFailure(
                    409,
                    "ConflictError",
                    "A vault with the same name already exists in deleted state. You need to either recover or purge "
                    "existing key vault.",
                )
            if reason is not None:
                raise AzureFailure(
                    409,
                    "VaultAlreadyExists",
                    f"The vault name '{rid.name}' is already in use. Vault names are globally unique so it is possible "
                    "that the name is already taken.",
                )
        _check(rid, body, known)
        made = self._merged(rid, api_version, body, known)
        if known is not None and known.body["properties"].get("enablePurgeProtection") is True:
            made["properties"]["enablePurgeProtection"] = True
        self._azure.resources.put(rid.text, api_version, made)
        self._azure.record_write("PUT", rid.text, type=VAULT_TYPE)
        return Answer(copy.deepcopy(made), created=known is None)

    def _merged(
        self, rid: ResourceId, api_version: str, body: dict[str, Any], known: Resource | None
    ) -> dict[str, Any]:
        shown = {name: copy.deepcopy(value) for name, value in body.items() if name not in ("id", "name", "type")}
        properties = {key: value for key, value in (shown.get("properties") or {}).items() if value is not None}
        properties.pop("createMode", None)
        before = known.body["properties"] if known else {}
        for name in STICKY:
            if name not in properties and name in before:
                properties[name] = before[name]
        if known is None:
            if api_version[:10] >= ROLES_BY_DEFAULT_SINCE:
                properties.setdefault("enableRbacAuthorization", True)
            else:
                properties.setdefault("enableRbacAuthorization", False)
            properties.setdefault("enableSoftDelete", True)
            properties.setdefault("softDeleteRetentionInDays", 90)
        properties.setdefault("accessPolicies", [])
        properties.setdefault("enabledForDeployment", False)
        properties.setdefault("publicNetworkAccess", "Enabled")
        name = known.id.name if known else rid.name
        properties["vaultUri"] = f"https://{name.lower()}.{DNS_SUFFIX}/"
        properties["provisioningState"] = "Succeeded"
        return {
            "id": known.id.text if known else rid.text,
            "name": name,
            "type": VAULT_TYPE,
            **shown,
            "tags": shown.get("tags") or {},
            "properties": properties,
        }

    def _recover(self, rid: ResourceId, api_version: str) -> Answer:
        gone = self._deleted(rid.name)
        gone.timer.cancel()
        del self._vaults.deleted[rid.name.lower()]
        self._vaults.put_content(rid.name, gone.content)
        self._azure.resources.put(rid.text, api_version, gone.resource.body)
        self._azure.record_write("PUT", rid.text, type=VAULT_TYPE)
        return Answer(copy.deepcopy(gone.resource.body), created=True)

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """Properties that are named replace the old ones, each as a whole; tags are replaced."""
        known = self._vault(rid)
        changed = copy.deepcopy(known.body)
        body = respelled(body)
        for name, value in (body.get("properties") or {}).items():
            if value is None:
                continue
            if name == "enablePurgeProtection" and value is False and changed["properties"].get(name):
                raise AzureFailure(
                    400, "BadRequest", 'The property "enablePurgeProtection" cannot be set to false once it is true.'
                )
            changed["properties"][name] = copy.deepcopy(value)
        if body.get("tags") is not None:
            changed["tags"] = dict(body["tags"])
        self._azure.resources.put(known.id.text, api_version, changed)
        self._azure.record_write("PATCH", rid.text, type=VAULT_TYPE)
        return Answer(copy.deepcopy(changed))

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        """Soft delete: name and contents stay reserved until the retention is over."""
        known = self._vault(rid)
        self._azure.resources.remove(known.id.text)
        now, name = self._azure.clock.now, known.id.name
        days = int(known.body["properties"].get("softDeleteRetentionInDays") or 90)
        purge_at = now + timedelta(days=days)
        timer = self._azure.clock.at(purge_at, lambda: self._purge(name), f"vault {name} is purged")
        content = self._vaults.take_content(name)
        self._vaults.deleted[name.lower()] = DeletedVault(known, content, now, purge_at, timer)
        self._azure.record_write("DELETE", rid.text, type=VAULT_TYPE)
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
        if _is(rid.type, DELETED_TYPE) and action.lower() == "purge" and method == "POST":
            gone = self._deleted(rid.name)
            if gone.resource.body["properties"].get("enablePurgeProtection"):
                raise AzureFailure(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
            self._purge(rid.name)
            self._azure.record_write("POST purge", rid.text, type=DELETED_TYPE)
            return Answer(None, status=200)
        raise AzureFailure(404, "InvalidResourceType", f"No action {action} on {rid.type}.")

    def _purge(self, name: str) -> None:
        gone = self._vaults.deleted.pop(name.lower(), None)
        if gone is not None:
            gone.timer.cancel()
            self._vaults.deletions.forget(gone.content)

    # -- names --------------------------------------------------------------------------------------------------------

    def check_name(self, name: str) -> dict[str, Any]:
        """The answer to `checkNameAvailability`."""
        reason = self._taken(name)
        if reason is None:
            return {"nameAvailable": True}
        message = (
            f"The vault name '{name}' is invalid."
            if reason == "AccountNameInvalid"
            else f"The vault name '{name}' is already in use."
        )
        return {"nameAvailable": False, "reason": reason, "message": message}

    def _taken(self, name: str) -> str | None:
        if not NAME.fullmatch(name):
            return "AccountNameInvalid"
        return "AlreadyExists" if self._vaults.exists(name) or name.lower() in self._vaults.deleted else None


def _check(rid: ResourceId, body: dict[str, Any], known: Resource | None) -> None:
    properties = body.get("properties") or {}
    location = body.get("location")
    if not location:
        raise AzureFailure(400, "LocationRequired", "The location property is required for this definition.")
    if known is not None and _plain(str(known.body["location"])) != _plain(str(location)):
        raise AzureFailure(
            409,
            "InvalidResourceLocation",
            f"The resource '{rid.name}' already exists in location '{known.body['location']}'.",
        )
    if not properties.get("tenantId"):
        raise AzureFailure(400, "BadRequest", "The parameter tenantId is not specified.")
    if not (properties.get("sku") or {}).get("name"):
        raise AzureFailure(400, "BadRequest", "The parameter sku is not specified.")
    days = properties.get("softDeleteRetentionInDays")
    if days is not None and not 7 <= int(days) <= 90:
        raise AzureFailure(400, "BadRequest", "softDeleteRetentionInDays must be between 7 and 90.")
    if len(properties.get("accessPolicies") or []) > 1024:
        raise AzureFailure(400, "BadRequest", "A vault has at most 1024 access policies.")


def _deleted_body(gone: DeletedVault) -> dict[str, Any]:
    location = str(gone.resource.body.get("location", ""))
    rid = gone.resource.id
    return {
        "id": f"/subscriptions/{rid.subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/"
        f"{rid.name}",
        "name": rid.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": rid.text,
            "location": location,
            "tags": gone.resource.body.get("tags") or {},
            "deletionDate": gone.deleted_at.isoformat().replace("+00:00", "Z"),
            "scheduledPurgeDate": gone.purge_at.isoformat().replace("+00:00", "Z"),
            "purgeProtectionEnabled": bool(gone.resource.body["properties"].get("enablePurgeProtection")),
        },
    }


def _is(resource_type: str, wanted: str) -> bool:
    return resource_type.lower() == wanted.lower()


def _plain(location: str) -> str:
    return location.replace(" ", "").lower()
