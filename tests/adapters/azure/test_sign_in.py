"""Entra has a bad minute, or a bad hour: azure-identity unmodified against the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from sfcert.azure.arm import AzureArm
from sfcert.azure.credentials import service_principal
from sfcert.azure.retries import PATIENCE_S, Retries
from sfcert.azure.sign_in import Passing, fetch_token, passing_reason
from sfcert.azure.vault_requests import VaultRequests
from sfcert.errors import RemoteError
from sfcert.sim.front import Groups
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.worlds import load
from tests.fakes import START, FakeClock

ARM = "https://management.azure.com/.default"
EMPTY = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [],
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Running, dict[str, Any]]]:
    """An embedded Azure with one cluster, and what is known of it."""
    facts: dict[str, Any] = {}
    with start_in_thread(seed=3, prepare=lambda azure: facts.update(load(azure, "one-node-type"))) as azure:
        for name, value in azure.env().items():
            monkeypatch.setenv(name, value)
        yield azure, facts


@pytest.fixture
def running(world: tuple[Running, dict[str, Any]]) -> Running:
    return world[0]


def arm_fault(running: Running, name: str, **options: Any) -> None:
    running.call(lambda azure: azure.faults.arm(name, {"door": "sign-in", **options}))


def account(running: Running, **changes: str) -> tuple[str, str, str]:
    values = {**running.env(), **changes}
    return values["AZURE_TENANT_ID"], values["AZURE_CLIENT_ID"], values["AZURE_CLIENT_SECRET"]


#: How each is seen by a client that asks once, at the directory's description or at the token itself.
BAD_MINUTES: list[tuple[str, dict[str, Any], str]] = [
    ("unavailable", {}, "HTTP 503"),
    ("server-error", {"match": "/token"}, "HTTP 500"),
    ("throttling", {}, "HTTP 429"),
    ("throttling", {"match": "/token"}, "AADSTS90055: There are too many incoming requests"),
]


@pytest.mark.parametrize(("fault", "options", "said"), BAD_MINUTES)
def test_what_passes_by_itself_is_told_apart(running: Running, fault: str, options: dict[str, Any], said: str) -> None:
    arm_fault(running, fault, **options)
    with pytest.raises(RemoteError, match=said) as caught:
        service_principal(*account(running)).get_token(ARM)
    assert (caught.value.token, caught.value.transient) == ("SignInUnavailable", True)
    assert "gives no token for https://management.azure.com: " in caught.value.message


def test_a_line_that_breaks_passes_for_who_was_signed_in_and_points_at_the_network_for_who_never_was(
    running: Running,
) -> None:
    signed_in, never = service_principal(*account(running)), service_principal(*account(running))
    assert signed_in.get_token(ARM).token
    arm_fault(running, "connection-reset")
    with pytest.raises(RemoteError, match=r"Remote end closed connection.*run this again") as caught:
        signed_in.get_token("https://vault.azure.net/.default")
    assert (caught.value.token, caught.value.transient) == ("SignInUnavailable", True)
    with pytest.raises(RemoteError, match=r"Remote end closed connection.*HTTPS_PROXY") as caught:
        never.get_token(ARM)
    assert (caught.value.token, caught.value.transient) == ("SignInUnavailable", False)


@pytest.mark.parametrize(
    "changes",
    [{"AZURE_CLIENT_SECRET": "wrong"}, {"AZURE_CLIENT_ID": "00000000-0000-4000-8000-000000000009"}],
    ids=["a wrong secret", "an application that is not there"],
)
def test_what_does_not_pass_flies_on(running: Running, changes: dict[str, str]) -> None:
    with pytest.raises(ClientAuthenticationError):
        service_principal(*account(running, **changes)).get_token(ARM)


def test_a_run_outlasts_a_bad_minute_at_resource_manager_and_in_a_vault(world: tuple[Running, dict[str, Any]]) -> None:
    """A write that must not be sent twice is tried again too: without a token nothing was sent."""
    running, facts = world
    clock, told = FakeClock(), list[str]()
    credential = service_principal(*account(running))
    retries = Retries(clock, on_retry=told.append)
    arm_fault(running, "unavailable", times=3)
    subscription = running.env()["AZURE_SUBSCRIPTION_ID"]
    running.call(lambda azure: azure.service("groups", Groups).put(subscription, "rg-x", {"location": "westeurope"}))
    scope = f"/subscriptions/{subscription}/resourceGroups/rg-x"
    AzureArm(credential, retries).start_deployment(scope, "d", EMPTY, {})
    assert clock.slept == [1.0, 2.0, 4.0]
    assert all("sign in to https://management.azure.com: SignInUnavailable" in one for one in told)
    arm_fault(running, "throttling", times=2)
    assert VaultRequests(credential, retries).listed(facts["vault_url"], "/certificates")
    assert clock.slept[3:] == [1.0, 2.0]


def test_each_retry_asks_again_although_msal_would_answer_a_broken_request_from_memory(
    world: tuple[Running, dict[str, Any]],
) -> None:
    running, _ = world
    clock = FakeClock()
    arm_fault(running, "unavailable", times=3, match="/token")
    arm = AzureArm(service_principal(*account(running)), Retries(clock))
    assert arm.fetch(f"/subscriptions/{running.env()['AZURE_SUBSCRIPTION_ID']}", "2021-04-01")
    assert clock.slept == [1.0, 2.0, 4.0]


def test_a_bad_hour_ends_with_the_reason_and_not_with_a_hint_at_the_account(running: Running) -> None:
    clock = FakeClock()
    arm_fault(running, "unavailable")
    arm = AzureArm(service_principal(*account(running)), Retries(clock))
    with pytest.raises(RemoteError, match=r"Given up after .*Microsoft Entra ID gives no token") as caught:
        arm.fetch(f"/subscriptions/{running.env()['AZURE_SUBSCRIPTION_ID']}", "2021-04-01")
    assert caught.value.token == "RetriesExhausted"
    assert "az login" not in caught.value.message
    assert PATIENCE_S - 60 < sum(clock.slept) <= PATIENCE_S


def test_other_doors_stay_open_where_no_fault_names_the_sign_in(running: Running) -> None:
    running.call(lambda azure: azure.faults.arm("unavailable"))
    assert ClientSecretCredential(*account(running)).get_token(ARM).token


class Refused:
    """A credential that Entra knows, and that has no consent for the application."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise ClientAuthenticationError(f"AADSTS500011: The resource principal named {scopes[0]} was not found.")


def test_an_application_that_gives_no_token_is_told_and_no_traceback() -> None:
    with pytest.raises(RemoteError, match=r"No token for Service Fabric could be had: AADSTS500011") as caught:
        fetch_token(Refused(), "11111111-0000-4000-8000-000000000001", "Service Fabric", now=START)
    assert caught.value.token == "CredentialUnavailable"


def test_a_reason_is_found_however_deep_it_lies() -> None:
    error = ClientAuthenticationError("Authentication failed")
    error.__cause__ = ValueError("discovery failed")
    error.__cause__.__cause__ = ValueError("HTTP status: 502, Error: bad gateway")
    assert passing_reason(error) == Passing("HTTP 502", is_broken=True)
    assert passing_reason(ClientAuthenticationError("HTTP Error: 400")) is None
    assert passing_reason(ClientAuthenticationError("AADSTS7000215: Invalid client secret provided.")) is None
    round_about = ClientAuthenticationError("a")
    round_about.__cause__ = round_about
    assert passing_reason(round_about) is None
