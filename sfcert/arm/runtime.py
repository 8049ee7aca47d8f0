"""Who answers what only a running Azure knows: live resources, the group, the time? Floor 1.

`Runtime` is the port; `SymbolicRuntime` is the answer of someone who has no Azure and does not guess. An answer is a
JSON value, a `Partial` (some keys of an object), or UNKNOWN, which keeps the call as an expression.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from sfcert.arm.symbolic import UNKNOWN, Partial, is_symbolic

Level = Literal["resourceGroup", "subscription", "managementGroup", "tenant"]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where a template is deployed; None is what is not known.

    `synthetic` says that subscription and group are placeholders: ids may be written with them, so that resources can
    be told apart, but nothing may be computed from them, and `resourceGroup()` and `subscription()` stay unknown.
    """

    level: Level = "resourceGroup"
    tenant_id: str | None = None
    management_group: str | None = None
    subscription_id: str | None = None
    resource_group: str | None = None
    deployment_name: str | None = None
    synthetic: bool = False

    @property
    def id(self) -> str | None:
        """Resource id of the scope, no slash at its end ("" for the tenant); None where a part is not known."""
        if is_symbolic(self.subscription_id) or is_symbolic(self.resource_group) or is_symbolic(self.management_group):
            return None
        if self.level == "tenant":
            return ""
        if self.level == "managementGroup":
            group = self.management_group
            return None if group is None else f"/providers/Microsoft.Management/managementGroups/{group}"
        if self.subscription_id is None:
            return None
        subscription = f"/subscriptions/{self.subscription_id}"
        if self.level == "subscription":
            return subscription
        return None if self.resource_group is None else f"{subscription}/resourceGroups/{self.resource_group}"


class Runtime(Protocol):
    """Run-time functions.

    Every method may return UNKNOWN; a failure of Azure's own is raised as sfcert.errors.RemoteError.

    `scope` is that of the expression which asks: inside a nested deployment with inner scope, the nested one's.
    """

    def reference(self, resource_id: str, api_version: str | None, full: bool, scope: Scope) -> Any:
        """`reference()`: the properties of a resource, or all of it where `full`."""

    def list_function(self, name: str, resource_id: str, api_version: str | None, body: Any, scope: Scope) -> Any:
        """`listKeys()` and the like; `name` in the author's spelling."""

    def resource_group(self, scope: Scope) -> Any:
        """`resourceGroup()`: id, name, type, location, managedBy, tags, properties."""

    def subscription(self, scope: Scope) -> Any:
        """`subscription()`: id, subscriptionId, tenantId, displayName."""

    def management_group(self, scope: Scope) -> Any:
        """`managementGroup()`."""

    def tenant(self, scope: Scope) -> Any:
        """`tenant()`: countryCode, displayName, id, tenantId."""

    def deployment(self, scope: Scope) -> Any:
        """`deployment()`: name, location, properties."""

    def deployer(self, scope: Scope) -> Any:
        """`deployer()`: objectId, tenantId, userPrincipalName."""

    def environment(self) -> Any:
        """`environment()`: the cloud's endpoints and suffixes."""

    def utc_now(self, format_text: str | None) -> Any:
        """`utcNow()`: the instant of the deployment, formatted; default form yyyyMMddTHHmmssZ."""

    def new_guid(self) -> Any:
        """`newGuid()`: another one at each call."""

    def other(self, name: str, args: list[Any], scope: Scope) -> Any:
        """Any other function that only Azure can answer: `providers`, `pickZones`, `toLogicalZone`, …"""


class SymbolicRuntime:
    """Knows only what the scope itself says."""

    def reference(self, resource_id: str, api_version: str | None, full: bool, scope: Scope) -> Any:
        return UNKNOWN

    def list_function(self, name: str, resource_id: str, api_version: str | None, body: Any, scope: Scope) -> Any:
        return UNKNOWN

    def resource_group(self, scope: Scope) -> Any:
        if scope.synthetic or scope.id is None or scope.resource_group is None:
            return UNKNOWN
        return Partial({"id": scope.id, "name": scope.resource_group, "type": "Microsoft.Resources/resourceGroups"})

    def subscription(self, scope: Scope) -> Any:
        if scope.synthetic or scope.subscription_id is None:
            return UNKNOWN
        known = {"id": f"/subscriptions/{scope.subscription_id}", "subscriptionId": scope.subscription_id}
        if scope.tenant_id is not None:
            known["tenantId"] = scope.tenant_id
        return Partial(known)

    def management_group(self, scope: Scope) -> Any:
        return UNKNOWN

    def tenant(self, scope: Scope) -> Any:
        return Partial({"tenantId": scope.tenant_id}) if scope.tenant_id is not None else UNKNOWN

    def deployment(self, scope: Scope) -> Any:
        return Partial({"name": scope.deployment_name}) if scope.deployment_name is not None else UNKNOWN

    def deployer(self, scope: Scope) -> Any:
        return UNKNOWN

    def environment(self) -> Any:
        return UNKNOWN

    def utc_now(self, format_text: str | None) -> Any:
        return UNKNOWN

    def new_guid(self) -> Any:
        return UNKNOWN

    def other(self, name: str, args: list[Any], scope: Scope) -> Any:
        return UNKNOWN
