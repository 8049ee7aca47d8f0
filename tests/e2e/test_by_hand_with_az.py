"""A person with az alone follows the plan: the very lines of each stage, a look between, and the same end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim.kernel.azure import Azure
from tests.az import Desk, needs_az
from tests.e2e.acme_stage_site import NAME, acme_stage, issuer_of
from tests.e2e.site import Ended, Site, command
from tests.e2e.test_enrolment_stage import change_words, sign_pending, stored
from tests.servers.knot import running_knot
from tests.servers.pebble import running_pebble


def typed(desk: Desk, line: str) -> None:
    """One line that has to succeed, typed again where it was told to come back later."""
    ended = desk.run(line)
    for _ in range(4):
        if "Conflict" not in ended.stderr:
            break
        # az does not try again where it is told to come back later; the person at it does
        ended = desk.run(line)
    assert ended.returncode == 0, f"{line}\n{ended.stdout[-1000:]}{ended.stderr[-3000:]}"


def by_hand(site: Site, stages: Sequence[dict[str, Any]]) -> list[str]:
    """Run every line of these stages and look after each stage; returns the lines."""
    desk = Desk(site.running.env(), site.folder)
    desk.sign_in()
    done = []
    for stage in stages:
        for line in stage["az"]:
            typed(desk, line)
            done.append(line)
        looked = command("watch", str(site.plan_file), "--stage", stage["id"], "--json", "--timeout", "6h")
        assert looked.code == 0, f"{stage['id']}: {looked.out[-3000:]}{looked.err}"
    return done


@needs_az
@pytest.mark.parametrize("world", ["manual-mode", "rbac-vault"])
def test_the_lines_of_each_stage_lead_where_apply_leads(world: str, site_of: Callable[..., Site]) -> None:
    applied = site_of(world)
    assert applied.plan().code == 2
    assert applied.apply().code == 0

    site = site_of(world)
    assert site.plan().code == 2
    done = by_hand(site, site.planned["stages"])

    assert any(line.startswith("az rest ") for line in done)
    assert any("update-instances" in line for line in done) == (world == "manual-mode")
    assert site.end_state() == applied.end_state()
    assert site.plain_writes() == applied.plain_writes()
    assert site.refusals() == []
    assert site.presented() == {site.facts["thumbprint"]}
    assert site.audit().code == 0, site.audit().out
    assert site.plan().code == 0, site.planned["stages"]


@needs_az
def test_apply_goes_on_where_the_lines_by_hand_stopped(site_of: Callable[..., Site]) -> None:
    applied = site_of("one-node-type")
    assert applied.plan().code == 2
    assert applied.apply().code == 0

    site = site_of("one-node-type")
    assert site.plan().code == 2
    stages = site.planned["stages"]
    half = next(number for number, stage in enumerate(stages) if stage["id"].startswith("60-"))
    by_hand(site, stages[:half])
    resumed = site.apply()

    assert resumed.code == 0, resumed.err
    assert site.end_state() == applied.end_state()
    assert site.plain_writes() == applied.plain_writes()


@needs_az
def test_tags_of_others_outlive_the_freeze(site: Site) -> None:
    """Also those that begin alike, or whose values look like the end of an object."""
    url, name = site.facts["vault_url"], site.facts["certificate_name"]
    theirs = {"owner": "team, }", "sfcert-frozen-by-whom": "x", "zone": "1"}

    def tags() -> dict[str, str]:
        def read(azure: Azure) -> dict[str, str]:
            return dict(newest(azure).tags)

        return site.running.call(read)

    def newest(azure: Azure) -> Any:
        return azure.find_service("vaults").content(url).certificate(name).versions[-1]

    site.running.call(lambda azure: newest(azure).tags.update(theirs))
    assert site.plan().code == 2
    freeze, resume = (stage for stage in site.planned["stages"] if stage["kind"] == "vault")
    desk = Desk(site.running.env(), site.folder)
    desk.sign_in()

    for line in freeze["az"]:
        assert desk.run(line).returncode == 0, line
    assert {key: value for key, value in tags().items() if key in theirs} == theirs
    assert len(tags()) == len(theirs) + 2

    for line in resume["az"]:
        assert desk.run(line).returncode == 0, line
    assert tags() == theirs


def pending(site: Site) -> str | None:
    """The state of the certificate's operation, as the vault itself has it."""

    def look(azure: Azure) -> Any:
        vault = azure.find_service("vaults").content(site.facts["vault_url"])
        found = vault.certificate(site.facts["certificate_name"]).pending
        return found.status if found is not None else None

    seen: str | None = site.running.call(look)
    return seen


# -- an enrolment as a stage -------------------------------------------------------------------------------------------


@needs_az
def test_the_lines_of_an_enrolment_by_acme_lead_where_apply_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order, gate and merge by `sfcert enrol`; the mark by az, beside the tags that are there."""
    with (
        running_knot(tmp_path / "knot", ("example.test",)) as knot,
        running_pebble(tmp_path / "pebble", dns=f"{knot.address}:{knot.port}") as pebble,
        acme_stage(tmp_path, monkeypatch, knot) as table,
    ):
        site = table.site
        assert table.plan(pebble).code == 2
        assert site.apply("--until", "40-pin-issuers").code == 0
        done = by_hand(site, [one for one in site.planned["stages"] if one["kind"] == "enrol"])
        assert sum(line.startswith("az rest ") for line in done) == 1
        brought = table.certificate()
        assert brought["tags"].keys() >= {"sfcert-enrolled-for", "sfcert-frozen-by"}

        assert site.apply().code == 0
        assert table.certificate()["versions"] == brought["versions"]
        assert site.declares() == {NAME: issuer_of(pebble)}
        assert table.leaves_nothing()
        assert site.refusals() == []


@needs_az
def test_a_request_is_cancelled_by_its_lines_and_asked_for_by_hand_again(site_of: Callable[..., Site]) -> None:
    """What people sign: cancelled while it is open, asked for anew, held to the plan's issuers, marked."""
    site = site_of(by_name=True)
    name = str(site.facts["certificate_name"])
    assert site.plan(*change_words(site, "Unknown")).code == 2
    assert site.apply().code == 5, "nobody has signed"
    stage = next(one for one in site.planned["stages"] if one["kind"] == "enrol")
    desk = Desk(site.running.env(), site.folder)
    desk.sign_in()

    for line in stage["undo"]["cancel"]:
        typed(desk, line)
    assert pending(site) is None

    at = next(number for number, line in enumerate(stage["az"]) if line.startswith("# have "))
    request, signed = site.folder / f"{stage['id']}.csr.pem", site.folder / f"{stage['id']}.signed.pem"

    def ask() -> Ended:
        for line in stage["az"][:at]:
            typed(desk, line)
        return Ended(0, json.dumps({"type": "manual-step", "verbatim": request.read_text()}), "")

    signed.write_bytes(sign_pending(site, ask(), "Contoso Issuing CA 01").read_bytes())
    refused = desk.run(stage["az"][at + 1])
    assert refused.returncode == 3, refused.stderr
    assert "IssuerNotPinned" in refused.stderr, "the cluster pins that issuer still, the plan does not count on it"

    signed.write_bytes(sign_pending(site, ask(), site.facts["other_issuer"]).read_bytes())
    for line in stage["az"][at + 1 :]:
        typed(desk, line)
    assert stored(site, name)["tags"]["sfcert-enrolled-for"].startswith("sfcert-")
    assert site.apply().code == 0
    assert site.declares() == {site.facts["common_name"]: site.facts["other_issuer_thumbprint"]}
    assert site.refusals() == []
