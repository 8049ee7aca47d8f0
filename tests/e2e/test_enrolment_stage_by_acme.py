"""A plan whose certificate comes by ACME, whole: pinned, ordered at a real Pebble, shown in a real zone, converged.

Who refuses, and where the plan stands then, is told in test_enrolment_stage_by_acme_refused.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim.front import Groups
from sfcert.sim.worlds.build import operator_of, put
from tests.e2e.acme_site import by_http
from tests.e2e.acme_stage_site import CHANGE, NAME, AcmeStage, acme_stage, issuer_of
from tests.e2e.mortal import Effects, Killed
from tests.e2e.site import Ended, Site, command
from tests.servers.knot import Knot, running_knot
from tests.servers.pebble import EAB_KID, EAB_MAC, Pebble, running_challenge_server, running_pebble

Json = dict[str, Any]


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with running_knot(tmp_path_factory.mktemp("knot"), ("example.test",)) as running:
        yield running


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, knot: Knot) -> Iterator[Pebble]:
    with running_pebble(tmp_path_factory.mktemp("pebble"), dns=f"{knot.address}:{knot.port}") as running:
        yield running


@pytest.fixture
def stage_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knot: Knot) -> Iterator[Callable[..., AcmeStage]]:
    """Opens one cluster; a test takes one."""
    with ExitStack() as stack:
        yield lambda *words, **options: stack.enter_context(acme_stage(tmp_path, monkeypatch, knot, *words, **options))


def renewed(site: Site) -> Json:
    """What the timer's line does, as the plan tells people to run it."""
    vault = ("--vault", str(site.facts["vault_url"]), "--for-cluster", site.cluster_id)
    ended = command("renew", "--due", *vault, "--format", "json")
    assert ended.code == 0, ended.err
    return ended.json


def test_the_issuer_is_changed_to_a_ca_by_acme_and_a_timer_renews_from_it(
    stage_of: Callable[..., AcmeStage], pebble: Pebble
) -> None:
    table = stage_of()
    site = table.site
    assert table.plan(pebble).code == 2
    assert site.planned["goal"]["issuer_thumbprints"] == [issuer_of(pebble)]

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.declares() == {NAME: issuer_of(pebble)}
    brought = table.certificate()
    assert len(brought["versions"]) == 2
    assert site.presented() == {brought["versions"][-1]}
    assert "sfcert-frozen-by" not in brought["tags"]
    assert table.leaves_nothing()
    assert table.plan(pebble).code == 0, "planned again there is nothing to do"
    assert renewed(site)["renewed"] == []

    site.running.call(lambda azure: azure.clock.advance(timedelta(days=70).total_seconds()))
    assert [one["name"] for one in renewed(site)["renewed"]] == [site.facts["certificate_name"]]
    assert site.watch().code == 0
    assert site.presented() == {table.certificate()["versions"][-1]}
    assert len(table.certificate()["versions"]) == 3
    assert site.refusals() == []


def test_the_whole_migration_from_thumbprint_with_a_certificate_that_acme_brings(
    stage_of: Callable[..., AcmeStage], pebble: Pebble, tmp_path: Path
) -> None:
    """Under the name that the vault already has, rehearsed on a twin first."""
    table = stage_of(by_name=False)
    site = table.site
    bundle = str(tmp_path / "world.json")
    assert command("capture", "--cluster", site.cluster_id, "-o", bundle).code == 0
    words = ("--playbook", "thumbprint-to-common-name", "--issuer-thumbprints", issuer_of(pebble))
    words = (*words, "--enrol-policy", table.policy(pebble))
    planned = command("plan", "--bundle", bundle, "-o", str(site.plan_file), *words)
    assert planned.code == 2, planned.out
    rehearsed = command("rehearse", str(site.plan_file), "--bundle", bundle, "--format", "json")
    assert rehearsed.code == 0, rehearsed.out
    assert not site.writes()

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.declares() == {NAME: issuer_of(pebble)}
    assert site.presented() == {table.certificate()["versions"][-1]}
    assert table.leaves_nothing()
    assert site.plan(*words).code == 0


