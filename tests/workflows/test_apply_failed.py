"""What fails on the way, or never comes about: the provider's own words, rolled back upgrades, gates that stay shut."""

from __future__ import annotations

import msgspec
import pytest

from sfcert.errors import ConvergenceError, RemoteError
from sfcert.model.plan import Gate
from tests import make
from tests.fakes import FakeArm, refusal
from tests.workflows.three_stages import (
    CLUSTER_DEPLOYMENT,
    Json,
    World,
    declare_by_name,
    freeze_stage,
    gate,
    new_world,
    plan_of,
)


def test_a_failed_deployment_tells_the_providers_own_words(world: World) -> None:
    world.arm.endings[CLUSTER_DEPLOYMENT] = {
        "provisioningState": "Failed",
        "error": {"code": "DeploymentFailed", "message": "outer", "details": [{"code": "Inner", "message": "why"}]},
    }
    with pytest.raises(RemoteError) as caught:
        world.apply()
    assert (caught.value.token, caught.value.exit_code) == ("DeploymentFailed", 1)
    assert "Inner: why" in caught.value.message
    outcome = world.apply()
    applied = outcome.stages[1].applied
    assert applied is not None
    assert applied.attempts == 2


def test_an_upgrade_that_rolled_back_ends_as_failed_although_the_cluster_is_ready(world: World) -> None:
    def roll_back(arm: FakeArm) -> None:
        declare_by_name(arm)
        arm.resources[make.CLUSTER_ID]["properties"]["provisioningState"] = "Failed"

    world.arm.effects[CLUSTER_DEPLOYMENT] = roll_back
    with pytest.raises(ConvergenceError) as caught:
        world.apply()
    assert (caught.value.token, caught.value.exit_code) == ("WentToFailed", 1)
    assert caught.value.open_gates


def _fail(world: World, *, cluster: Json) -> None:
    """The next deployment of the cluster ends as failed and leaves the cluster so."""
    world.arm.endings[CLUSTER_DEPLOYMENT] = {"provisioningState": "Failed"}
    with pytest.raises(RemoteError):
        world.apply()
    world.arm.resources[make.CLUSTER_ID]["properties"].update(cluster)


def test_a_stage_that_was_rolled_back_is_sent_again_although_the_cluster_says_failed(world: World) -> None:
    """No other way leads out of that: until it is sent again, the cluster's last change is the failed one."""
    _fail(world, cluster={"provisioningState": "Failed"})

    def succeed(arm: FakeArm) -> None:
        declare_by_name(arm)
        arm.resources[make.CLUSTER_ID]["properties"]["provisioningState"] = "Succeeded"

    world.arm.effects[CLUSTER_DEPLOYMENT] = succeed
    assert world.apply().complete
    assert world.arm.sent == [CLUSTER_DEPLOYMENT, CLUSTER_DEPLOYMENT]


def test_it_is_not_sent_again_while_the_cluster_still_rolls_back(world: World) -> None:
    _fail(world, cluster={"provisioningState": "Updating", "clusterState": "UpdatingUserCertificate"})
    with pytest.raises(ConvergenceError) as caught:
        world.apply()
    assert caught.value.token == "NotConverged"
    assert world.arm.sent == [CLUSTER_DEPLOYMENT]


def test_a_cluster_that_somebody_else_left_failed_still_stops_the_run(world: World) -> None:
    world.arm.resources[make.CLUSTER_ID]["properties"]["provisioningState"] = "Failed"
    with pytest.raises(ConvergenceError) as caught:
        world.apply()
    assert caught.value.token == "WentToFailed"
    assert world.arm.sent == []


def test_a_vault_write_that_fails_for_ever_ends_with_its_own_failure(world: World) -> None:
    world.vaults.send_failures = [(refusal(500, transient=True), False)] * 100
    with pytest.raises(RemoteError) as caught:
        world.apply()
    assert caught.value.status == 500
    assert world.sent == []


def test_a_gate_that_never_opens_ends_with_its_name_and_exit_five() -> None:
    world = new_world()
    never = gate("cluster-declares", make.CLUSTER_ID, common_names=["other.example.com"])
    world.plan = plan_of(msgspec.structs.replace(freeze_stage(), gates_out=(never,)))
    with pytest.raises(ConvergenceError) as caught:
        world.apply()
    assert (caught.value.token, caught.value.exit_code) == ("NotConverged", 5)
    assert "cluster-declares" in caught.value.open_gates[0]


def test_a_gate_that_nobody_can_look_at_stops_at_once_unless_it_was_accepted() -> None:
    world = new_world()
    runtime = Gate(
        id="g",
        kind="nodes-present",
        level="runtime",
        subject=make.CLUSTER_ID,
        expects={"thumbprint": "0" * 40},
        says=".",
    )
    stage = msgspec.structs.replace(freeze_stage(), gates_out=(runtime,))
    world.plan = plan_of(stage)
    with pytest.raises(ConvergenceError) as caught:
        world.apply()
    assert caught.value.token == "NotConverged"
    assert world.clock.slept == []
    world.plan = plan_of(stage, accepted=("arm-evidence-only",))
    assert world.apply().complete
    assert world.told("gate")[-1].data["reason"] == "AcceptedOnArmEvidence"
