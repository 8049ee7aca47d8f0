"""How are role assignments written and read over ARM? Microsoft.Authorization at any scope.

Source: role assignments REST (2022-04-01) with its `$filter`: `atScope()` lists the scope and what is above it;
`principalId eq` and `assignedTo()` also what is below. Group membership is not modelled: `assignedTo` equals
`principalId eq`. Custom role definitions are not modelled.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from sfcert.sim.authorization.definitions import BUILT_IN
from sfcert.sim.authorization.roles import Roles, is_at_or_above
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer, Caller

GUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
KEPT = ("principalType", "condition", "conditionVersion", "description", "delegatedManagedIdentityResourceId")


class AuthorizationProvider:
    """Role assignments and the built-in definitions."""

    types: tuple[str, ...] = ("Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleDefinitions")

    def __init__(self, azure: Azure, roles: Roles) -> None:
        self._azure = azure
        self._roles = roles

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        if _is_definition(rid.type):
            role = self._roles.definition(rid.name)
            if role is None:
                raise _no_definition(rid.name)
            return role.body(_home(rid.scope))
        found = self._roles.get(rid.text)
        if found is None:
            raise AzureFailure(404, "RoleAssignmentNotFound", f"The role assignment '{rid.name}' is not found.")
        return copy.deepcopy(found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        text = next((value for key, value in query.items() if key.lower() in ("$filter", "filter")), "")
        if _is_definition(resource_type):
            by_name = re.search(r"roleName eq '([^']*)'", text, re.IGNORECASE)
            named = by_name.group(1).lower() if by_name else None
            return [
                role.body(_home(scope)) for role in BUILT_IN.values() if named is None or role.name.lower() == named
            ]
        only_above = "atscope()" in text.lower()
        who = re.search(r"(?:principalId eq|assignedTo\()\s*'([^']*)'", text, re.IGNORECASE)
        found = []
        for one in self._roles.all():
            related = is_at_or_above(one.scope, scope) or (not only_above and is_at_or_above(scope, one.scope))
            if related and (who is None or one.principal_id.lower() == who.group(1).lower()):
                found.append(copy.deepcopy(one.body))
        return found

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """Give a role; the same again under the same name changes nothing.

        Raises:
            AzureFailure: 400 for a malformed request, PrincipalNotFound or a change of what is fixed; 404 for the
                role; 409 RoleAssignmentExists under another name.
        """
        if _is_definition(rid.type):
            raise AzureFailure(400, "RoleDefinitionNotSupported", "Custom roles are not modelled here.")
        if not GUID.fullmatch(rid.name):
            raise AzureFailure(
                400, "InvalidRoleAssignmentId", f"The role assignment ID '{rid.name}' is not valid. It must be a GUID."
            )
        properties = body.get("properties") or {}
        principal, role_text = str(properties.get("principalId") or ""), str(properties.get("roleDefinitionId") or "")
        if not GUID.fullmatch(principal) or not role_text:
            raise AzureFailure(
                400, "BadRequestFormat", "The request was incorrectly formatted: principalId and roleDefinitionId."
            )
        role = self._roles.definition(role_text)
        if role is None:
            raise _no_definition(role_text.rsplit("/", 1)[-1])
        known = self._roles.get(rid.text)
        if known is not None:
            if known.principal_id.lower() != principal.lower() or known.role_id != role.id:
                raise AzureFailure(
                    400,
                    "RoleAssignmentUpdateNotPermitted",
                    "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                )
            for name in KEPT:
                if properties.get(name) is not None:
                    known.body["properties"][name] = copy.deepcopy(properties[name])
            self._azure.record_write("PUT", rid.text, type=rid.type)
            return Answer(copy.deepcopy(known.body))
        for other in self._roles.all():
            if (
                other.principal_id.lower() == principal.lower()
                and other.role_id == role.id
                and other.scope.rstrip("/").lower() == rid.scope.rstrip("/").lower()
            ):
                name = other.body["name"].replace("-", "")
                raise AzureFailure(
                    409,
                    "RoleAssignmentExists",
                    f"The role assignment already exists. The ID of the existing role assignment is {name}.",
                )
        if not properties.get("principalType") and not self._roles.is_replicated(principal):
            raise AzureFailure(
                400,
                "PrincipalNotFound",
                f"Principal {principal.replace('-', '')} does not exist in the directory {self._azure.tenant_id}. "
                "Check that you have the correct principal ID. If you are creating this principal and then "
                "immediately assigning a role, this error might be related to a replication delay. In this case, set "
                "the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.",
            )
        more = {name: copy.deepcopy(properties[name]) for name in KEPT if properties.get(name) is not None}
        more.setdefault("principalType", "ServicePrincipal")
        kept = self._roles.keep(rid.scope, rid.name, role.id, principal, more, caller.object_id)
        self._azure.record_write("PUT", rid.text, type=rid.type)
        return Answer(copy.deepcopy(kept.body), created=True)

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        known = self._roles.get(rid.text)
        if known is not None:
            return copy.deepcopy(known.body)
        properties = {**copy.deepcopy(body.get("properties") or {}), "scope": rid.scope}
        return {"id": rid.text, "name": rid.name, "type": self.types[0], "properties": properties}

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        raise AzureFailure(405, "HttpMethodNotAllowed", "The requested resource does not support http method 'PATCH'.")

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        gone = None if _is_definition(rid.type) else self._roles.remove(rid.text)
        if gone is None:
            return Answer(None, status=204)
        self._azure.record_write("DELETE", rid.text, type=rid.type)
        return Answer(copy.deepcopy(gone.body))

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


def _home(scope: str) -> str:
    """Where a definition that is asked for at this scope has its id: its subscription, however deep the question was.

    Assignments name their role by that id, and clients match the two as they are written (`az role assignment list`).
    """
    parts = scope.split("/")
    return "/".join(parts[:3]) if len(parts) > 2 and parts[1].lower() == "subscriptions" else ""


def _is_definition(resource_type: str) -> bool:
    return resource_type.lower().endswith("/roledefinitions")


def _no_definition(name: str) -> AzureFailure:
    return AzureFailure(
        404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{name}' does not exist."
    )
