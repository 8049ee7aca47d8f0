"""A plan that brings its own certificate: pinned, enrolled through the gate, delivered, and then the rest of it."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.kernel.azure import Azure
from tests.e2e.site import Ended, Site, command
from tests.e2e.test_certificate_added import chain_of_the_authority
from tests.e2e.test_change_of_issuer import chain_of_the_other_authority

CHANGE = ("--playbook", "change-issuer")


def policy_file(site: Site, issuer: str, **more: Any) -> str:
    """A policy for the declared name, which sfcert renews; `--enrol-policy` takes it."""
    given = {"subject": f"CN={site.facts['common_name']}", "issuer": issuer, "renewal": {"by": "sfcert"}} | more
    file = site.folder / "policy.yaml"
    file.write_text(json.dumps(given))
    return str(file)


@pytest.fixture(autouse=True)
def own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFCERT_STATE", str(tmp_path / "state"))


@pytest.fixture
def by_name(site_of: Callable[..., Site]) -> Site:
    """A cluster by name; the vault knows the other authority as the issuer `OtherCA`."""
    site = site_of(by_name=True)

    def do(azure: Azure) -> None:
        vaults = azure.find_service("vaults")
        vaults.bind_issuer(site.facts["vault_url"], "OtherCA", site.facts["other_issuer"])

    site.running.call(do)
    return site


def change_words(site: Site, issuer: str, **more: Any) -> tuple[str, ...]:
    new = site.facts["other_issuer_thumbprint"]
    return (*CHANGE, "--issuer-thumbprints", new, "--enrol-policy", policy_file(site, issuer, **more))


def stored(site: Site, name: str) -> dict[str, Any]:
    """Policy actions, newest version's tags and thumbprints of a certificate in the vault."""

    def look(azure: Azure) -> dict[str, Any]:
        found = azure.find_service("vaults").content(site.facts["vault_url"]).certificate(name)
        return {
            "actions": [one["action"]["action_type"] for one in found.policy["lifetime_actions"]],
            "tags": dict(found.versions[-1].tags),
            "versions": [one.thumbprint for one in found.versions],
        }

    seen: dict[str, Any] = site.running.call(look)
    return seen


def sign_pending(site: Site, asked: Ended, authority: str) -> Path:
    """Somebody signs by hand the request that the run has shown. Returns the file with leaf and issuers."""
    request = x509.load_pem_x509_csr(asked.last("manual-step")["verbatim"].encode())
    sans = list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    ekus = [one.dotted_string for one in request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value]

    def do(azure: Azure) -> bytes:
        signer = azure.find_service("authority").get(authority)
        now = azure.clock.now
        leaf = signer.sign(
            request.subject, request.public_key(), sans=sans, not_before=now - timedelta(minutes=1),
            not_after=now + timedelta(days=120), ekus=ekus, key_usage=["digitalSignature", "keyEncipherment"],
        )  # fmt: skip
        return b"".join(one.public_bytes(Encoding.PEM) for one in (leaf, *signer.chain))

    file = site.folder / "signed.pem"
    file.write_bytes(site.running.call(do))
    return file


def test_change_issuer_enrols_from_the_new_authority_once_it_is_pinned(by_name: Site) -> None:
    site = by_name
    words = (*change_words(site, "OtherCA"), *chain_of_the_other_authority(site))
    planned = site.plan(*words)
    assert planned.code == 2, planned.out
    kinds = [stage["kind"] for stage in site.planned["stages"]]
    assert kinds.index("enrol") > site.stages.index("40-pin-issuers")
    assert "secret" not in json.dumps(site.planned["inputs"]["enrolment"]).lower()

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.declares() == {site.facts["common_name"]: site.facts["other_issuer_thumbprint"]}
    after = stored(site, site.facts["certificate_name"])
    assert site.presented() == {after["versions"][-1]}
    assert len(after["versions"]) == 2
    assert after["actions"] == ["EmailContacts"]
    assert "sfcert-frozen-by" not in after["tags"]
    assert site.plan(*words).code == 0
    # the same plan again finds all of it done
    assert site.apply().code == 0
    assert len(stored(site, site.facts["certificate_name"])["versions"]) == 2


def test_renewal_by_the_vault_is_held_until_the_end_and_then_goes_by_the_new_policy(by_name: Site) -> None:
    site = by_name
    words = change_words(site, "OtherCA", renewal={"by": "vault", "lifetime_percentage": 60})
    words = (*words, *chain_of_the_other_authority(site))
    told = site.plan(*words)
    assert told.code == 3
    assert "--accept issuer-next-time" in " ".join(site.planned["blocked_by"])
    assert site.plan(*words, "--accept", "issuer-next-time").code == 2
    enrolment = next(one for one in site.stages if "-enrol-" in one)

    paused = site.apply("--until", enrolment)
    assert paused.code == 0, paused.err
    assert stored(site, site.facts["certificate_name"])["actions"] == ["EmailContacts"]
    assert site.apply().code == 0
    assert stored(site, site.facts["certificate_name"])["actions"] == ["AutoRenew"]
    assert site.refusals() == []


