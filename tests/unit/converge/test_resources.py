"""A resource is current only where everything that it reports says so; a state that ends or walks is told as such."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.converge.resources import judge_cluster, judge_scale_set
from tests import make
from tests.unit.converge.test_gates import edited, seen

SETS = make.scale_set_id()


@pytest.mark.parametrize(
    "state",
    [
        "Deploying",
        "BaselineUpgrade",
        "UpdatingUserConfiguration",
        "UpdatingUserCertificate",
        "UpdatingInfrastructure",
        "EnforcingClusterVersion",
        "AutoScale",
    ],
)
def test_a_cluster_walks_in_each_of_its_states_of_change_whatever_arm_says_of_the_last_write(state: str) -> None:
    found = judge_cluster(make.observation(state=state, provisioning_state="Succeeded"))
    assert (found.state, found.reason) == ("in-progress", "UpgradeRunning")


@pytest.mark.parametrize("rolling", ["RollingBackInProgress", "RollingForwardInProgress", "RollingForwardPending"])
def test_a_cluster_that_rolls_by_its_own_word_is_not_at_rest(rolling: str) -> None:
    document, _, _ = edited()
    document["runtime"] = {"nodes": [], "upgrade_progress": {"UpgradeState": rolling}}
    found = judge_cluster(seen(document))
    assert (found.state, found.reason) == ("in-progress", "UpgradeRunning")


@pytest.mark.parametrize("upgrade", ["RollingForwardCompleted", "RollingBackCompleted", None])
def test_a_cluster_whose_upgrade_has_ended_is_at_rest(upgrade: str | None) -> None:
    """Whether it ended well is for the declarations that are read back to say."""
    document, _, _ = edited()
    document["runtime"] = {"nodes": [], "upgrade_progress": {"UpgradeState": upgrade}}
    found = judge_cluster(seen(document))
    assert (found.state, found.reason) == ("current", "Holds")


def test_how_far_an_upgrade_has_come_is_told() -> None:
    document, _, _ = edited(state="UpdatingUserCertificate")
    domains = [{"Name": "0", "State": "Completed"}, {"Name": "1", "State": "Pending"}]
    document["runtime"] = {"upgrade_progress": {"UpgradeState": "RollingForwardInProgress", "UpgradeDomains": domains}}
    assert "RollingForwardInProgress, 1 of 2 upgrade domains" in judge_cluster(seen(document)).message
    document["runtime"] = {"nodes": []}
    assert "upgrade domains" not in judge_cluster(seen(document)).message


@pytest.mark.parametrize("provisioning", ["Failed", "Canceled"])
def test_a_change_that_ended_badly_is_told_as_failed(provisioning: str) -> None:
    found = judge_cluster(make.observation(provisioning_state=provisioning))
    assert (found.state, found.reason) == ("failed", "UpgradeRolledBack")


@pytest.mark.parametrize("field", ["clusterState", "provisioningState"])
def test_one_state_does_not_speak_for_the_other(field: str) -> None:
    document, cluster, _ = edited()
    del cluster["properties"][field]
    found = judge_cluster(seen(document))
    assert (found.state, found.reason) == ("unknown", "StateUnknown")
    assert "does not report both" in found.message


@pytest.mark.parametrize(
    ("provisioning", "expected"),
    [
        ("Succeeded", ("current", "Holds")),
        ("Updating", ("in-progress", "UpdateRunning")),
        (None, ("in-progress", "UpdateRunning")),
        ("Failed", ("failed", "UpdateFailed")),
        ("Canceled", ("failed", "UpdateFailed")),
    ],
)
def test_a_scale_set_is_not_done_before_it_says_so_although_all_its_machines_are(
    provisioning: str | None, expected: tuple[str, str]
) -> None:
    document, _, scale_set = edited()
    scale_set["properties"]["provisioningState"] = provisioning
    found = judge_scale_set(seen(document).scale_sets[0])
    assert (found.state, found.reason) == expected


@pytest.mark.parametrize(
    ("provisioning", "expected"),
    [
        ("Canceled", ("failed", "UpdateFailed")),
        ("Failed", ("failed", "UpdateFailed")),
        (None, ("in-progress", "UpdateRunning")),
    ],
)
def test_a_machine_whose_update_ended_badly_or_does_not_say_how_is_not_current(
    provisioning: Any, expected: tuple[str, str]
) -> None:
    document, _, _ = edited()
    document["vm_instances"][SETS][4]["properties"]["provisioningState"] = provisioning
    found = judge_scale_set(seen(document).scale_sets[0])
    assert (found.state, found.reason) == expected
    assert "nt0_4" in found.message


def test_machines_that_wait_for_a_hand_are_told_as_such() -> None:
    document, _, _ = edited(node_types=(make.NodeTypeShape(mode="Manual"),))
    document["vm_instances"][SETS][0]["properties"]["latestModelApplied"] = False
    assert "Manual" in judge_scale_set(seen(document).scale_sets[0]).message


def test_while_a_scale_set_is_updated_its_instances_are_not_left_behind_but_on_their_way() -> None:
    """A failed attempt of its own is forgiven for what it left behind, never while the scale set is still at work."""
    document, _, scale_set = edited()
    document["vm_instances"][SETS][1]["properties"]["latestModelApplied"] = False
    scale_set["properties"]["provisioningState"] = "Updating"
    found = judge_scale_set(seen(document).scale_sets[0])
    assert (found.state, found.reason) == ("in-progress", "UpdateRunning")
    assert found.message == "nt0: provisioningState Updating; not with the newest model yet: nt0_1."
