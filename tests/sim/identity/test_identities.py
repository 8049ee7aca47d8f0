"""Whose token a machine gets, by the metadata service's rule."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sfcert.sim import identity
from sfcert.sim.identity.identities import Identities
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Caller

BASE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
ONE, TWO = f"{BASE}/id-1", f"{BASE}/id-2"


@pytest.fixture
def identities() -> Identities:
    return make_identities(seed=1)


def make_identities(seed: int) -> Identities:
    azure = Azure(start=datetime(2026, 11, 22, tzinfo=UTC), seed=seed, tenant_id="t", subscription_id="s")
    identity.install(azure)
    provider = azure.provider_of("Microsoft.ManagedIdentity/userAssignedIdentities")
    assert provider is not None
    for text in (ONE, TWO):
        provider.put(parse_id(text), "2024-11-30", {"location": "westeurope"}, Caller("o", "a", "n"))
    return azure.service("identities", Identities)


def principal(identities: Identities, text: str) -> str:
    found = identities.by_id(text.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    assert found is not None
    return found.principal_id


def test_a_single_identity_needs_no_client_id(identities: Identities) -> None:
    assert identities.token_for([ONE], None, None) == principal(identities, ONE)


def test_several_identities_need_one_and_the_message_says_so(identities: Identities) -> None:
    with pytest.raises(AzureFailure, match="Multiple user assigned identities exist") as caught:
        identities.token_for([ONE, TWO], None, None)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    two = identities.by_id(TWO)
    assert two is not None
    assert identities.token_for([ONE, TWO], None, two.client_id.upper()) == two.principal_id


def test_a_client_id_that_is_not_assigned_is_not_found(identities: Identities) -> None:
    two = identities.by_id(TWO)
    assert two is not None
    with pytest.raises(AzureFailure, match="Identity not found"):
        identities.token_for([ONE], None, two.client_id)


def test_a_principal_id_is_no_client_id(identities: Identities) -> None:
    with pytest.raises(AzureFailure, match="Identity not found"):
        identities.token_for([ONE], None, principal(identities, ONE))


def test_the_machine_s_own_identity_answers_when_none_is_named(identities: Identities) -> None:
    own = identities.system_principal("/subscriptions/s/vmss")
    assert identities.token_for([ONE, TWO], own, None) == own


def test_a_machine_without_any_identity_gets_nothing(identities: Identities) -> None:
    with pytest.raises(AzureFailure, match="Identity not found"):
        identities.token_for([], None, None)


def test_ids_come_from_the_seed(identities: Identities) -> None:
    assert make_identities(seed=1).by_id(ONE) == identities.by_id(ONE)
    assert make_identities(seed=2).by_id(ONE) != identities.by_id(ONE)
