"""What the freeze takes away and the resume gives back: the same actions under the same marks, or a reason why not."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from sfcert.model.frozen import ACTIONS_TAG, LONGEST_TAG, OWNER_TAG
from sfcert.model.plan import Gate, Plan, Stage
from sfcert.planning.inputs import Inputs
from tests import make
from tests.planning.worlds import plan_of

Json = dict[str, Any]
AUTO = make.policy(action="AutoRenew", issuer="ExampleCA")
ACTIONS: list[Json] = AUTO["lifetime_actions"]
MAILS: list[Json] = make.policy()["lifetime_actions"]
COMPACT = json.dumps(ACTIONS, separators=(",", ":"), sort_keys=True)


def planned(accepted: tuple[str, ...] = (), **changes: Any) -> Plan:
    return plan_of(make.bundle(**({"policy": AUTO} | changes)), Inputs(accepted=accepted))


def stages(plan: Plan) -> tuple[Stage, Stage]:
    found = [one for one in plan.stages if one.vault is not None]
    assert len(found) == 2, plan.blocked_by
    return found[0], found[1]


def gate(stage: Stage, kind: str) -> Gate:
    return next(one for one in (*stage.gates_in, *stage.gates_out) if one.kind == kind)


def test_what_the_freeze_writes_is_what_the_resume_expects_and_the_other_way_round() -> None:
    freeze, resume = (one.vault for one in stages(planned()))
    assert freeze is not None
    assert resume is not None
    assert freeze.expects == resume.sets == {"lifetime_actions": ACTIONS}
    assert freeze.sets == resume.expects == {"lifetime_actions": MAILS}
    assert resume.expects_tags == freeze.sets_tags
    assert freeze.sets_tags[ACTIONS_TAG] == COMPACT
    assert freeze.expects_tags == {OWNER_TAG: None}
    assert resume.sets_tags == {OWNER_TAG: None, ACTIONS_TAG: None}
    assert (freeze.vault_url, freeze.certificate) == (make.VAULT_URL, make.CERTIFICATE_NAME)


def test_the_freeze_holds_the_version_that_the_plan_was_made_for_for_as_long_as_it_has_to_live() -> None:
    freeze, resume = stages(planned())
    newest = make.leaf().thumbprint
    assert gate(freeze, "newest-version-is").expects["thumbprint"] == newest
    assert gate(resume, "newest-version-is").expects["thumbprint"] == newest
    life = gate(freeze, "remaining-life-at-least").expects
    assert life["thumbprint"] == newest
    # renewal is due at three quarters of 180 days: that lead is left when all is done
    mails = gate(stages(planned(policy=AUTO | {"lifetime_actions": _days(1)}))[0], "remaining-life-at-least").expects
    lead = timedelta(days=45) - timedelta(days=1)
    assert _instant(life["until_utc"]) - _instant(mails["until_utc"]) == lead
    assert freeze.undo["lifetime_actions"] == ACTIONS


def _days(number: int) -> list[Json]:
    return [{"trigger": {"days_before_expiry": number}, "action": {"action_type": "AutoRenew"}}]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("over", [0, 1], ids=["just fits", "one too long"])
def test_actions_that_fit_no_tag_are_kept_in_the_plan_alone(over: int) -> None:
    padding = LONGEST_TAG - len(COMPACT) + over
    # an action of the vault's may hold more than is known here
    actions = [ACTIONS[0] | {"z": "x" * (padding - len(',"z":""'))}]
    assert len(json.dumps(actions, separators=(",", ":"), sort_keys=True)) == LONGEST_TAG + over
    freeze, resume = (one.vault for one in stages(planned(policy=AUTO | {"lifetime_actions": actions})))
    assert freeze is not None
    assert resume is not None
    assert (ACTIONS_TAG in freeze.sets_tags) is (over == 0)
    assert resume.expects_tags == freeze.sets_tags
    assert resume.sets == {"lifetime_actions": actions}


@pytest.mark.parametrize("name", ["frozen-by-another-run", "sfcert-somebody"])
def test_the_freeze_of_another_run_is_left_alone(name: str) -> None:
    plan = planned(tags={OWNER_TAG: name})
    assert plan.status == "blocked"
    assert any(name in one and "another run" in one for one in plan.blocked_by)


def test_ones_own_freeze_that_somebody_ended_halfway_is_gone_on_with() -> None:
    """The policy renews again, and the tag still stands: the stage takes it for its own and expects it."""
    first = stages(planned())[0].vault
    assert first is not None
    owner = first.sets_tags[OWNER_TAG]
    again = stages(planned(tags={OWNER_TAG: owner}))[0].vault
    assert again is not None
    assert again.expects_tags == {OWNER_TAG: owner}
    assert again.sets_tags == first.sets_tags


def mixed(**more: Any) -> Json:
    """The two newest versions came from two authorities, so that the next may come from either."""
    new = make.leaf("new", not_before=make.NOW - timedelta(days=20))
    old = make.leaf("old", ca="Example Issuing CA B", not_before=make.NOW - timedelta(days=90))
    return {"current": new, "versions": (new, old), **more}


@pytest.mark.parametrize(
    ("accepted", "gives_back", "blocked"),
    [
        ((), False, True),
        (("issuer-next-time",), True, False),
        (("ends-frozen",), False, False),
        (("ends-frozen", "issuer-next-time"), True, False),
    ],
)
def test_a_plan_ends_frozen_only_where_that_is_accepted_and_the_next_issuer_is_not(
    accepted: tuple[str, ...], gives_back: bool, blocked: bool
) -> None:
    plan = planned(accepted, **mixed())
    assert (plan.status == "blocked") is blocked
    if blocked:
        return
    vaults = [one for one in plan.stages if one.vault is not None]
    assert len(vaults) == 1 + gives_back
    first, ordinary = vaults[0].vault, stages(planned())[0].vault
    assert first is not None
    assert ordinary is not None
    # a freeze that is left on purpose carries the mark that any later plan may end
    assert (first.sets_tags[OWNER_TAG] == ordinary.sets_tags[OWNER_TAG]) is gives_back
    assert any("stays frozen" in one for one in plan.manual_steps) is not gives_back


def test_a_frozen_certificate_is_safe_until_the_end_of_its_last_enabled_version() -> None:
    document = make.document(make.world(policy=AUTO, **mixed()))
    versions = document["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["versions"]
    longer = make.leaf(
        "disabled",
        ca="Example Issuing CA B",
        not_before=make.NOW - timedelta(days=95),
        not_after=make.NOW + timedelta(days=400),
    )
    versions.append(make.version(longer, enabled=False))
    plan = plan_of(make.from_document(document), Inputs(accepted=("ends-frozen",)))
    said = next(one for one in plan.manual_steps if "stays frozen" in one)
    assert f"{make.leaf().facts.not_after_utc:%Y-%m-%d}" in said


def test_an_older_version_of_another_issuer_is_history() -> None:
    new, mid = (make.leaf(one, not_before=make.NOW - timedelta(days=at)) for one, at in (("new", 20), ("mid", 50)))
    old = make.leaf("old", ca="Example Issuing CA B", not_before=make.NOW - timedelta(days=90))
    assert len(stages(planned(current=new, versions=(new, mid, old)))) == 2
