"""Who may do what: wildcards, exceptions, inheritance, and the time that a change takes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.sim import authorization, entra
from sfcert.sim.authorization import definitions
from sfcert.sim.authorization.definitions import BUILT_IN, matches
from sfcert.sim.authorization.roles import Roles, is_at_or_above
from sfcert.sim.entra import Entra
from sfcert.sim.kernel.azure import Azure

SUB = "/subscriptions/s"
GROUP = f"{SUB}/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
GET_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"


@pytest.fixture
def azure() -> Azure:
    made = Azure(start=datetime(2026, 11, 22, tzinfo=UTC), seed=1, tenant_id="t", subscription_id="s")
    entra.install(made)
    authorization.install(made)
    return made


@pytest.fixture
def roles(azure: Azure) -> Roles:
    return azure.service("authorization", Roles)


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "Microsoft.Compute/x/write", True),
        ("*/read", "microsoft.compute/virtualmachinescalesets/READ", True),
        ("*/read", "Microsoft.Compute/virtualMachineScaleSets/write", False),
        ("Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action", ASSIGN, True),
        ("Microsoft.KeyVault/vaults/secrets/*", GET_SECRET, True),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/read", True),
        ("Microsoft.KeyVault/vaults/secrets/*", "Microsoft.KeyVault/vaults/certificates/read", False),
    ],
)
def test_a_pattern_covers_its_actions(pattern: str, action: str, expected: bool) -> None:
    assert matches(pattern, action) is expected


@pytest.mark.parametrize(
    ("role", "action", "data", "expected"),
    [
        (definitions.OWNER, "Microsoft.Authorization/roleAssignments/write", False, True),
        (definitions.CONTRIBUTOR, "Microsoft.Authorization/roleAssignments/write", False, False),
        (definitions.CONTRIBUTOR, "Microsoft.Compute/virtualMachineScaleSets/write", False, True),
        (definitions.CONTRIBUTOR, GET_SECRET, True, False),
        (definitions.OWNER, GET_SECRET, True, False),
        (definitions.KEY_VAULT_ADMINISTRATOR, GET_SECRET, True, True),
        (definitions.KEY_VAULT_CERTIFICATE_USER, GET_SECRET, True, True),
        (definitions.KEY_VAULT_CERTIFICATES_OFFICER, GET_SECRET, True, False),
        (definitions.KEY_VAULT_READER, GET_SECRET, True, False),
        (definitions.KEY_VAULT_READER, "Microsoft.KeyVault/vaults/certificates/read", True, True),
        (definitions.MANAGED_IDENTITY_OPERATOR, ASSIGN, False, True),
        (definitions.VIRTUAL_MACHINE_CONTRIBUTOR, ASSIGN, False, False),
    ],
)
def test_a_role_allows_what_the_vendor_s_page_says(role: str, action: str, data: bool, expected: bool) -> None:
    assert BUILT_IN[role].allows(action, data_action=data) is expected


def test_the_default_application_is_the_operator_at_once(azure: Azure, roles: Roles) -> None:
    me = azure.service("entra", Entra).default.object_id
    assert roles.may(me, "Microsoft.KeyVault/vaults/write", VAULT)
    assert roles.may(me, GET_SECRET, f"{VAULT}/secrets/x", data_action=True)
    assert not roles.may(me, "Microsoft.KeyVault/vaults/write", "/subscriptions/other/resourceGroups/rg")


def test_a_role_counts_below_its_scope_only(roles: Roles) -> None:
    roles.grant("p", definitions.READER, GROUP)
    assert roles.may("P", "Microsoft.KeyVault/vaults/read", VAULT.upper())
    assert not roles.may("p", "Microsoft.KeyVault/vaults/read", SUB)
    assert not roles.may("p", "Microsoft.KeyVault/vaults/read", f"{GROUP}2/providers/Microsoft.KeyVault/vaults/kv")


def test_a_role_counts_from_the_instant_at_which_it_has_spread(azure: Azure, roles: Roles) -> None:
    roles.grant("p", definitions.READER, GROUP, at_once=False)
    azure.clock.advance(119)
    assert not roles.may("p", "x/read", GROUP)
    azure.clock.advance(1)
    assert roles.may("p", "x/read", GROUP)


def test_the_fault_makes_it_late(azure: Azure, roles: Roles) -> None:
    azure.faults.arm("roles-spread-late", {"seconds": 600})
    roles.grant("p", definitions.READER, GROUP, at_once=False)
    azure.clock.advance(599)
    assert not roles.may("p", "x/read", GROUP)
    azure.clock.advance(1)
    assert roles.may("p", "x/read", GROUP)


SCOPES = st.lists(st.sampled_from(["a", "B", "ab", "c"]), max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(SCOPES, SCOPES, SCOPES)
def test_lying_above_is_transitive_and_blind_to_case(one: str, two: str, three: str) -> None:
    assert is_at_or_above(one, one.upper())
    if is_at_or_above(one, two) and is_at_or_above(two, three):
        assert is_at_or_above(one, three)
    if is_at_or_above(one, two) and is_at_or_above(two, one):
        assert one.lower() == two.lower()
