"""A person with az alone follows the plan: the very lines of each stage, a look between, and the same end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sfcert.sim.kernel.azure import Azure
from tests.az import Desk, needs_az
from tests.e2e.site import Site, command


def by_hand(site: Site, stages: Sequence[dict[str, Any]]) -> list[str]:
    """Run every line of these stages and look after each stage; returns the lines."""
    desk = Desk(site.running.env(), site.folder)
    desk.sign_in()
    done = []
    for stage in stages:
        for line in stage["az"]:
            ended = desk.run(line)
            for _ in range(4):
                if "Conflict" not in ended.stderr:
                    break
                # az does not try again where it is told to come back later; the person at it does
                ended = desk.run(line)
            assert ended.returncode == 0, f"{stage['id']}: {line}\n{ended.stdout[-1000:]}{ended.stderr[-3000:]}"
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
