"""What a timer does by `renew --due` and `enrol --due`, what it passes over, and what it says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.e2e.site import Ended, Site

NAME = "CN=sf-demo.contoso.example"


def test_renew_due_leaves_what_the_vault_renews_and_renews_what_is_ours(
    sfcert: Callable[..., Ended], site: Site
) -> None:
    common = ("--subject", NAME, "--issuer", "ContosoCA")
    assert sfcert("enrol", "by-vault", *common).code == 0
    assert sfcert("enrol", "by-us", *common, "--renew-by", "sfcert").code == 0
    assert sfcert("renew", "--due", "--format", "json").json["renewed"] == []
    site.running.call(lambda azure: azure.clock.advance(100 * 86400))
    later = sfcert("renew", "--due", "--format", "json")
    assert [one["name"] for one in later.json["renewed"]] == ["by-us"]


def test_a_timer_waits_after_a_failure_and_a_changed_manifest_is_tried_at_once(
    sfcert: Callable[..., Ended], tmp_path: Path, site: Site
) -> None:
    """Certificates whose solvers need a manifest's secrets are renewed by `enrol --manifest` on a timer."""
    file = tmp_path / "web.yaml"

    def asked(host: str) -> Ended:
        # a wildcard is not proved by HTTP: the attempt fails before anybody is asked
        issuer = {"acme": {"server": "https://ca.invalid/directory", "solvers": [{"http01": {"ingress": {}}}]}}
        documents = [
            {"kind": "Issuer", "metadata": {"name": "own"}, "spec": issuer},
            {
                "kind": "Certificate",
                "metadata": {"name": "web"},
                "spec": {"dnsNames": [host], "issuerRef": {"name": "own"}},
            },
        ]
        file.write_text("\n---\n".join(json.dumps(one) for one in documents))
        return sfcert("enrol", "--manifest", str(file), "--due", "--timeout", "1s")

    assert asked("*.web.contoso.example").code == 1
    waiting = asked("*.web.contoso.example")
    assert waiting.code == 0
    assert "web: waits after 1 failure, until" in waiting.err
    assert asked("*.www.contoso.example").code == 1
    assert "waits after 2 failures" in asked("*.www.contoso.example").err
    site.running.call(lambda azure: azure.clock.advance(3 * 3600))
    assert asked("*.www.contoso.example").code == 1


def test_renew_leaves_what_needs_a_manifests_secret_to_the_timer_that_has_it(
    sfcert: Callable[..., Ended], tmp_path: Path
) -> None:
    """An attempt without the secret could only fail, and would make the other timer wait."""
    file = tmp_path / "web.yaml"
    token = {"tokenSecretRef": {"name": "dns", "key": "token"}}
    # the solver is for another name: the attempt fails before anybody is asked, and is remembered
    solver = {"dns01": {"digitalocean": token}, "selector": {"dnsNames": ["other.contoso.example"]}}
    documents = [
        {"kind": "Secret", "metadata": {"name": "dns"}, "stringData": {"token": "KEYMATERIAL"}},
        {
            "kind": "Issuer",
            "metadata": {"name": "own"},
            "spec": {"acme": {"server": "https://ca.invalid/directory", "solvers": [solver]}},
        },
        {
            "kind": "Certificate",
            "metadata": {"name": "web"},
            "spec": {"dnsNames": ["web.contoso.example"], "issuerRef": {"name": "own"}},
        },
    ]
    file.write_text("\n---\n".join(json.dumps(one) for one in documents))
    failed = sfcert("enrol", "--manifest", str(file))
    assert failed.code == 1
    assert "No solver of the policy answers for web.contoso.example" in failed.err
    passed_over = sfcert("renew", "--due")
    assert passed_over.code == 0
    assert "web: needs the secret dns/token of its manifest" in passed_over.err
    assert "waits after 1 failure" in sfcert("enrol", "--manifest", str(file), "--due").err
    by_name = sfcert("renew", "web")
    assert (by_name.code, "enrol --manifest FILE --due" in by_name.err) == (1, True)
    assert "KEYMATERIAL" not in failed.out + failed.err + passed_over.err + by_name.err


def test_a_timer_waits_also_for_what_was_never_issued_and_passes_over_what_was_never_asked_for(
    sfcert: Callable[..., Ended],
) -> None:
    """A first order that fails weighs as much at an authority as a later one; a mistyped one is no certificate."""
    words = ("--subject", NAME, "--issuer-provider", "DigiCert", "--renew-by", "sfcert")
    first = sfcert("enrol", "fresh", *words, "--issuer", "Digi")
    assert (first.code, "DigiCert signs for accounts alone, and no password" in first.err) == (1, True)
    mistyped = sfcert("enrol", "typo", "--subject", NAME, "--issuer", "Digi", "--issuer-provider", "GlobalSign")
    assert (mistyped.code, "another one" in mistyped.err) == (1, True)
    waits = sfcert("renew", "--due")
    assert waits.code == 0, waits.err
    assert "fresh: waits after 1 failure, until" in waits.err
    assert "typo: nothing was ever asked for under this name" in waits.err
    assert "BackingOff" in sfcert("status", "fresh").out
    again = sfcert("enrol", "fresh", *words, "--issuer", "Digi", "--dry-run", "--format", "json")
    assert "ended as failed: The issuer refused the account's credentials." in again.json["notes"][0]
    assert not again.json["notes"][0].endswith("..")
    by_name = sfcert("renew", "--due", "typo")
    assert (by_name.code, "has no certificate typo" in by_name.err) == (1, True)


def test_a_timer_rests_while_a_plan_is_at_work(sfcert: Callable[..., Ended], tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"subject: {NAME}\nissuer: ContosoCA\ntags: {{sfcert-frozen-by: plan-7}}\n")
    assert sfcert("enrol", "shop", "--policy", str(policy)).code == 0
    rests = sfcert("enrol", "shop", "--policy", str(policy), "--due")
    assert rests.code == 0
    assert "rests while a plan is at work (sfcert-frozen-by says plan-7)" in rests.err
    both = sfcert("enrol", "shop", "--policy", str(policy), "--due", "--renew")
    assert (both.code, "--due is for a timer" in both.err) == (1, True)


def test_a_timer_tells_of_a_request_when_it_makes_it_and_then_in_one_line(
    sfcert: Callable[..., Ended], tmp_path: Path
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"subject: {NAME}\nissuer: Unknown\n")
    first = sfcert("enrol", "by-hand", "--policy", str(file), "--due")
    assert "BEGIN CERTIFICATE REQUEST" in first.out
    for again in (sfcert("enrol", "by-hand", "--policy", str(file), "--due"), sfcert("renew", "--due")):
        assert (again.code, again.out) == (0, "")
        assert [one for one in again.err.splitlines() if one.startswith("by-hand: ")][-1:] == [
            "by-hand: its request is out and still waits to be signed"
        ]
    assert sfcert("renew", "--due", "--format", "json").json["renewed"] == []
    # whoever asks for it by name gets it, and so does a timer that makes a new one
    assert "BEGIN CERTIFICATE REQUEST" in sfcert("renew", "by-hand").out
    assert sfcert("enrol", "by-hand", "--policy", str(file), "--cancel-pending", "--due").out.count("BEGIN") == 1
    assert sfcert("enrol", "by-hand", "--policy", str(file), "--due").out == ""
