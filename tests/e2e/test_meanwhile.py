"""What happens in Azure while a plan is under way: the exit code, the open gate, the next command, and no harm done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.e2e.site import Ended, Site

FROZEN = "https://kv-sf-demo.vault.azure.net/certificates/sf-cluster"


def until(site: Site, prefix: str) -> None:
    """Plan, and apply up to this stage."""
    assert site.plan().code == 2
    paused = site.apply("--until", site.stage_like(prefix))
    assert paused.code == 0, paused.err
    assert paused.last("run-paused")["go_on"] == f"sfcert apply {site.plan_file}"


def assert_ends(ended: Ended, code: int, token: str) -> dict[str, Any]:
    """The exit code and its token; the last word before the error, which says how to go on."""
    assert (ended.code, ended.events[-1]["error"]["token"]) == (code, token), ended.err
    stopped = ended.last("run-stopped")
    assert stopped["token"] == token
    return stopped


@pytest.mark.parametrize("stage", ["10-freeze", "30-grant", "40-provision", "60-declare", "70-extension", "80-retire"])
def test_a_renewal_from_an_unpinned_issuer_although_frozen_stops_the_run_before_it_sends_anything(
    stage: str, site: Site
) -> None:
    until(site, stage)
    sent, presented = site.writes(), site.presented()
    renewed = site.renew(authority=site.facts["other_issuer"])

    stopped = assert_ends(site.apply(), 4, "PlanStale")

    assert renewed in stopped["message"]
    assert site.facts["thumbprint"] in stopped["message"]
    assert stopped["frozen"] == [FROZEN]
    assert stopped["safe_until_utc"]
    again = f"sfcert plan --cluster {site.cluster_id} --playbook thumbprint-to-common-name -o {site.plan_file}"
    assert stopped["go_on"] == again
    assert stopped["go_on"] in stopped["text"]
    assert site.writes() == sent
    assert site.presented() == presented
    assert site.plan().code == 3
    assert "Contoso Issuing CA 02" in " ".join(site.planned["blocked_by"])


@pytest.mark.parametrize("stage", ["10-freeze", "40-provision"])
def test_such_a_renewal_parts_no_cluster_that_is_still_declared_by_thumbprint(stage: str, site: Site) -> None:
    until(site, stage)
    site.renew(authority=site.facts["other_issuer"])
    assert site.apply().code == 4
    site.running.advance(3 * 86400)
    assert site.refusals() == []
    assert site.presented() == {site.facts["thumbprint"]}


def test_the_certificate_renewed_in_the_middle_of_a_stage_is_seen_at_its_end(site: Site) -> None:
    """It was the goal when the stage began; the gates out look again."""
    assert site.plan().code == 2
    before = site.apply("--until", site.stage_like("30-grant"))
    assert before.code == 0
    site.switch("extension-fails", {"instance": "2"})
    assert site.apply().code == 1
    site.running.call(lambda azure: azure.switches.pop("extension-fails"))
    site.renew(authority=site.facts["other_issuer"])
    stopped = assert_ends(site.apply(), 4, "PlanStale")
    assert stopped["frozen"] == [FROZEN]


def test_one_node_whose_extension_fails_ends_the_run_and_the_same_command_mends_it(site: Site) -> None:
    assert site.plan().code == 2
    site.switch("extension-fails", {"instance": "2"})

    stopped = assert_ends(site.apply(), 1, "DeploymentFailed")
    assert "KVVMExtension" in stopped["message"]
    assert stopped["frozen"] == [FROZEN]
    assert stopped["go_on"] == f"sfcert apply {site.plan_file}"
    assert stopped["text"].endswith(f"Next stage: {site.stage_like('40-provision')}. To go on: {stopped['go_on']}")
    assert site.refusals() == []
    assert site.presented() == {site.facts["thumbprint"]}

    site.running.call(lambda azure: azure.switches.pop("extension-fails"))
    mended = site.apply()
    assert mended.code == 0, mended.err
    again = [one for one in mended.events if one["type"] == "stage-sent" and one["attempt"] == 2]
    assert [one["stage"] for one in again] == [site.stage_like("40-provision")]
    assert site.refusals() == []


def test_an_application_s_extension_that_breaks_later_holds_the_next_stage(site: Site) -> None:
    until(site, "40-provision")
    site.switch("extension-fails", {"instance": "1", "type": "ServiceFabricNode"})
    stopped = assert_ends(site.apply(), 1, "DeploymentFailed")
    assert stopped["frozen"] == [FROZEN]
    assert site.refusals() == []


def test_more_machines_between_plan_and_stage_are_no_reason_to_stop(site: Site) -> None:
    until(site, "30-grant")
    site.change(site.scale_set_id, partial(_scale, 7))
    site.running.advance(3600)

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.body(site.scale_set_id)["sku"]["capacity"] == 7
    assert site.of_cluster(lambda cluster: len(cluster.nodes)) == 7
    assert site.presented() == {site.facts["thumbprint"]}
    assert site.refusals() == []


def _scale(capacity: int, body: dict[str, Any]) -> None:
    body["sku"]["capacity"] = capacity


def test_machines_that_come_between_any_two_stages_join(site: Site) -> None:
    """Autoscale moves during the run: every stage meets another capacity than the one before."""
    assert site.plan().code == 2
    for number, stage in enumerate(site.stages, 6):
        applied = site.apply("--until", stage)
        assert applied.code == 0, applied.err
        site.change(site.scale_set_id, partial(_scale, number))
        site.running.advance(7200)
        assert site.of_cluster(lambda cluster: sum(node.in_ring for node in cluster.nodes.values())) == number
    assert site.refusals() == []
    assert site.presented() == {site.facts["thumbprint"]}


def _tag(body: dict[str, Any]) -> None:
    body["tags"]["cost-centre"] = "4711"


def _extension(body: dict[str, Any]) -> None:
    profile = body["properties"]["virtualMachineProfile"]["extensionProfile"]
    properties = {"publisher": "Contoso", "type": "Monitor", "typeHandlerVersion": "1.0", "settings": {"level": 3}}
    profile["extensions"].append({"name": "Monitor", "properties": properties})


@pytest.mark.parametrize(
    ("edit", "moved"),
    [(_tag, "tags.cost-centre is new: '4711'"), (_extension, "extensions[name='Monitor'] is new")],
    ids=["a tag", "another extension"],
)
def test_what_somebody_else_changes_makes_the_plan_stale_and_is_shown(
    edit: Callable[[dict[str, Any]], None], moved: str, site: Site
) -> None:
    until(site, "30-grant")
    site.change(site.scale_set_id, edit)
    site.running.advance(3600)
    sent, body = site.writes(), site.body(site.scale_set_id)

    ended = site.apply()

    stopped = assert_ends(ended, 4, "PlanStale")
    assert any(moved in line for line in ended.events[-1]["error"]["evidence"])
    assert stopped["go_on"].startswith("sfcert plan --cluster")
    assert site.writes() == sent
    assert site.body(site.scale_set_id) == body
    assert site.plan().code == 2
    planned_again = site.apply()
    assert planned_again.code == 0, planned_again.err
    assert site.body(site.scale_set_id)["tags"] == body["tags"]
    names = [one["name"] for one in site.extensions()]
    assert ("Monitor" in names) == (edit is _extension)
    assert site.refusals() == []


def test_a_cluster_that_somebody_else_upgrades_is_waited_for(site: Site) -> None:
    """A scale set is never touched while its cluster walks; what the other has changed is then told at its stage."""
    until(site, "30-grant")
    site.start_upgrade()
    applied = site.apply("--until", site.stage_like("40-provision"))
    assert applied.code == 0, applied.err
    waited = [one["why"] for one in applied.events if one["type"] == "waiting"]
    assert any("sf-demo" in why or "cluster" in why for why in waited), waited
    stopped = assert_ends(site.apply(), 4, "PlanStale")
    assert "fabricSettings[name='Setup'] is new" in stopped["message"]
    assert site.refusals() == []


def test_a_scale_set_in_manual_mode_that_lags_behind_is_brought_on_by_the_run(site_of: Callable[..., Site]) -> None:
    site = site_of("manual-mode")
    assert site.plan().code == 2
    assert [one[:2] for one in site.stages if "upgrade-instances" in one] == ["45", "75", "85"]
    assert site.apply().code == 0
    assert site.refusals() == []


def test_a_scale_set_in_manual_mode_that_was_behind_before_us_blocks_the_plan(site_of: Callable[..., Site]) -> None:
    site = site_of("manual-mode")
    site.change(site.scale_set_id, _extension)
    assert site.plan().code == 3
    assert "nt0" in " ".join(site.planned["blocked_by"])
    assert site.apply().code == 3
