"""May this principal do that there? Role assignments with inheritance and propagation in virtual time.

An assignment counts at its scope and below. It begins to count some time after it was made, and stops counting some
time after it was removed; nothing outside shows that instant, as in the real service.

Source: Azure RBAC overview and troubleshooting pages (changes take effect within minutes, at most ten). The delay
itself, 120 s, is assumed; the switch `role_propagation_s` changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sfcert.sim.authorization import definitions
from sfcert.sim.authorization.definitions import BUILT_IN, RoleDefinition
from sfcert.sim.kernel.azure import Azure

PROPAGATION_S = 120
LATE_S = 1800
REPLICATION_S = 60


@dataclass(slots=True)
class Assignment:
    """One role given to one principal at one scope. `effective` and `gone` are virtual instants."""

    id: str
    scope: str
    role_id: str
    principal_id: str
    body: dict[str, Any]
    effective: datetime
    gone: datetime | None = None


class Roles:
    """All role assignments of the tenant, and the question that everybody asks."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._assignments: dict[str, Assignment] = {}
        self._retired: list[Assignment] = []
        # when each principal of the directory came to be: a young one is not yet known everywhere
        self._principals: dict[str, datetime] = {}
        azure.faults.declare(
            "roles-spread-late",
            "A role assignment takes half an hour until it counts anywhere.",
            {"seconds": "virtual seconds (default 1800)"},
        )

    # -- the directory ------------------------------------------------------------------------------------------------

    def register_principal(self, principal_id: str, since: datetime | None = None) -> None:
        """Make a principal known to the directory; `since` is when it was made (now, unless it is older)."""
        self._principals.setdefault(principal_id.lower(), since or self._azure.clock.now)

    def is_replicated(self, principal_id: str) -> bool:
        """Whether a lookup by id finds this principal yet."""
        since = self._principals.get(principal_id.lower())
        seconds = float(self._azure.switches.get("principal_replication_s", REPLICATION_S))
        return since is not None and since + timedelta(seconds=seconds) <= self._azure.clock.now

    # -- the question -------------------------------------------------------------------------------------------------

    def may(self, principal_id: str, action: str, scope_id: str, *, data_action: bool = False) -> bool:
        """Whether some assignment that counts now allows the action at this scope.

        Args:
            action: such as `Microsoft.KeyVault/vaults/write`; case does not matter.
            scope_id: a resource id, or deeper (an object in a vault); assignments above it count.
            data_action: whether `action` is one of data (`…/secrets/getSecret/action`).
        """
        now, wanted = self._azure.clock.now, principal_id.lower()
        for one in [*self._assignments.values(), *self._retired]:
            counts = one.effective <= now and (one.gone is None or now < one.gone)
            if not counts or one.principal_id.lower() != wanted or not is_at_or_above(one.scope, scope_id):
                continue
            role = BUILT_IN.get(one.role_id)
            if role is not None and role.allows(action, data_action=data_action):
                return True
        return False

    # -- changing -----------------------------------------------------------------------------------------------------

    @property
    def delay(self) -> timedelta:
        late = self._azure.switches.get("roles-spread-late")
        if late is not None:
            return timedelta(seconds=float(late.get("seconds", LATE_S)))
        return timedelta(seconds=float(self._azure.switches.get("role_propagation_s", PROPAGATION_S)))

    def grant(self, principal_id: str, role_id: str, scope: str, *, at_once: bool = True) -> Assignment:
        """Give a role while a world is built; `at_once` leaves out the propagation."""
        self.register_principal(principal_id, datetime.min.replace(tzinfo=self._azure.clock.now.tzinfo))
        name = self._azure.new_guid()
        return self.keep(scope, name, role_id, principal_id, {"principalType": "ServicePrincipal"}, "", at_once=at_once)

    def make_operator(self, principal_id: str) -> None:
        """The world's default operator: Owner and Key Vault Administrator of the whole subscription."""
        scope = f"/subscriptions/{self._azure.subscription_id}"
        self.grant(principal_id, definitions.OWNER, scope)
        self.grant(principal_id, definitions.KEY_VAULT_ADMINISTRATOR, scope)

    def keep(
        self,
        scope: str,
        name: str,
        role_id: str,
        principal_id: str,
        more: dict[str, Any],
        author: str,
        *,
        at_once: bool = False,
    ) -> Assignment:
        """Store an assignment; `more` are further properties (principalType, description, condition…)."""
        now = self._azure.clock.now
        stamp = now.isoformat().replace("+00:00", "Z")
        scope = scope.rstrip("/") or "/"
        prefix = "" if scope == "/" else scope
        role_scope = f"/subscriptions/{self._azure.subscription_id}"
        assignment_id = f"{prefix}/providers/Microsoft.Authorization/roleAssignments/{name}"
        properties = {
            **more,
            "roleDefinitionId": f"{role_scope}/providers/Microsoft.Authorization/roleDefinitions/{role_id}",
            "principalId": principal_id,
            "scope": scope,
            "createdOn": stamp,
            "updatedOn": stamp,
            "createdBy": author,
            "updatedBy": author,
        }
        properties.setdefault("condition", None)
        properties.setdefault("conditionVersion", None)
        properties.setdefault("description", None)
        properties.setdefault("delegatedManagedIdentityResourceId", None)
        body = {
            "properties": properties,
            "id": assignment_id,
            "type": "Microsoft.Authorization/roleAssignments",
            "name": name,
        }
        effective = now if at_once else now + self.delay
        kept = Assignment(assignment_id, scope, role_id, principal_id, body, effective)
        self._assignments[assignment_id.lower()] = kept
        return kept

    def remove(self, assignment_id: str) -> Assignment | None:
        """Take an assignment away; it goes on counting until the removal has spread."""
        gone = self._assignments.pop(assignment_id.rstrip("/").lower(), None)
        if gone is not None:
            gone.gone = self._azure.clock.now + self.delay
            self._retired = [one for one in self._retired if one.gone and one.gone > self._azure.clock.now]
            self._retired.append(gone)
        return gone

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, assignment_id: str) -> Assignment | None:
        return self._assignments.get(assignment_id.rstrip("/").lower())

    def all(self) -> tuple[Assignment, ...]:
        return tuple(self._assignments.values())

    def definition(self, role_id: str) -> RoleDefinition | None:
        return BUILT_IN.get(role_id.rstrip("/").rsplit("/", 1)[-1].lower())


def is_at_or_above(scope: str, resource_id: str) -> bool:
    """Whether `scope` is this id or one that it lies under; `/` lies above all."""
    upper, lower = scope.rstrip("/").lower(), resource_id.rstrip("/").lower()
    return upper == "" or lower == upper or lower.startswith(upper + "/")