def test_what_people_sign_is_waited_for_and_held_to_the_plan(by_name: Site) -> None:
    site = by_name
    assert site.plan(*change_words(site, "Unknown")).code == 2
    waited = site.apply()
    assert waited.code == 5, waited.err
    asked = waited.last("manual-step")
    assert "sfcert merge" in " ".join(asked["steps"])
    assert asked["verbatim"].startswith("-----BEGIN CERTIFICATE REQUEST-----")

    # the old authority is pinned still, so that the cluster's own gate lets it through; the plan's does not
    name, vault = str(site.facts["certificate_name"]), str(site.facts["vault_url"])
    other = sign_pending(site, waited, site.facts["other_issuer"])
    merged = command("merge", name, "--vault", vault, "--chain", str(other), "--for-cluster", site.cluster_id)
    assert merged.code == 0, merged.err
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert len(stored(site, name)["versions"]) == 2
    assert site.declares() == {site.facts["common_name"]: site.facts["other_issuer_thumbprint"]}


def test_an_answer_of_an_authority_that_the_plan_does_not_count_on_stops_it(by_name: Site) -> None:
    site = by_name
    assert site.plan(*change_words(site, "Unknown")).code == 2
    waited = site.apply()
    assert waited.code == 5
    name, vault = str(site.facts["certificate_name"]), str(site.facts["vault_url"])
    old = sign_pending(site, waited, "Contoso Issuing CA 01")
    assert command("merge", name, "--vault", vault, "--chain", str(old), "--for-cluster", site.cluster_id).code == 0
    stopped = site.apply()
    assert stopped.code == 3, stopped.err
    assert "IssuerNotPinned" in stopped.err
    assert "sfcert-enrolled-for" not in stored(site, name)["tags"]
    assert site.refusals() == []


def test_a_self_signed_start_enrols_the_certificate_that_it_goes_by(site_of: Callable[..., Site]) -> None:
    site = site_of("self-signed")
    url = f"{site.facts['vault_url']}/certificates/sf-named"
    words = (
        "--playbook", "add-certificate", "--certificate", url, *chain_of_the_authority(site),
        "--issuer-thumbprints", site.facts["issuer_thumbprint"], "--enrol-policy", policy_file(site, "ContosoCA"),
    )  # fmt: skip
    planned = site.plan(*words)
    assert planned.code == 2, planned.out
    numbers = [one.split("-")[0] for one in site.stages]
    assert numbers.index("35") < numbers.index("40")

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    after = stored(site, "sf-named")
    assert site.presented() == {after["versions"][-1]}
    assert site.declares() == {site.facts["common_name"]: site.facts["issuer_thumbprint"]}
    assert site.plan(*words).code == 0


def test_a_policy_that_the_gate_would_refuse_blocks_the_plan(by_name: Site) -> None:
    site = by_name
    words = (*change_words(site, "OtherCA", ekus=["server_auth"]), *chain_of_the_other_authority(site))
    told = site.plan(*words)
    assert told.code == 3
    assert "client authentication" in " ".join(site.planned["blocked_by"])
    assert site.plan(*change_words(site, "OtherCA")).code == 3, "the vault merges it, and its issuer was never seen"
    assert "was not seen" in " ".join(site.planned["blocked_by"])
    assert site.plan(*change_words(site, "Self")).code == 3


def test_an_issuer_that_the_vault_does_not_know_ends_it_before_anything_is_sent(by_name: Site) -> None:
    site = by_name
    assert site.plan(*change_words(site, "Nobody"), *chain_of_the_other_authority(site)).code == 2
    stopped = site.apply()
    assert stopped.code == 1
    assert "'Nobody'" in stopped.err
    assert not site.writes()


def test_by_hand_the_template_takes_the_thumbprint_that_was_enrolled(site_of: Callable[..., Site]) -> None:
    site = site_of("self-signed")
    url = f"{site.facts['vault_url']}/certificates/sf-named"
    site.plan(
        "--playbook", "add-certificate", "--certificate", url, *chain_of_the_authority(site),
        "--issuer-thumbprints", site.facts["issuer_thumbprint"], "--enrol-policy", policy_file(site, "ContosoCA"),
    )  # fmt: skip
    stage = site.stage_like("50-1-add")
    shown = command("show", str(site.plan_file), "--stage", stage)
    assert "--enrolled" in shown.out
    plain = command("show", str(site.plan_file), "--stage", stage, "--format", "template")
    assert plain.code == 1
    real = "AB" * 20
    bound = command("show", str(site.plan_file), "--stage", stage, "--format", "template", "--enrolled", real)
    assert real in bound.out
    assert site.planned["goal"]["thumbprint"] not in bound.out
    policy = command("show", str(site.plan_file), "--stage", site.stage_like("35-"), "--format", "policy")
    assert policy.json["renewal"]["by"] == "sfcert"
    role = command("permissions", str(site.plan_file)).json
    assert "Microsoft.KeyVault/vaults/certificates/create/action" in role["DataActions"]


