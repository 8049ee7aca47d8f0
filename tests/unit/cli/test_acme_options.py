"""What the command line says of an order by ACME, as a policy would have it; files from the policy's own folder."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from sfcert.cli.acme_options import acme_of, with_files_from
from sfcert.enrol.policy import policy_of


def test_options_become_the_acme_part_of_a_policy() -> None:
    given = {
        "acme_directory": "https://ca.example/dir",
        "acme_contacts": ("ops@example.com",),
        "acme_preferred_chain": "Example Root",
        "acme_eab_key_file": Path("mac"),
        "acme_solvers": ("rfc2136,server=192.0.2.1,key_name=k,dns_zones=a.example,dns_zones=b.example", "http01"),
    }
    assert acme_of(given) == {
        "directory": "https://ca.example/dir",
        "contacts": ["ops@example.com"],
        "preferred_chain": "Example Root",
        "eab_key_file": "mac",
        "solvers": [
            {
                "kind": "rfc2136",
                "dns_zones": ["a.example", "b.example"],
                "settings": {"server": "192.0.2.1", "key_name": "k"},
            },
            {"kind": "http01", "settings": {}},
        ],
    }
    assert acme_of({}) == {}


@pytest.mark.parametrize("text", ["rfc2136,192.0.2.1", "rfc2136,=x"])
def test_a_setting_without_a_name_is_misuse(text: str) -> None:
    with pytest.raises(click.UsageError, match="KEY=VALUE"):
        acme_of({"acme_solvers": (text,)})


def test_files_are_those_beside_the_policy() -> None:
    acme = {
        "directory": "https://ca.example/dir",
        "ca_file": "roots.pem",
        "eab_key_file": "/etc/mac",
        "solvers": [
            {"kind": "rfc2136", "settings": {"server": "192.0.2.1", "key_secret_file": "keys/tsig"}},
            {"kind": "http01-webroot", "settings": {"root": "www"}},
            {"kind": "lexicon", "settings": {"provider": "cloudflare", "auth_token_env": "TOKEN"}},
        ],
    }
    policy = policy_of({"subject": "CN=a.example.com", "issuer": {"name": "acme", "acme": acme}}, "x")
    placed = with_files_from(policy, Path("/srv/policies")).issuer.acme
    assert placed is not None
    assert (placed.ca_file, placed.eab_key_file) == ("/srv/policies/roots.pem", "/etc/mac")
    assert [one.settings for one in placed.solvers] == [
        {"server": "192.0.2.1", "key_secret_file": "/srv/policies/keys/tsig"},
        {"root": "/srv/policies/www"},
        {"provider": "cloudflare", "auth_token_env": "TOKEN"},
    ]


def test_a_policy_of_another_issuer_stays_as_it_is() -> None:
    policy = policy_of({"subject": "CN=a.example.com", "issuer": "Self"}, "x")
    assert with_files_from(policy, Path("/srv")) is policy
