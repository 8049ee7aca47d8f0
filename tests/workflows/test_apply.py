"""A plan that is carried out against fakes: killed everywhere, resumed, paused, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from sfcert.model.plan import InstanceUpgrade, Stage
from tests import make
from tests.fakes import refusal
from tests.workflows.three_stages import (
    CERTIFICATE_URL,
    CLUSTER_DEPLOYMENT,
    SAFE,
    WRITES,
    Json,
    Killed,
    World,
    expectation,
    gate,
    new_world,
    plan_of,
)


def test_every_stage_is_sent_once_and_seen_to_hold(world: World) -> None:
    outcome = world.apply()
    assert outcome.complete
    assert [one.how for one in outcome.stages] == ["sent", "sent", "sent"]
    assert world.sent == WRITES
    assert world.vaults.vaults[make.VAULT_URL][make.CERTIFICATE_NAME]["tags"] == {}
    assert outcome.stop.frozen == ()


def test_a_second_run_sends_nothing(world: World) -> None:
    world.apply()
    again = world.apply()
    assert [one.how for one in again.stages] == ["done-before", "attached", "already-done"]
    assert world.sent == WRITES


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect, before the record"])
@pytest.mark.parametrize("boundary", range(5))
def test_killed_at_any_boundary_and_run_again_sends_the_same_as_an_unbroken_run(boundary: int, after: bool) -> None:
    world = new_world()
    count = 0

    def steps(key: str, effect: Callable[[], Any]) -> Any:
        nonlocal count
        count += 1
        if count == boundary + 1 and not after:
            raise Killed(key)
        result = effect()
        if count == boundary + 1:
            raise Killed(key)
        return result

    with pytest.raises(Killed):
        world.apply(steps=steps)
    assert world.apply().complete
    assert sorted(world.sent) == sorted(WRITES)
    assert make.COMMON_NAME in str(world.arm.resources[make.CLUSTER_ID]["properties"])


@pytest.mark.parametrize("moment", range(12))
def test_killed_while_waiting_and_run_again_sends_nothing_twice(moment: int) -> None:
    world = new_world()
    naps = 0

    def die() -> None:
        nonlocal naps
        naps += 1
        if naps == moment + 1:
            raise Killed

    world.clock.on_sleep = die
    try:
        world.apply()
    except Killed:
        world.clock.on_sleep = None
        assert world.apply().complete
    assert sorted(world.sent) == sorted(WRITES)


def test_a_lost_answer_is_looked_for_before_anything_is_sent_again(world: World) -> None:
    world.arm.send_failures = [(refusal(502, transient=True), True)]
    assert world.apply().complete
    assert world.arm.sent == [CLUSTER_DEPLOYMENT]
    assert world.told("retry")


def test_a_send_that_never_arrived_is_sent_again(world: World) -> None:
    world.arm.send_failures = [(refusal(502, transient=True), False)]
    outcome = world.apply()
    assert world.arm.sent == [CLUSTER_DEPLOYMENT]
    applied = outcome.stages[1].applied
    assert applied is not None
    assert len(applied.retries) == 1


def test_capacity_may_move_without_making_the_plan_stale() -> None:
    world = new_world()
    body = world.arm.resources[make.scale_set_id()]
    stage = msgspec.structs.replace(
        world.plan.stages[1],
        id="70-extension",
        resource=make.scale_set_id(),
        expects=(expectation(world.document, make.scale_set_id()),),
        changes=(),
        gates_out=(),
    )
    world.plan = plan_of(stage)
    body["sku"]["capacity"] = 9
    world.arm.effects.clear()
    assert world.apply().complete


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("was_done", [True, False], ids=["it was done", "it was not done"])
def test_a_vault_write_whose_answer_was_lost_is_looked_for_before_it_is_repeated(
    world: World, number: int, was_done: bool
) -> None:
    lost = (refusal(500, transient=True), was_done)
    straight = world.vaults._write
    count = iter(range(100))

    def write(what: str, do: Callable[[], None]) -> None:
        if next(count) == number:
            world.vaults.send_failures = [lost]
        straight(what, do)

    world.vaults._write = write  # type: ignore[method-assign]  # one write of the four is struck
    assert world.apply().complete
    assert world.sent == WRITES
    assert world.told("retry")


@pytest.mark.parametrize("looks", [2, 3])
def test_an_echo_of_the_policy_before_the_freeze_is_not_taken_for_somebody_else_s_work(
    world: World, looks: int
) -> None:
    """Reads lag behind a write for a few looks: what the plan relies on has not moved for that."""
    straight, stale = world.vaults.fetch_certificate, deepcopy(world.vaults.vaults)
    left = [looks]

    def fetch(vault_url: str, name: str) -> Json:
        if world.vaults.sent == ["tags", "policy"] and left[0]:
            left[0] -= 1
            return deepcopy(stale[vault_url][name])
        return straight(vault_url, name)

    world.vaults.fetch_certificate = fetch  # type: ignore[method-assign]  # a vault whose replicas lag
    assert world.apply().complete
    assert world.sent == WRITES
    assert left == [0]


def test_ctrl_c_passes_and_says_what_is_frozen_until_when_and_how_to_go_on(world: World) -> None:
    def interrupt() -> None:
        if world.arm.sent:
            raise KeyboardInterrupt

    world.clock.on_sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.apply(plan_name="plan.json")
    (stopped,) = world.told("run-stopped")
    assert stopped.data["frozen"] == [CERTIFICATE_URL]
    assert stopped.data["safe_until_utc"] == SAFE
    assert stopped.data["go_on"] == "sfcert apply plan.json"


def test_until_pauses_after_that_stage(world: World) -> None:
    outcome = world.apply(until="10-freeze")
    assert not outcome.complete
    assert world.arm.sent == []
    assert outcome.stop.next_stage == "60-declare"
    assert CERTIFICATE_URL in outcome.stop.text


def test_until_a_stage_that_an_earlier_run_went_past_begins_nothing(world: World) -> None:
    world.apply(until="60-declare")
    sent, events = list(world.arm.sent), len(world.events)
    outcome = world.apply(until="10-freeze")
    assert not outcome.complete
    assert world.arm.sent == sent
    assert "stage-started" not in {event.type for event in world.events[events:]}
    assert outcome.stop.next_stage == "60-declare"
    paused = [event.data["is_past"] for event in world.told("run-paused")]
    assert paused == [False, True]


def test_instances_move_batch_by_batch_and_only_those_that_are_behind() -> None:
    world = new_world()
    scale_set = make.scale_set_id()
    world.arm.resources[scale_set]["properties"]["upgradePolicy"]["mode"] = "Manual"
    for one in world.arm.instances[scale_set]:
        one["properties"]["latestModelApplied"] = one["instanceId"] == "0"
    stage = Stage(
        id="45-instances",
        action="Instances move.",
        reason="Manual mode.",
        kind="instances",
        scope=make.GROUP_SCOPE,
        resource=scale_set,
        instances=InstanceUpgrade(
            scale_set_id=scale_set, api_version="2024-11-01", batches=(("0", "1"), ("2", "3"), ("4",))
        ),
        gates_out=(gate("instances-current", scale_set),),
    )
    world.plan = plan_of(stage)
    assert world.apply().complete
    assert world.arm.sent == ["manualupgrade 1", "manualupgrade 2,3", "manualupgrade 4"]
    assert world.apply().stages[0].how == "already-done"