def test_a_self_signed_start_gets_its_certificate_through_a_zone_of_azure_dns(
    stage_of: Callable[..., AcmeStage], tmp_path: Path
) -> None:
    """add-certificate: a new name in the vault; the CA looks where the embedded Azure's zones answer."""
    table = stage_of("self-signed", by_name=False, common_name="sf.azure.test", friendly=True)
    site = table.site
    zone = azure_zone(site, "azure.test")
    table.solver = {"kind": "azure-dns", "settings": {"resource_group": "rg-names"}}
    with running_pebble(tmp_path / "pebble", dns=site.running.dns_server) as pebble:
        url = f"{site.facts['vault_url']}/certificates/sf-named"
        planned = table.plan(pebble, "--playbook", "add-certificate", "--certificate", url)
        assert planned.code == 2, planned.out
        role = command("permissions", str(site.plan_file)).json
        applied = site.apply()
    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.presented() == {table.certificate("sf-named")["versions"][-1]}
    assert zone.rpartition("/providers/")[0] in role["AssignableScopes"]
    assert "Microsoft.Network/dnsZones/TXT/write" in role["Actions"]
    kept = site.running.call(lambda azure: [one.id.text for one in azure.resources.under(zone)])
    assert not [one for one in kept if "/TXT/" in one]


def test_a_run_answers_http_01_by_itself_for_an_account_that_is_bound(
    stage_of: Callable[..., AcmeStage], tmp_path: Path
) -> None:
    """No name server of ours is asked, and the key of the binding stays in its file."""
    table = stage_of(friendly=True)
    (tmp_path / "mac").write_text(EAB_MAC)
    with (
        running_challenge_server(tmp_path / "names") as names,
        running_pebble(tmp_path / "bound", dns=names.dns, has_external_accounts=True) as bound,
    ):
        table.solver = by_http(bound)
        bind = {"eab_key_id": EAB_KID, "eab_key_file": str(tmp_path / "mac")}
        assert table.plan(bound, acme=bind).code == 2
        assert EAB_MAC not in table.site.plan_file.read_text()
        paused = table.site.apply("--until", table.stage)
        assert paused.code == 0, paused.err
    assert EAB_MAC not in paused.out + paused.err
    assert table.certificate()["tags"]["sfcert-enrolled-for"].startswith("sfcert-")


def azure_zone(site: Site, name: str) -> str:
    def make(azure: Any) -> str:
        azure.service("groups", Groups).put(azure.subscription_id, "rg-names", {"location": "westeurope"})
        where = f"/subscriptions/{azure.subscription_id}/resourceGroups/rg-names/providers/Microsoft.Network/dnsZones"
        put(azure, f"{where}/{name}", "2018-05-01", {"location": "global"}, operator_of(azure))
        return f"{where}/{name}"

    made: str = site.running.call(make)
    return made


# -- killed ------------------------------------------------------------------------------------------------------------


#: What other parties see of the stage, in its order: at each of them one process dies.
EFFECTS = [
    "vault PUT secrets",
    "CA order-plz",
    "zone update",
    "vault POST certificates/create",
    "CA finalize-order",
    "vault POST certificates/pending/merge",
    "vault PATCH certificates",  # the mark
]


def run_and_die(table: AcmeStage, at: str | None, *, is_after: bool) -> tuple[Ended | None, list[str]]:
    """What became of one process that applies up to the stage, and the effects that it sent."""
    effects = Effects(at, is_after=is_after)
    with pytest.MonkeyPatch.context() as patch:
        effects.install(patch)
        try:
            return table.site.apply("--until", table.stage), effects.names
        except Killed:
            return None, effects.names if is_after else effects.names[:-1]