@pytest.mark.parametrize("faults", ["none", "usual"])
def test_a_twin_plays_the_authority_and_the_plan_is_rehearsed(by_name: Site, faults: str) -> None:
    site = by_name
    bundle = site.folder / "world.json"
    assert command("capture", "--cluster", site.cluster_id, "-o", str(bundle)).code == 0
    words = change_words(site, "Unknown")
    assert command("plan", "--bundle", str(bundle), "-o", str(site.plan_file), *words).code == 2
    played = command("rehearse", str(site.plan_file), "--bundle", str(bundle), "--faults", faults, "--format", "json")
    assert played.code == 0, played.out
    run = played.json["runs"][0]
    assert run["stages_done"] == site.stages
    assert run["refused"] == []
    assert any("signs in its place" in one for one in played.json["left_open"])
    assert not site.writes()


def test_a_new_name_is_captured_planned_and_rehearsed_without_azure(site_of: Callable[..., Site]) -> None:
    site = site_of("self-signed")
    bundle, url = site.folder / "world.json", f"{site.facts['vault_url']}/certificates/sf-named"
    assert command("capture", "--cluster", site.cluster_id, "--certificate", url, "-o", str(bundle)).code == 0
    words = (
        "--playbook", "add-certificate", "--certificate", url, "--issuer-thumbprints", site.facts["issuer_thumbprint"],
        "--enrol-policy", policy_file(site, "Unknown"),
    )  # fmt: skip
    planned = command("plan", "--bundle", str(bundle), "-o", str(site.plan_file), *words)
    assert planned.code == 2, planned.out
    played = command("rehearse", str(site.plan_file), "--bundle", str(bundle), "--format", "json")
    assert played.code == 0, played.out
    assert played.json["runs"][0]["stages_done"] == site.stages


def test_nobody_renews_what_a_plan_has_frozen(by_name: Site) -> None:
    """The timer of `renew --due` rests, a renewal by name is refused, and the status says why."""
    site = by_name
    name, vault = str(site.facts["certificate_name"]), str(site.facts["vault_url"])
    taken = ("enrol", name, "--vault", vault, "--subject", f"CN={site.facts['common_name']}", "--issuer", "ContosoCA")
    assert command(*taken, "--renew-by", "sfcert").code == 0
    site.running.call(lambda azure: azure.clock.advance(100 * 86400))
    assert site.plan(*change_words(site, "OtherCA"), *chain_of_the_other_authority(site)).code == 2
    words = ("renew", "--vault", vault, name)

    def freeze(azure: Azure) -> None:
        found = azure.find_service("vaults").content(vault).certificate(name)
        found.versions[-1] = dataclasses.replace(found.versions[-1], tags={"sfcert-frozen-by": "sfcert-0123456789ab"})

    site.running.call(freeze)
    resting = command(*words, "--due")
    assert resting.code == 0, resting.err
    assert "rests while a plan is at work" in resting.err
    refused = command(*words)
    assert refused.code == 3
    assert "--frozen-by" in refused.err
    assert "Frozen" in command("status", name, "--vault", vault).out
    assert command(*taken, "--renew-by", "sfcert", "--renew", "--frozen-by", "sfcert-0123456789ab").code == 0


def test_the_lines_by_hand_enrol_through_the_gate_and_apply_goes_on_from_there(by_name: Site) -> None:
    site = by_name
    assert site.plan(*change_words(site, "OtherCA"), *chain_of_the_other_authority(site)).code == 2
    assert site.apply("--until", "40-pin-issuers").code == 0
    stage = next(one for one in site.planned["stages"] if one["kind"] == "enrol")
    asked = ("enrol", "other", "--vault", str(site.facts["vault_url"]), "--subject", "CN=a", "--issuer", "Self")
    another = command(*asked, "--for-plan", str(site.plan_file))
    assert another.code == 1
    assert "--for-plan: that plan enrols" in another.err
    twice = command(*asked, "--for-plan", str(site.plan_file), "--for-cluster", site.cluster_id)
    assert twice.code == 1
    assert "--for-cluster, --for-bundle or --for-plan" in twice.err
    for line in (one for one in stage["az"] if one.startswith("sfcert ")):
        words = shlex.split(line.replace("${PLAN:-plan.json}", str(site.plan_file)))[1:]
        file = site.folder / words[-1] if ">" in words else None
        here = [str(site.folder / one) if one.startswith(stage["id"] + ".") else one for one in words]
        ended = command(*here[: words.index(">")] if file else here)
        assert ended.code == 0, ended.err
        if file is not None:
            file.write_text(ended.out)
    assert len(stored(site, site.facts["certificate_name"])["versions"]) == 2
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert len(stored(site, site.facts["certificate_name"])["versions"]) == 2
    assert site.refusals() == []
