"""Tokens of the embedded Azure's own tenant."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.sim.entra import Entra, install
from sfcert.sim.entra.tokens import read_token, sign_token
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure

ARM = "https://management.azure.com"


class Wall:
    """Wall time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def make(seed: int = 1) -> tuple[Azure, Entra, Wall]:
    azure = Azure(start=datetime(2026, 11, 22, tzinfo=UTC), seed=seed, tenant_id="t-1", subscription_id="s-1")
    wall = Wall()
    install(azure, wall=wall)
    return azure, azure.service("entra", Entra), wall


def form(entra: Entra, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": entra.default.app_id,
        "client_secret": entra.default.secret,
        "scope": f"{ARM}/.default",
        **changes,
    }


def test_the_default_application_gets_a_token_that_names_it() -> None:
    _, entra, _ = make()
    answer = entra.answer_token("t-1", form(entra))
    caller = entra.caller_of(f"Bearer {answer['access_token']}", "management.azure.com")
    assert (caller.object_id, caller.app_id) == (entra.default.object_id, entra.default.app_id)
    claims = json.loads(base64.urlsafe_b64decode(answer["access_token"].split(".")[1] + "=="))
    assert (claims["tid"], claims["oid"]) == ("t-1", entra.default.object_id)


@pytest.mark.parametrize(
    ("tenant", "changes", "code"),
    [
        ("t-2", {}, "AADSTS90002"),
        ("t-1", {"client_id": "nobody"}, "AADSTS700016"),
        ("t-1", {"client_secret": "wrong"}, "AADSTS7000215"),
        ("t-1", {"grant_type": "password"}, "AADSTS70003"),
    ],
    ids=["another tenant", "unknown application", "wrong secret", "another grant"],
)
def test_a_request_that_is_not_right_gets_entra_s_own_code(tenant: str, changes: dict[str, str], code: str) -> None:
    _, entra, _ = make()
    with pytest.raises(AzureFailure) as refused:
        entra.answer_token(tenant, form(entra, **changes))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("audience", "host", "accepted"),
    [
        (ARM, "management.azure.com", True),
        ("https://management.core.windows.net/", "management.azure.com", True),
        ("https://vault.azure.net", "management.azure.com", False),
        ("https://vault.azure.net", "kv.vault.azure.net", True),
        (ARM, "kv.vault.azure.net", False),
        ("https://localhost:8443", "localhost:8443", True),
        ("https://vault.azure.net", "localhost:8443", True),
        ("https://graph.microsoft.com", "localhost:8443", False),
    ],
)
def test_a_token_is_good_for_its_audience_alone(audience: str, host: str, accepted: bool) -> None:
    _, entra, _ = make()
    header = f"Bearer {entra.token_for(entra.default.caller, audience)}"
    if accepted:
        assert entra.caller_of(header, host).name == "sfcert-operator"
        return
    with pytest.raises(AzureFailure) as refused:
        entra.caller_of(header, host)
    assert (refused.value.status, refused.value.code) == (401, "InvalidAuthenticationTokenAudience")


def test_a_token_expires_by_wall_time_and_sooner_when_armed() -> None:
    azure, entra, wall = make()
    long = f"Bearer {entra.token_for(entra.default.caller, ARM)}"
    azure.faults.arm("short-tokens")
    short = f"Bearer {entra.token_for(entra.default.caller, ARM)}"
    assert entra.answer_token("t-1", form(entra))["expires_in"] == 301
    wall.now += 600
    assert entra.caller_of(long, "management.azure.com")
    with pytest.raises(AzureFailure, match="ExpiredAuthenticationToken"):
        entra.caller_of(short, "management.azure.com")
    azure.clock.advance(1e9)
    assert entra.caller_of(long, "management.azure.com")


def test_ids_and_secret_come_from_the_seed_and_the_secret_is_not_shown() -> None:
    assert make(5)[1].default == make(5)[1].default
    assert make(5)[1].default.app_id != make(6)[1].default.app_id
    application = make()[1].default
    assert application.secret not in repr(application)


@given(token=st.text(max_size=80))
def test_no_text_but_a_signed_one_is_a_token(token: str) -> None:
    assert read_token(token, b"key") is None


@given(claims=st.dictionaries(st.text(max_size=5), st.text(max_size=5)), at=st.integers(min_value=0))
def test_a_token_that_was_touched_is_none(claims: dict[str, str], at: int) -> None:
    token = sign_token(claims, b"key")
    assert read_token(token, b"key") == claims
    assert read_token(token, b"other") is None
    head, body, mac = token.split(".")
    index = at % len(body)
    touched = body[:index] + ("A" if body[index] != "A" else "B") + body[index + 1 :]
    assert read_token(f"{head}.{touched}.{mac}", b"key") is None