@pytest.mark.parametrize("is_after", [False, True], ids=["before it is sent", "after it was answered"])
def test_runs_that_die_at_the_effects_of_the_stage_order_once(
    stage_of: Callable[..., AcmeStage], pebble: Pebble, is_after: bool
) -> None:
    table = stage_of(friendly=True)
    assert table.plan(pebble).code == 2
    assert table.site.apply("--until", "40-pin-issuers").code == 0
    sent: list[str] = []
    for name in EFFECTS:
        died, seen = run_and_die(table, name, is_after=is_after)
        assert died is None, name
        sent += seen
    ended, seen = run_and_die(table, None, is_after=is_after)
    assert ended is not None
    assert ended.code == 0, ended.err
    for name in set(EFFECTS) - {"zone update"}:
        assert [*sent, *seen].count(name) == 1, (name, sent, seen)
    assert table.leaves_nothing()
    assert len(table.certificate()["versions"]) == 2
    assert table.site.apply().code == 0
    assert table.site.refusals() == []


# -- what a reviewer reads ---------------------------------------------------------------------------------------------


def test_the_review_says_who_signs_how_the_name_is_shown_and_what_has_to_be_open(
    stage_of: Callable[..., AcmeStage], pebble: Pebble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = stage_of(friendly=True)
    site = table.site
    (tmp_path / "issuer.pem").write_text(pebble.issuer_pem())
    monkeypatch.chdir(tmp_path)
    relative = table.policy(pebble)
    Path(relative).write_text(Path(relative).read_text().replace(f"{tmp_path}/", ""))
    words = (*CHANGE, "--issuer-thumbprints", issuer_of(pebble), "--certificate-pem", str(tmp_path / "issuer.pem"))
    monkeypatch.chdir("/")
    assert site.plan(*words, "--enrol-policy", relative).code == 2
    for form in ("human", "markdown", "html"):
        text = " ".join(command("show", str(site.plan_file), "--format", form).out.split())
        for said in (
            f"issued by {pebble.directory_url.split('/')[2]} (ACME)",
            "server authentication, client authentication",
            "Pebble Intermediate CA",
            f"shows {NAME} by DNS-01",
            str(tmp_path / "tsig.key"),  # absolute: whoever applies does so elsewhere
            "/secrets/acme-account",
            "has to reach",
        ):
            assert said in text, (form, said)
        assert "stands for its thumbprint" in text, form
    shown = command("show", str(site.plan_file), "--stage", table.stage).out
    assert "To cancel its request while it is open" in shown
    assert "az keyvault certificate pending delete" in shown
    role = command("permissions", str(site.plan_file)).json
    assert "Microsoft.KeyVault/vaults/secrets/setSecret/action" in role["DataActions"]
    assert os.environ["SFCERT_STATE"] not in json.dumps(site.planned)


def test_a_plan_that_was_told_no_issuer_says_where_to_look_for_it(
    stage_of: Callable[..., AcmeStage], pebble: Pebble, tmp_path: Path
) -> None:
    table = stage_of(friendly=True)
    policy = table.policy(pebble)
    assert table.site.plan(*CHANGE, "--enrol-policy", policy).code == 3
    assert "sfcert enrol probe" in table.site.planned["blocked_by"][0]
    (tmp_path / "issuer.pem").write_text(pebble.issuer_pem())
    given = ("--certificate-pem", str(tmp_path / "issuer.pem"))
    assert table.site.plan(*CHANGE, "--enrol-policy", policy, *given).code == 3
    assert issuer_of(pebble) in table.site.planned["blocked_by"][0]
    # what the first sentence advises shows the very same
    probe = json.loads(Path(policy).read_text()) | {"subject": "CN=probe.example.test"}
    (tmp_path / "probe.yaml").write_text(json.dumps(probe))
    vault = ("--vault", str(table.site.facts["vault_url"]))
    done = command(
        "enrol",
        "probe",
        *vault,
        "--policy",
        str(tmp_path / "probe.yaml"),
        "--format",
        "json",
        "--state",
        str(tmp_path / "own"),
    )
    assert done.code == 0, done.err
    assert done.json["pins"] == [issuer_of(pebble)]
