"""Apply against fakes: killed everywhere, resumed, nothing sent twice; stale, failed, interrupted, refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from sfcert.errors import ConvergenceError, InputError, RefusedError, RemoteError
from sfcert.model.codec import sealed, sha256_of
from sfcert.model.plan import (
    Deadline,
    Deployment,
    Expectation,
    Gate,
    InstanceUpgrade,
    Plan,
    PropertyChange,
    Stage,
    VaultOperation,
)
from sfcert.model.progress import Event
from sfcert.model.proof import Proof
from sfcert.planning.expectations import compared_body
from sfcert.ports import Ports
from sfcert.workflows.apply import Outcome, apply
from tests import make
from tests.fakes import FakeArm, FakeClock, FakeVaults, refusal

Json = dict[str, Any]
CERTIFICATE_URL = f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"
AUTO = make.policy(action="AutoRenew")["lifetime_actions"]
MAIL = make.policy(action="EmailContacts")["lifetime_actions"]
CLUSTER_DEPLOYMENT, SCALE_SET_DEPLOYMENT = "sfcert-60-abc", "sfcert-70-abc"
SAFE = datetime(2027, 3, 1, tzinfo=UTC)
OWNER = "owner-1"


class Killed(BaseException):
    """The process died here."""


def gate(kind: str, subject: str, **expects: Any) -> Gate:
    return Gate(id=kind, kind=kind, level="arm", subject=subject, expects=expects, says=kind)


def expectation(document: Json, resource_id: str) -> Expectation:
    raw = document["resources"][resource_id]
    found = Expectation(resource=resource_id, api_version=raw["api_version"], paths_sha256="", without=("sku",))
    return msgspec.structs.replace(found, paths_sha256=sha256_of(compared_body(found, raw["body"])))


def freeze_stage() -> Stage:
    return Stage(
        id="10-freeze",
        action="Renewal stops.",
        reason="A version in between is the classic killer.",
        kind="vault",
        scope=make.GROUP_SCOPE,
        resource=make.VAULT_ID,
        vault=VaultOperation(
            vault_url=make.VAULT_URL,
            certificate=make.CERTIFICATE_NAME,
            expects={"lifetime_actions": AUTO},
            sets={"lifetime_actions": MAIL},
            expects_tags={"sfcert-frozen-by": None},
            sets_tags={"sfcert-frozen-by": OWNER, "sfcert-frozen-lifetime-actions": "[…]"},
        ),
        gates_out=(gate("renewal-frozen", CERTIFICATE_URL), gate("time-passed", CERTIFICATE_URL, seconds=60)),
        safe_to_stop_until_utc=SAFE,
    )


def cluster_stage(document: Json) -> Stage:
    return Stage(
        id="60-declare",
        action="The cluster is declared by name.",
        reason="That is the goal.",
        kind="deployment",
        scope=make.GROUP_SCOPE,
        resource=make.CLUSTER_ID,
        owned_paths=("properties.certificate", "properties.certificateCommonNames"),
        changes=(
            PropertyChange(path="properties.certificateCommonNames", kind="Create", before=None, after=BY_NAME),
            PropertyChange(path="properties.certificate", kind="Delete", before={}, after=None),
        ),
        deployment=Deployment(
            name=CLUSTER_DEPLOYMENT,
            mode="Incremental",
            template={
                "resources": [
                    {
                        "type": "Microsoft.ServiceFabric/clusters",
                        "name": "shop",
                        **{k: v for k, v in document["resources"][make.CLUSTER_ID]["body"].items() if k != "id"},
                    }
                ]
            },
            parameters={},
        ),
        expects=(expectation(document, make.CLUSTER_ID),),
        gates_in=(gate("cluster-at-rest", make.CLUSTER_ID),),
        gates_out=(
            gate("cluster-at-rest", make.CLUSTER_ID),
            gate("cluster-declares", make.CLUSTER_ID, common_names=[make.COMMON_NAME], issuers=[PIN]),
        ),
        deadline=Deadline(seconds=3600, computed_from="a test"),
        is_point_of_no_return=True,
        safe_to_stop_until_utc=SAFE,
    )


PIN = make.leaf().chain[0].thumbprint
BY_NAME = {
    "commonNames": [{"certificateCommonName": make.COMMON_NAME, "certificateIssuerThumbprint": PIN}],
    "x509StoreName": "My",
}


def resume_stage() -> Stage:
    return Stage(
        id="90-resume",
        action="Renewal resumes.",
        reason="All is declared by name.",
        kind="vault",
        scope=make.GROUP_SCOPE,
        resource=make.VAULT_ID,
        vault=VaultOperation(
            vault_url=make.VAULT_URL,
            certificate=make.CERTIFICATE_NAME,
            expects={"lifetime_actions": MAIL},
            sets={"lifetime_actions": AUTO},
            expects_tags={"sfcert-frozen-by": OWNER},
            sets_tags={"sfcert-frozen-by": None, "sfcert-frozen-lifetime-actions": None},
        ),
        gates_out=(gate("renewal-as", CERTIFICATE_URL, lifetime_actions=AUTO),),
    )


@dataclass
class World:
    """One fake Azure with a plan made for it."""

    document: Json
    clock: FakeClock
    arm: FakeArm
    vaults: FakeVaults
    plan: Plan
    events: list[Event] = field(default_factory=list)

    @property
    def sent(self) -> list[str]:
        return [*self.vaults.sent, *self.arm.sent]

    def apply(self, **options: Any) -> Outcome:
        ports = Ports(arm=self.arm, vaults=self.vaults, nodes=None, clock=self.clock)
        options.setdefault("confirm", lambda question: True)
        return apply(self.plan, ports, emit=self.events.append, **options)

    def told(self, kind: str) -> list[Event]:
        return [one for one in self.events if one.type == kind]


def declare_by_name(arm: FakeArm) -> None:
    properties = arm.resources[make.CLUSTER_ID]["properties"]
    properties.pop("certificate", None)
    properties["certificateCommonNames"] = deepcopy(BY_NAME)


def plan_of(*stages: Stage, **changes: Any) -> Plan:
    proof = Proof(verdict="proved", states=1, pairs=1, assumptions=(), counterexample=None)
    values: Json = {
        "playbook": "thumbprint-to-common-name",
        "inputs": {},
        "accepted": (),
        "cluster_id": make.CLUSTER_ID,
        "created_at_utc": make.NOW,
        "status": "ready",
        "appliable": True,
        "stages": stages,
        "findings": (),
        "proof": proof,
        "tool_version": "test",
    }
    return sealed(Plan(**{**values, **changes}))


@pytest.fixture
def world() -> World:
    return new_world()


def new_world() -> World:
    document = make.document(make.world(policy=make.policy(action="AutoRenew")))
    clock = FakeClock(make.NOW)
    arm = FakeArm(document, clock)
    arm.effects[CLUSTER_DEPLOYMENT] = declare_by_name
    plan = plan_of(freeze_stage(), cluster_stage(document), resume_stage())
    return World(document, clock, arm, FakeVaults(document), plan)


WRITES = ["tags", "policy", "policy", "tags", CLUSTER_DEPLOYMENT]


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


def test_a_deployment_that_somebody_undid_is_stale_not_done(world: World) -> None:
    before = deepcopy(world.arm.resources[make.CLUSTER_ID])
    world.apply()
    world.arm.resources[make.CLUSTER_ID] = before
    with pytest.raises(RefusedError, match="again as it was"):
        world.apply()


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


def test_stale_names_the_place_that_moved_and_sends_nothing(world: World) -> None:
    world.arm.resources[make.CLUSTER_ID]["tags"] = {"cost": "42"}
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert (caught.value.token, caught.value.exit_code) == ("PlanStale", 4)
    assert any("tags" in line for line in caught.value.evidence)
    assert world.arm.sent == []


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


def test_a_vault_write_that_fails_for_ever_ends_with_its_own_failure(world: World) -> None:
    world.vaults.send_failures = [(refusal(500, transient=True), False)] * 100
    with pytest.raises(RemoteError) as caught:
        world.apply()
    assert caught.value.status == 500
    assert world.sent == []


def test_a_foreign_change_after_the_write_stops_the_run(world: World) -> None:
    def write_more(arm: FakeArm) -> None:
        declare_by_name(arm)
        arm.resources[make.CLUSTER_ID]["properties"]["reliabilityLevel"] = "Gold"

    world.arm.effects[CLUSTER_DEPLOYMENT] = write_more
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert caught.value.token == "ForeignChange"
    assert any("reliabilityLevel" in line for line in caught.value.evidence)


def test_a_newer_version_in_the_vault_makes_the_plan_stale() -> None:
    world = new_world()
    newest = gate("newest-version-is", CERTIFICATE_URL, thumbprint="0" * 40)
    world.plan = plan_of(msgspec.structs.replace(freeze_stage(), gates_out=(newest,)))
    with pytest.raises(RefusedError) as caught:
        world.apply()
    assert (caught.value.token, caught.value.exit_code) == ("PlanStale", 4)


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
