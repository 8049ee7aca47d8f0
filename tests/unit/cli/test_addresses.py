"""Addresses on the command line: a vault's, an endpoint's. What is none is refused, and a password is not repeated."""

from __future__ import annotations

import click
import pytest

from sfcert.cli.endpoint import host_and_port
from sfcert.cli.enrolling import checked_vault


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://KV.vault.azure.net/", "https://kv.vault.azure.net"),
        (" https://kv.vault.azure.net:443 ", "https://kv.vault.azure.net"),
        ("https://kv.example.com:8443", "https://kv.example.com:8443"),
    ],
)
def test_a_vaults_address_has_one_spelling(given: str, address: str) -> None:
    assert checked_vault(given) == address


@pytest.mark.parametrize(
    "given",
    [
        "kv",
        "https://",
        "http://kv.vault.azure.net",
        "https://kv.vault.azure.net/secrets/x",
        "https://kv.vault.azure.net?x=1",
        "https://kv.vault.azure.net#x",
        "https://kv.vault.azure.net:99999",
        "https://[::1",
        "https://k v.vault.azure.net",
    ],
)
def test_what_is_no_vaults_address_is_refused(given: str) -> None:
    with pytest.raises(click.UsageError, match="a vault's address is needed"):
        checked_vault(given)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(click.UsageError) as refused:
        checked_vault("https://user:secret@kv.vault.azure.net")
    assert "secret" not in refused.value.message
    with pytest.raises(click.UsageError) as refused:
        host_and_port("user:secret@shop.example.com:443")
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("shop.example.com", ("shop.example.com", 443)),
        ("https://shop.example.com:8443/x", ("shop.example.com", 8443)),
        ("[::1]:19080", ("::1", 19080)),
    ],
)
def test_an_endpoint_is_a_host_and_a_port(given: str, place: tuple[str, int]) -> None:
    assert host_and_port(given) == place


@pytest.mark.parametrize("given", ["", "x:0", "x:99999", "[::1", "http://x", "a b:443", "x:port"])
def test_what_is_no_endpoint_is_refused(given: str) -> None:
    with pytest.raises(click.UsageError, match="HOST:PORT is needed"):
        host_and_port(given)
