"""The vendor's own clients against the simulated identities and role assignments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient

from sfcert.sim.authorization.definitions import KEY_VAULT_SECRETS_USER, OWNER
from sfcert.sim.authorization.roles import Roles
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.kernel.azure import Azure

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
GROUP = "rg1"
READ_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"


def prepare(azure: Azure) -> None:
    azure.find_service("groups").put(azure.subscription_id, GROUP, {"location": "westeurope"})


@pytest.fixture
def sim() -> Iterator[Running]:
    """Identities and roles alone, so that these tests stand without the rest of the simulator."""
    services = ("authorization", "identity")
    with start_in_thread(start=START, seed=7, services=services, prepare=prepare) as running:
        yield running


@pytest.fixture
def clients(way: Any) -> Iterator[tuple[ManagedServiceIdentityClient, AuthorizationManagementClient]]:
    with ExitStack() as stack:
        identities = ManagedServiceIdentityClient(way.credential, way.subscription, **way.keywords)
        roles = AuthorizationManagementClient(way.credential, way.subscription, **way.keywords)
        yield stack.enter_context(identities), stack.enter_context(roles)


# A refusal that a test holds on to keeps its connection open; only through the proxy does the server's end close then.
by_proxy = pytest.mark.parametrize("way", ["proxy"], indirect=True)


def test_an_identity_lives_through_its_whole_life(clients: Any, way: Any) -> None:
    identities, _ = clients
    made = identities.user_assigned_identities.create_or_update(GROUP, "id-1", {"location": "westeurope"})
    assert made.tenant_id == way.running.env()["AZURE_TENANT_ID"]
    assert len({made.client_id, made.principal_id}) == 2
    again = identities.user_assigned_identities.create_or_update(
        GROUP, "ID-1", {"location": "West Europe", "tags": {"a": "b"}}
    )
    assert (again.principal_id, again.client_id, again.id) == (made.principal_id, made.client_id, made.id)
    assert identities.user_assigned_identities.update(GROUP, "id-1", {"tags": {"c": "d"}}).tags == {"c": "d"}
    assert [one.name for one in identities.user_assigned_identities.list_by_resource_group(GROUP)] == ["id-1"]
    assert [one.name for one in identities.user_assigned_identities.list_by_subscription()] == ["id-1"]
    identities.user_assigned_identities.delete(GROUP, "id-1")
    assert list(identities.user_assigned_identities.list_by_resource_group(GROUP)) == []


def test_a_role_counts_below_its_scope_and_only_after_it_has_spread(clients: Any, way: Any) -> None:
    identities, roles = clients
    made = identities.user_assigned_identities.create_or_update(GROUP, "id-1", {"location": "westeurope"})
    scope = f"/subscriptions/{way.subscription}/resourceGroups/{GROUP}"
    vault = f"{scope}/providers/Microsoft.KeyVault/vaults/kv1"
    assigned = roles.role_assignments.create(scope, *arguments(way, scope, made.principal_id, KEY_VAULT_SECRETS_USER))
    assert (assigned.scope, assigned.principal_type) == (scope, "ServicePrincipal")

    def may(azure: Azure) -> bool:
        return azure.service("authorization", Roles).may(made.principal_id, READ_SECRET, vault, data_action=True)

    assert way.running.call(may) is False
    way.running.advance(121)
    assert way.running.call(may) is True
    for_vault = roles.role_assignments.list_for_scope(vault, filter="atScope()")
    assert assigned.id in [one.id for one in for_vault]
    mine = list(roles.role_assignments.list_for_scope(vault, filter=f"assignedTo('{made.principal_id}')"))
    assert [one.id for one in mine] == [assigned.id]
    assert roles.role_assignments.get_by_id(assigned.id).principal_id == made.principal_id
    roles.role_assignments.delete_by_id(assigned.id)
    assert way.running.call(may) is True
    way.running.advance(121)
    assert way.running.call(may) is False


def test_lists_at_a_scope_leave_out_what_lies_below_it(clients: Any, way: Any) -> None:
    identities, roles = clients
    made = identities.user_assigned_identities.create_or_update(GROUP, "id-1", {"location": "westeurope"})
    upper = f"/subscriptions/{way.subscription}"
    lower = f"{upper}/resourceGroups/{GROUP}"
    assigned = roles.role_assignments.create(lower, *arguments(way, lower, made.principal_id, KEY_VAULT_SECRETS_USER))
    at_upper = [one.id for one in roles.role_assignments.list_for_scope(upper, filter="atScope()")]
    everything = [one.id for one in roles.role_assignments.list_for_subscription()]
    assert assigned.id not in at_upper
    assert assigned.id in everything
    in_group = [one.id for one in roles.role_assignments.list_for_resource_group(GROUP)]
    assert set(at_upper) | {assigned.id} == set(in_group)


@by_proxy
def test_a_second_assignment_of_the_same_is_refused_but_the_same_name_again_is_not(clients: Any, way: Any) -> None:
    identities, roles = clients
    made = identities.user_assigned_identities.create_or_update(GROUP, "id-1", {"location": "westeurope"})
    scope = f"/subscriptions/{way.subscription}"
    name, body = arguments(way, scope, made.principal_id, KEY_VAULT_SECRETS_USER)
    first = roles.role_assignments.create(scope, name, body)
    assert roles.role_assignments.create(scope, name, body).id == first.id
    with pytest.raises(ResourceExistsError) as caught:
        roles.role_assignments.create(scope, str(uuid5(_SPACE, "another")), body)
    assert caught.value.error.code == "RoleAssignmentExists"
    other = {**body, "properties": {**body["properties"], "roleDefinitionId": definition(way, OWNER)}}
    with pytest.raises(HttpResponseError) as refused:
        roles.role_assignments.create(scope, name, other)
    assert refused.value.error.code == "RoleAssignmentUpdateNotPermitted"


@by_proxy
def test_a_young_principal_without_its_type_is_not_found_yet(clients: Any, way: Any) -> None:
    identities, roles = clients
    made = identities.user_assigned_identities.create_or_update(GROUP, "id-1", {"location": "westeurope"})
    scope = f"/subscriptions/{way.subscription}"
    name, body = arguments(way, scope, made.principal_id, KEY_VAULT_SECRETS_USER)
    del body["properties"]["principalType"]
    with pytest.raises(HttpResponseError) as caught:
        roles.role_assignments.create(scope, name, body)
    assert caught.value.error.code == "PrincipalNotFound"
    way.running.advance(61)
    assert roles.role_assignments.create(scope, name, body).principal_id == made.principal_id


@by_proxy
def test_unknown_roles_and_assignments_are_told(clients: Any, way: Any) -> None:
    _, roles = clients
    scope = f"/subscriptions/{way.subscription}"
    name, body = arguments(way, scope, str(uuid5(_SPACE, "who")), str(uuid5(_SPACE, "no role")))
    with pytest.raises(HttpResponseError) as caught:
        roles.role_assignments.create(scope, name, body)
    assert caught.value.error.code == "RoleDefinitionDoesNotExist"
    with pytest.raises(HttpResponseError) as missing:
        roles.role_assignments.get(scope, name)
    assert missing.value.status_code == 404


def test_built_in_roles_are_found_by_name_and_by_id(clients: Any, way: Any) -> None:
    _, roles = clients
    scope = f"/subscriptions/{way.subscription}"
    found = list(roles.role_definitions.list(scope, filter="roleName eq 'Key Vault Secrets User'"))
    assert [one.name for one in found] == [KEY_VAULT_SECRETS_USER]
    by_id = roles.role_definitions.get(scope, OWNER)
    assert by_id.role_name == "Owner"
    assert by_id.permissions[0].actions == ["*"]


_SPACE = NAMESPACE_OID


def definition(way: Any, role_id: str) -> str:
    return f"/subscriptions/{way.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role_id}"


def arguments(way: Any, scope: str, principal: str, role_id: str) -> tuple[str, dict[str, Any]]:
    """A name as templates make it (from scope, principal and role), and the body."""
    properties = {
        "roleDefinitionId": definition(way, role_id),
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }
    return str(uuid5(_SPACE, f"{scope} {principal} {role_id}")), {"properties": properties}
