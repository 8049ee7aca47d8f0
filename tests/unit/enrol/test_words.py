"""What a reviewer is told of an enrolment: every way of showing a name, what has to be open, and no secret."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.enrol.policy import policy_of
from sfcert.enrol.solvers import held_secrets, solver_faults
from sfcert.enrol.words import acme_lines, authority_words, usage_words
from sfcert.model.enrolment import EnrolmentPolicy, Solver

VAULT = "https://kv.vault.azure.net"


def policy(*solvers: dict[str, Any], names: tuple[str, ...] = (), **acme: Any) -> EnrolmentPolicy:
    part = {"directory": "https://ca.example.com/dir", "solvers": list(solvers), **acme}
    return policy_of(
        {"subject": "CN=a.example.com", "dns_names": [*names], "issuer": {"name": "acme", "acme": part}}, "here"
    )


@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ({"kind": "http01"}, "port 80 at the name"),
        ({"kind": "http01", "settings": {"port": "8080"}}, "on port 8080 of its machine"),
        ({"kind": "http01-webroot", "settings": {"root": "/srv/web"}}, "files below /srv/web"),
        ({"kind": "azure-dns", "settings": {"resource_group": "rg", "zone": "example.com"}}, "example.com, resource"),
        ({"kind": "azure-dns"}, "any resource group"),
        ({"kind": "rfc2136", "settings": {"server": "192.0.2.1", "key_name": "k"}}, "192.0.2.1, signed by the key k"),
        ({"kind": "rfc2136", "settings": {"server": "192.0.2.1"}}, "unsigned"),
        (
            {"kind": "lexicon", "settings": {"provider": "cloudflare", "auth_token_env": "TOKEN"}},
            "cloudflare (auth_token in $TOKEN)",
        ),
    ],
)
def test_each_solver_says_where_the_name_is_shown(solver: dict[str, Any], said: str) -> None:
    lines = acme_lines(policy(solver), VAULT)
    assert len(lines) == 2
    assert said in lines[1]


def test_names_of_one_solver_share_a_line_and_the_account_is_named() -> None:
    exact = {"kind": "http01", "dns_names": ["b.example.com"]}
    zone = {"kind": "rfc2136", "settings": {"server": "192.0.2.1", "key_secret_file": "/etc/tsig"}}
    lines = acme_lines(
        policy(exact, zone, names=("b.example.com", "c.example.com"), profile="tls", eab_key_id="7", eab_key_file="/m"),
        VAULT,
    )
    assert f"account key in {VAULT}/secrets/acme-account" in lines[0]
    assert "profile tls" in lines[0]
    assert "external account 7 (key in /m)" in lines[0]
    assert [one.split(" by ")[0] for one in lines[1:]] == ["shows a.example.com, c.example.com", "shows b.example.com"]
    assert "key_secret in /etc/tsig" in lines[1]


def test_who_signs_reads_as_a_person_would_say_it() -> None:
    assert authority_words(policy().issuer) == "ca.example.com (ACME)"
    by_hand = policy_of({"subject": "CN=a", "issuer": "Unknown"}, "here")
    assert authority_words(by_hand.issuer) == "an authority that people ask"
    assert usage_words((*by_hand.ekus, "1.2.3")) == "server authentication, client authentication, 1.2.3"
    assert acme_lines(by_hand, VAULT) == ()


def test_solvers_that_could_not_do_their_work_are_faults_of_the_policy() -> None:
    asked = policy({"kind": "rfc2136", "dns_zones": ["other.test"]}, {"kind": "http01", "dns_names": ["*.example.com"]})
    assert asked.issuer.acme is not None
    faults = solver_faults(asked.issuer.acme, ("a.example.com", "*.example.com"))
    assert faults == (
        "no solver answers for a.example.com",
        "no solver answers for *.example.com; a wildcard needs one by DNS",
        "the solver rfc2136 needs the setting server",
    )
    good = policy({"kind": "lexicon", "settings": {"provider_env": "P"}})
    assert good.issuer.acme is not None
    assert solver_faults(good.issuer.acme, ("a.example.com",)) == ()


@pytest.mark.parametrize(
    "name",
    [
        "auth_token", "auth_password", "auth_psw", "auth_pass", "auth_key", "auth_secret", "auth_application_key",
        "auth_access_key", "auth_service_account_info", "auth_totp_secret", "auth_key_content", "key_secret", "api_key",
    ],
)  # fmt: skip
def test_a_setting_that_is_a_secret_itself_is_told_from_one_that_names_it(name: str) -> None:
    held = Solver(kind="lexicon", settings={"provider": "any", name: "s3cret"})
    assert held_secrets(held) == (name,)
    for where in (f"{name}_file", f"{name}_env"):
        assert held_secrets(Solver(kind="lexicon", settings={where: "x"})) == ()


def test_settings_that_are_no_secrets_may_stand_in_a_plan() -> None:
    plain = ("provider", "server", "zone", "key_name", "key_algorithm", "auth_username", "auth_client_id", "resolvers")
    assert held_secrets(Solver(kind="rfc2136", settings=dict.fromkeys(plain, "x"))) == ()
