"""May this caller do this to this vault's data? Network first, then policies or roles.

Who is named by an access policy or a role is the caller's business of `vaults/accessPolicies` and of the
authorization service. Leaves out private endpoints: a vault with public access switched off answers trusted services
only.

Source: Key Vault network security and access control pages, read 2026-11; section 6.1 of the project's reference.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from sfcert.sim.authorization.roles import Roles
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.resources import Resource
from sfcert.sim.keyvault.failures import forbidden

# What a role must allow where an access policy would say (kind, permission).
DATA_ACTIONS: dict[tuple[str, str], str] = {
    ("secrets", "get"): "secrets/getSecret/action",
    ("secrets", "list"): "secrets/readMetadata/action",
    ("secrets", "set"): "secrets/setSecret/action",
    ("secrets", "update"): "secrets/update/action",
    ("secrets", "delete"): "secrets/delete",
    ("secrets", "recover"): "secrets/recover/action",
    ("secrets", "purge"): "secrets/purge/action",
    ("keys", "get"): "keys/read",
    ("keys", "list"): "keys/read",
    ("certificates", "get"): "certificates/read",
    ("certificates", "list"): "certificates/read",
    ("certificates", "create"): "certificates/create/action",
    ("certificates", "import"): "certificates/import/action",
    ("certificates", "update"): "certificates/update/action",
    ("certificates", "delete"): "certificates/delete",
    ("certificates", "recover"): "certificates/recover/action",
    ("certificates", "purge"): "certificates/purge/action",
    ("certificates", "managecontacts"): "certificatecontacts/write",
    ("certificates", "getissuers"): "certificatecas/read",
    ("certificates", "listissuers"): "certificatecas/read",
    ("certificates", "setissuers"): "certificatecas/write",
    ("certificates", "deleteissuers"): "certificatecas/delete",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes from where. `trusted_service` is the platform itself, such as the machine deployment service."""

    principal_id: str
    app_id: str = ""
    trusted_service: bool = False
    subnet_id: str | None = None
    address: str | None = None

    def described(self, tenant_id: str) -> str:
        return f"appid={self.app_id};oid={self.principal_id};iss=https://sts.windows.net/{tenant_id}/"


def uses_roles(vault: Resource) -> bool:
    """The vault's model: true for roles; false or absent for access policies."""
    return vault.body["properties"].get("enableRbacAuthorization") is True


class Access:
    """The gate before every operation on data.

    The switch `let_in` names one principal whom every vault lets in: a twin does not know from where its operator comes
    nor who it is, and must not change the captured vaults to find out.
    """

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def check(self, vault: Resource, visitor: Visitor, kind: str, permission: str, name: str | None = None) -> None:
        """Let the visitor in, or say why not.

        Raises:
            VaultFailure: 403 ForbiddenByConnection, ForbiddenByFirewall, ForbiddenByRbac or ForbiddenByPolicy.
        """
        self.check_network(vault, visitor)
        if visitor.principal_id == self._azure.switches.get("let_in"):
            return
        if visitor.trusted_service:
            self._check_deployment(vault)
        elif uses_roles(vault):
            self._check_roles(vault, visitor, kind, permission, name)
        else:
            self._check_policies(vault, visitor, kind, permission)

    def check_network(self, vault: Resource, visitor: Visitor) -> None:
        properties = vault.body["properties"]
        rules = properties.get("networkAcls") or {}
        bypasses = "azureservices" in str(rules.get("bypass", "AzureServices")).lower()
        if visitor.trusted_service and bypasses:
            return
        if visitor.principal_id == self._azure.switches.get("let_in"):
            return
        where = f"Vault: {vault.id.name};location={vault.body.get('location', '')}"
        who = f"Caller: {visitor.described(self._azure.tenant_id)}"
        if str(properties.get("publicNetworkAccess", "Enabled")).lower() == "disabled":
            raise forbidden(
                "ForbiddenByConnection",
                "Public network access is disabled and request is not from a trusted service nor via an approved "
                f"private link.\r\n{who}\r\n{where}",
            )
        if str(rules.get("defaultAction", "Allow")).lower() != "deny":
            return
        if visitor.subnet_id and any(
            str(rule.get("id", "")).lower() == visitor.subnet_id.lower()
            for rule in rules.get("virtualNetworkRules") or []
        ):
            return
        if visitor.address and any(
            _covers(str(rule.get("value", "")), visitor.address) for rule in rules.get("ipRules") or []
        ):
            return
        raise forbidden(
            "ForbiddenByFirewall",
            "Client address is not authorized and caller is not a trusted service.\r\n"
            f"Client address: {visitor.address or visitor.subnet_id or 'unknown'}\r\n{who}\r\n{where}",
        )

    def _check_deployment(self, vault: Resource) -> None:
        if vault.body["properties"].get("enabledForDeployment") is not True:
            raise forbidden(
                "KeyVaultAccessForbidden",
                f"Key Vault {vault.id.text} either has not been enabled for deployment or the vault id provided does "
                "not match the Key Vault's true resource id.",
            )

    def _check_roles(self, vault: Resource, visitor: Visitor, kind: str, permission: str, name: str | None) -> None:
        action = f"Microsoft.KeyVault/vaults/{DATA_ACTIONS[kind, permission]}"
        scope = f"{vault.id.text}/{kind}/{name}" if name else vault.id.text
        roles = self._azure.service("authorization", Roles)
        if not roles.may(visitor.principal_id, action, scope, data_action=True):
            raise forbidden(
                "ForbiddenByRbac",
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or "
                "role definitions were changed recently, please observe propagation time.\r\n"
                f"Caller: {visitor.described(self._azure.tenant_id)}\r\nAction: '{action}'\r\n"
                f"Resource: '{scope.lower()}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
                f"DecisionReason: null \r\nVault: {vault.id.name};location={vault.body.get('location', '')}\r\n",
            )

    def _check_policies(self, vault: Resource, visitor: Visitor, kind: str, permission: str) -> None:
        for policy in vault.body["properties"].get("accessPolicies") or []:
            if str(policy.get("objectId", "")).lower() != visitor.principal_id.lower():
                continue
            application = policy.get("applicationId")
            if application and str(application).lower() != visitor.app_id.lower():
                continue
            held = {str(one).lower() for one in (policy.get("permissions") or {}).get(kind) or []}
            manages = permission.endswith("issuers") and "manageissuers" in held
            if permission in held or "all" in held or manages:
                return
        raise forbidden(
            "ForbiddenByPolicy",
            f"The user, group or application '{visitor.described(self._azure.tenant_id)}' does not have {kind} "
            f"{permission} permission on key vault '{vault.id.name};location={vault.body.get('location', '')}'. For "
            "help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
        )


def _covers(rule: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False
