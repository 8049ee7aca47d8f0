"""How near is the end, and what was set before: what the stages of a recovery are decided by."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from sfcert.arm import get_at, remove_at, set_at
from sfcert.model.observation import Observation
from sfcert.planning.expired_setting import PARAMETER, SECTION, as_it_was, expired_counts, is_set_by
from sfcert.planning.recovery import recovery_of
from sfcert.planning.step import Edit
from sfcert.sources.observe import observe
from tests import make

Json = dict[str, Any]


def certificate(days_left: float, *, label: str = "s", self_signed: bool = True) -> make.Issued:
    dates = {"not_before": make.NOW - timedelta(days=90), "not_after": make.NOW + timedelta(days=days_left)}
    return make.certificate(key_label=f"leaf-{label}", **dates) if self_signed else make.leaf(label, **dates)


def seen(document: Json) -> Observation:
    return observe(make.from_document(document))


@pytest.mark.parametrize(
    ("days_left", "second", "phase"),
    [(100, None, "lives"), (13, None, "ends-soon"), (-1, None, "ended"), (-1, 100, "lives"), (-1, 5, "ends-soon")],
)
def test_the_last_of_what_is_declared_decides(days_left: float, second: float | None, phase: str) -> None:
    other = None if second is None else certificate(second, label="t")
    world = make.world(current=certificate(days_left), secondary=other, goal=other)
    assert recovery_of(seen(make.document(world)), "me").phase == phase


def test_a_date_that_is_not_known_is_no_reason_to_do_anything() -> None:
    document = make.document(make.world(current=certificate(-1)))
    body = document["resources"][make.CLUSTER_ID]["body"]["properties"]
    body["certificate"]["thumbprintSecondary"] = "A" * 40
    assert recovery_of(seen(document), "me").phase == "unknown"


def test_by_name_a_valid_version_counts_as_late_only_where_none_was_valid_before_it() -> None:
    old = certificate(-2, label="a", self_signed=False)
    late = make.leaf("late", not_before=make.NOW - timedelta(days=1))
    in_time = make.leaf("in-time", not_before=make.NOW - timedelta(days=10))
    for version, phase in ((late, "ended"), (in_time, "lives")):
        world = make.common_name_world(
            current=old, goal=version, versions=(version, old), state="UpgradeServiceUnreachable"
        )
        assert recovery_of(seen(make.document(world)), "me").phase == phase


# -- the setting -------------------------------------------------------------------------------------------------------

OTHER = {"name": "Setup", "parameters": [{"name": "SkipFirewallConfiguration", "value": "true"}]}
BESIDE = {"name": "ClusterCredentialType", "value": "X509"}
STARTS: dict[str, Any] = {
    "no settings": None,
    "an empty list": [],
    "another section": [OTHER],
    "the section without it": [OTHER, {"name": "Security", "parameters": [BESIDE]}],
    "the section without parameters": [{"name": "Security"}],
    "another spelling, false": [
        {"name": "security", "parameters": [BESIDE, {"name": PARAMETER.upper(), "value": "False"}]}
    ],
}


def cluster_with(settings: Any, tags: Json | None) -> Json:
    document = make.document(make.world())
    body = document["resources"][make.CLUSTER_ID]["body"]
    body["properties"].pop("fabricSettings", None)
    body.pop("tags", None)
    if settings is not None:
        body["properties"]["fabricSettings"] = copy.deepcopy(settings)
    if tags is not None:
        body["tags"] = dict(tags)
    return document


def edited(document: Json, edits: tuple[Edit, ...]) -> Json:
    document = copy.deepcopy(document)
    raw = document["resources"][make.CLUSTER_ID]
    for edit in edits:
        raw["body"] = (
            set_at(raw["body"], edit.path, edit.value) if edit.kind == "set" else remove_at(raw["body"], edit.path)
        )
    return document


def set_in(document: Json) -> tuple[Edit, ...]:
    found = expired_counts(seen(document), "me")
    assert found is not None
    return found[0]


@pytest.mark.parametrize("tags", [None, {}, {"team": "payments"}], ids=["no tags", "empty tags", "tags"])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("by_this_plan", [True, False], ids=["this plan", "a later one"])
def test_the_setting_goes_in_and_out_and_leaves_no_trace(start: str, tags: Json | None, by_this_plan: bool) -> None:
    before = cluster_with(STARTS[start], tags)
    edits = set_in(before)
    there = edited(before, edits)
    assert is_set_by(seen(there).cluster.settings)
    assert recovery_of(seen(there), "me").is_ours
    assert not recovery_of(seen(there), "you").is_ours

    found = as_it_was(seen(before if by_this_plan else there), by_this_plan=by_this_plan)

    assert found is not None
    after = edited(there, found[0])["resources"][make.CLUSTER_ID]["body"]
    was = before["resources"][make.CLUSTER_ID]["body"]
    assert (after.get("tags") or {}) == (was.get("tags") or {})
    assert after["properties"] == was["properties"] or start == "the section without parameters"
    assert not is_set_by(seen(edited(there, found[0])).cluster.settings)


def test_what_somebody_has_put_beside_it_meanwhile_stays() -> None:
    before = cluster_with(None, None)
    edits = set_in(before)
    there = edited(before, edits)
    body = there["resources"][make.CLUSTER_ID]["body"]
    body["properties"]["fabricSettings"][0]["parameters"].append(BESIDE)
    found = as_it_was(seen(there), by_this_plan=False)
    assert found is not None
    after = edited(there, found[0])["resources"][make.CLUSTER_ID]["body"]
    assert get_at(after, "properties.fabricSettings") == [{"name": SECTION, "parameters": [BESIDE]}]


def test_without_the_tag_that_tells_how_it_was_nothing_is_made_up() -> None:
    document = cluster_with([{"name": SECTION, "parameters": [{"name": PARAMETER, "value": "true"}]}], {})
    assert as_it_was(seen(document), by_this_plan=False) is None


@pytest.mark.parametrize("place", ["settings", "tags"])
def test_what_is_an_expression_is_not_edited(place: str) -> None:
    document = cluster_with([], {})
    body = document["resources"][make.CLUSTER_ID]["body"]
    if place == "tags":
        body["tags"] = "[parameters('tags')]"
    else:
        body["properties"]["fabricSettings"] = "[parameters('settings')]"
    assert expired_counts(seen(document), "me") is None
    assert recovery_of(seen(document), "me").is_ours is False
