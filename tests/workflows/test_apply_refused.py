"""When is a plan not carried out? Stale, undone or moved by others, unproved, blocked, or without a yes."""

from __future__ import annotations

from copy import deepcopy

import msgspec
import pytest

from sfcert.errors import InputError, RefusedError
from sfcert.model.proof import Proof
from tests import make
from tests.fakes import FakeArm
from tests.workflows.three_stages import (
    CERTIFICATE_URL,
    CLUSTER_DEPLOYMENT,
    Json,
    World,
    declare_by_name,
    freeze_stage,
    gate,
    new_world,
    plan_of,
)


def test_a_deployment_that_somebody_undid_is_stale_not_done(world: World) -> None:
    before = deepcopy(world.arm.resources[make.CLUSTER_ID])
    world.apply()
    world.arm.resources[make.CLUSTER_ID] = before
    with pytest.raises(RefusedError, match="again as it was"):
        world.apply()


def test_stale_names_the_place_that_moved_and_sends_nothing(world: World) -> None:
    world.arm.resources[make.CLUSTER_ID]["tags"] = {"cost": "42"}
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert (caught.value.token, caught.value.exit_code) == ("PlanStale", 4)
    assert any("tags" in line for line in caught.value.evidence)
    assert world.arm.sent == []


def test_a_foreign_change_after_the_write_stops_the_run(world: World) -> None:
    def write_more(arm: FakeArm) -> None:
        declare_by_name(arm)
        arm.resources[make.CLUSTER_ID]["properties"]["reliabilityLevel"] = "Gold"

    world.arm.effects[CLUSTER_DEPLOYMENT] = write_more
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert caught.value.token == "ForeignChange"
    assert any("reliabilityLevel" in line for line in caught.value.evidence)


def test_a_newer_version_in_the_vault_makes_the_plan_stale_before_renewal_is_frozen() -> None:
    world = new_world()
    newest = gate("newest-version-is", CERTIFICATE_URL, thumbprint="0" * 40)
    world.plan = plan_of(msgspec.structs.replace(freeze_stage(), gates_out=(newest,)))
    with pytest.raises(RefusedError, match="Nothing was sent for it") as caught:
        world.apply()
    assert (caught.value.token, caught.value.exit_code) == ("PlanStale", 4)
    assert world.sent == []


def test_nothing_is_sent_without_a_yes(world: World) -> None:
    with pytest.raises(RefusedError) as caught:
        world.apply(confirm=lambda question: False)
    assert (caught.value.token, caught.value.exit_code) == ("ApprovalMissing", 6)
    assert world.sent == []


def test_a_point_of_no_return_is_asked_for_by_itself(world: World) -> None:
    with pytest.raises(RefusedError, match="point of no return"):
        world.apply(confirm=lambda question: question.kind == "run")
    assert world.arm.sent == []
    assert world.vaults.sent == ["tags", "policy"]


def test_another_sfcert_deployment_running_on_the_cluster_refuses_the_run(world: World) -> None:
    world.arm.records["sfcert-other"] = {"name": "sfcert-other", "properties": {"provisioningState": "Running"}}
    world.arm.looks_needed = 100
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert caught.value.token == "AnotherRunActive"
    assert world.sent == []


def test_another_owners_freeze_refuses_the_run(world: World) -> None:
    world.vaults.vaults[make.VAULT_URL][make.CERTIFICATE_NAME]["tags"] = {"sfcert-frozen-by": "somebody"}
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert caught.value.token == "AnotherRunActive"


def test_a_policy_that_moved_since_is_stale_and_not_overwritten(world: World) -> None:
    moved = [{"trigger": {"days_before_expiry": 9}, "action": {"action_type": "AutoRenew"}}]
    world.vaults.vaults[make.VAULT_URL][make.CERTIFICATE_NAME]["policy"]["lifetime_actions"] = moved
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert caught.value.token == "PlanStale"
    assert world.vaults.sent == []


@pytest.mark.parametrize(
    ("changes", "token"),
    [({"appliable": False}, "PlanNotAppliable"), ({"status": "blocked"}, "PlanBlocked")],
    ids=["made from a template", "blocked"],
)
def test_such_a_plan_is_refused_before_any_call(world: World, changes: Json, token: str) -> None:
    world.plan = plan_of(*world.plan.stages, **changes)
    with pytest.raises((InputError, RefusedError)) as caught:
        world.apply()
    assert caught.value.token == token
    assert world.arm.read == []


def test_an_unproved_plan_is_refused(world: World) -> None:
    unknown = Proof(verdict="unknown", states=0, pairs=0, assumptions=(), counterexample=None)
    world.plan = plan_of(*world.plan.stages, proof=unknown)
    with pytest.raises(RefusedError, match="unknown"):
        world.apply()


def test_an_unknown_stage_is_named_with_those_that_exist(world: World) -> None:
    with pytest.raises(InputError, match="10-freeze, 60-declare"):
        world.apply(until="61-typo")
