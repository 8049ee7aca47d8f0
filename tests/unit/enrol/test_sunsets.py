"""Sunsets: which authority an address or a name belongs to, what has ended, what is about to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sfcert.enrol.sunsets import authority_of_directory, authority_of_issuer, sunset, sunset_ahead
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH

NOW = datetime(2026, 11, 30, tzinfo=UTC)
BOTH = (SERVER_AUTH, CLIENT_AUTH)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://acme-v02.api.letsencrypt.org/directory", "Let's Encrypt"),
        ("https://dv.acme-v02.api.pki.goog/directory", "Google Trust Services"),
        ("https://acme.zerossl.com/v2/DV90", "Sectigo"),
        ("https://ca.example.com/acme/digicert.com/directory", None),
        ("https://notdigicert.com/directory", None),
        ("https://[::1/directory", None),
    ],
)
def test_an_authority_is_known_by_the_domain_of_its_directory(url: str, authority: str | None) -> None:
    assert authority_of_directory(url) == authority


@pytest.mark.parametrize("authority", ["Let's Encrypt", "Google Trust Services", "GoDaddy", "Certum", "SSL.com"])
def test_those_that_have_ended_client_authentication_are_refused_for_it(authority: str) -> None:
    assert "grants no client authentication since" in (sunset(authority, BOTH, is_pinned=False, now=NOW) or "")
    assert sunset(authority, (SERVER_AUTH,), is_pinned=False, now=NOW) is None


@pytest.mark.parametrize(
    ("authority", "day"), [("Sectigo", "2027-02-10"), ("DigiCert", "2027-03-01"), ("GlobalSign", "2027-03-15")]
)
def test_those_that_are_about_to_end_it_pass_and_the_day_is_named(authority: str, day: str) -> None:
    assert sunset(authority, BOTH, is_pinned=True, now=NOW) is None
    assert day in sunset_ahead(authority, NOW)
    after = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    assert sunset(authority, BOTH, is_pinned=True, now=after) is not None


def test_brands_of_an_authority_are_known_by_its_organization() -> None:
    assert authority_of_issuer("CN=GeoTrust TLS RSA CA G1,OU=www.digicert.com,O=DigiCert Inc,C=US") == "DigiCert"
    assert authority_of_issuer("CN=ZeroSSL RSA Domain Secure Site CA,O=ZeroSSL,C=AT") == "Sectigo"
    assert authority_of_issuer("CN=Contoso Issuing CA 01") is None
