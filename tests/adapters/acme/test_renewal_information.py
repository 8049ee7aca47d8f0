"""Renewal information (RFC 9773), `replaces` and profiles against a real server: a Pebble of a newer Debian release.

What no real server of ours does on demand (a rate limit, a CAA refusal, broken chains) is in `test_bad_days`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.acme.keys import AccountKey
from sfcert.acme.renewal import fetch_window
from sfcert.acme.session import AcmeSession
from sfcert.acme.solvers.http01_responder import Http01Responder
from sfcert.acme.values import AcmeChain
from sfcert.azure.clock import WallClock
from sfcert.errors import InputError
from tests.adapters.acme.customer import Run
from tests.servers.pebble import PROFILES, Pebble

NAME = "www.example.test"


def http(pebble: Pebble) -> Http01Responder:
    return Http01Responder("127.0.0.1", pebble.http_port)


def life_s(chain: AcmeChain) -> float:
    leaf = x509.load_der_x509_certificate(chain.der[0])
    return (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds()


def notes(run: Run) -> str:
    return "\n".join(one.message for one in run.events if one.kind == "note")


def test_the_window_lies_around_two_thirds_of_the_life(newer_pebble: Pebble) -> None:
    chain = Run(newer_pebble, profile="classic").obtain([NAME], http(newer_pebble))
    assert chain.window is not None
    leaf = x509.load_der_x509_certificate(chain.der[0])
    middle = chain.window.opens_utc + (chain.window.closes_utc - chain.window.opens_utc) / 2
    share = (middle - leaf.not_valid_before_utc) / (leaf.not_valid_after_utc - leaf.not_valid_before_utc)
    assert abs(share - 2 / 3) < 0.01
    assert chain.window.ask_again_utc is not None
    assert chain.window.ask_again_utc - datetime.now(UTC) > timedelta(hours=5)


def test_a_window_that_the_ca_moves_is_seen_at_the_next_look(newer_pebble: Pebble) -> None:
    run = Run(newer_pebble)
    chain = run.obtain([NAME], http(newer_pebble))
    pem = x509.load_der_x509_certificate(chain.der[0]).public_bytes(Encoding.PEM).decode()
    moved = {"suggestedWindow": {"start": "2026-01-02T03:04:05Z", "end": "2026-01-03T03:04:05Z"}}
    newer_pebble.set_renewal_info(pem, json.dumps(moved))
    with AcmeSession(run.options, run.key, WallClock()) as session:
        window = fetch_window(session, chain.ari_id)
    assert window is not None
    assert window.opens_utc == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_advice_that_is_no_json_costs_no_certificate(newer_pebble: Pebble) -> None:
    run = Run(newer_pebble)
    first = run.obtain([NAME], http(newer_pebble))
    pem = x509.load_der_x509_certificate(first.der[0]).public_bytes(Encoding.PEM).decode()
    newer_pebble.set_renewal_info(pem, "{ this is no JSON")
    again = run.obtain([NAME], http(newer_pebble), resume=run.order, csr=run.last_request)
    assert again.der == first.der
    assert again.window is None
    assert "No renewal information" in notes(run)


def test_an_order_says_what_it_replaces_and_a_second_replacement_goes_without(newer_pebble: Pebble) -> None:
    run = Run(newer_pebble)
    first = run.obtain([NAME], http(newer_pebble))
    assert first.ari_id is not None
    run.obtain([NAME], http(newer_pebble), replaces=first.ari_id)
    assert run.order.replaces == first.ari_id
    assert notes(run) == ""
    run.obtain([NAME], http(newer_pebble), replaces=first.ari_id)
    assert run.order.replaces is None
    assert "already has a replacement order" in notes(run)


@pytest.mark.parametrize(
    ("replaces", "said"),
    [
        ("this-is-no-id", "parsing ARI CertID failed"),
        ("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", "parsing ARI CertID failed"),
    ],
    ids=["no id at all", "a certificate of another CA"],
)
def test_what_the_ca_cannot_know_is_no_reason_to_lose_a_certificate(
    newer_pebble: Pebble, replaces: str, said: str
) -> None:
    run = Run(newer_pebble)
    run.obtain([NAME], http(newer_pebble), replaces=replaces)
    assert run.order.replaces is None
    assert said in notes(run)


def test_another_accounts_certificate_is_ordered_anew(newer_pebble: Pebble) -> None:
    theirs = Run(newer_pebble).obtain([NAME], http(newer_pebble))
    assert theirs.ari_id is not None
    run = Run(newer_pebble, key=AccountKey.generate())
    run.obtain([NAME], http(newer_pebble), replaces=theirs.ari_id)
    assert run.order.replaces is None
    assert "did not request the certificate being replaced" in notes(run)


def test_a_certificate_that_shares_no_name_is_ordered_anew(newer_pebble: Pebble) -> None:
    """Measured: this Pebble says so as `serverInternal` with 500, which is an objection none the less."""
    run = Run(newer_pebble)
    first = run.obtain([NAME], http(newer_pebble))
    assert first.ari_id is not None
    run.obtain(["other.example.test"], http(newer_pebble), replaces=first.ari_id)
    assert run.order.replaces is None
    assert "at least one identifier" in notes(run)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_decides_the_life_of_the_certificate(newer_pebble: Pebble, profile: str) -> None:
    chain = Run(newer_pebble, profile=profile).obtain([NAME], http(newer_pebble))
    assert abs(life_s(chain) - PROFILES[profile]) <= 1


def test_a_profile_that_the_ca_does_not_have_is_told_before_anything_is_ordered(newer_pebble: Pebble) -> None:
    run = Run(newer_pebble, profile="tlsclient")
    with pytest.raises(InputError, match="it has classic, shortlived"):
        run.obtain([NAME], http(newer_pebble))
    assert run.orders == set()
