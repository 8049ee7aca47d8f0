"""Every variant of the design, one file each: world, edits and inputs in, stages, status and reasons out.

The folder `cases` is the list.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from sfcert.arm import get_at
from sfcert.model.plan import Plan
from sfcert.planning.inputs import Inputs
from sfcert.planning.situation import owner_of
from tests import make
from tests.planning.worlds import edited, leaf, plan_of, world_of

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def planned(case: dict[str, Any]) -> Plan:
    document = edited(make.document(world_of(case.get("world") or {})), case.get("edits") or [])
    inputs = msgspec.convert(case.get("inputs") or {}, Inputs)
    return plan_of(make.from_document(document), inputs)


def filled(text: str) -> str:
    """The thumbprints and the owner that a case cannot know beforehand."""
    case = yaml.safe_load(text)
    if "$OLD_WHOLE" in text:
        text = text.replace("$OLD_WHOLE", leaf(case["world"]["current"]).thumbprint)
    text = text.replace("$RECOVERER", owner_of(make.CLUSTER_ID, "recover-expired"))
    for word, knob in (("$OLD", "current"), ("$NEW", "goal")):
        if word in text:
            text = text.replace(word, leaf(case["world"][knob]).thumbprint[:8])
    if "$GOAL" in text:
        text = text.replace("$GOAL", leaf(case["world"]["goal"]).thumbprint)
    if "$APP" in text:
        text = text.replace(
            "$APP", json.dumps([make.version(make.leaf("app", common_name="app.example.com"), name="app")])
        )
    for name in ("alice", "bob", "carol"):
        if f"$TP_{name}" in text:
            text = text.replace(f"$TP_{name}", client(text, name))
    if "$RIVAL" in text or "$CA_" in text:
        # the same name from another authority, as it lies in the vault under a name of its own
        rival = make.leaf("rival", ca="Example Issuing CA B", not_before=make.NOW - timedelta(days=1))
        text = text.replace("$RIVAL_SHORT", rival.thumbprint[:8])
        text = text.replace("$RIVAL", json.dumps([make.version(rival, name="shop-b")]))
        for letter in "AB":
            text = text.replace(f"$CA_{letter}", make.authority(f"Example Issuing CA {letter}").thumbprint)
    text = text.replace("$LEFT", owner_of(make.CLUSTER_ID, "left frozen"))
    return text.replace("$OWNER", owner_of(make.CLUSTER_ID, Inputs().playbook))


def client(text: str, label: str) -> str:
    """The thumbprint of the client with this label, as the case describes its certificate."""
    found = (edit["client"] for edit in yaml.safe_load(text)["edits"] if "client" in edit)
    return leaf(next(one for one in found if one["label"] == label)).thumbprint


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = yaml.safe_load(filled(path.read_text("utf-8")))
    plan, expect = planned(case), case["expect"]
    assert (plan.status, plan.blocked_by) == (expect["status"], plan.blocked_by)
    if "stages" in expect:
        assert [stage.id for stage in plan.stages] == expect["stages"]
    if "proof" in expect:
        assert plan.proof.verdict == expect["proof"]
    if "orders" in expect:
        assert plan.proof.orders == expect["orders"]
    told = "\n".join(plan.blocked_by)
    for words in expect.get("blocked_by", []):
        assert words in told
    if expect["status"] != "blocked":
        assert not plan.blocked_by
    for stage_id, places in (expect.get("sends") or {}).items():
        resource = sent_resource(plan, stage_id)
        for place, value in places.items():
            assert get_at(resource, place) == value, f"{stage_id}: {place}"
    for stage_id, fields in (expect.get("stage") or {}).items():
        stage = plan.stage(stage_id)
        assert stage is not None
        plain = msgspec.json.decode(msgspec.json.encode(stage))
        for place, value in fields.items():
            assert get_at(plain, place) == value, f"{stage_id}: {place}"
    for text in expect.get("manual_steps", []):
        assert any(text in step for step in plan.manual_steps)
    for text in expect.get("dependants", []):
        assert any(text in one for one in plan.dependants)


def sent_resource(plan: Plan, stage_id: str) -> dict[str, Any]:
    """The one resource inside a stage's nested deployment."""
    stage = plan.stage(stage_id)
    assert stage is not None, f"no stage {stage_id}"
    assert stage.deployment is not None
    outer = stage.deployment.template["resources"][0]
    inner: dict[str, Any] = outer["properties"]["template"]["resources"][0]
    return inner
