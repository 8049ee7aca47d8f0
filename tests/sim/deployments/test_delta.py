"""Laws of the what-if's comparison."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfcert.sim.deployments.delta import overlay, property_changes

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "1", "true"])
# Names that differ in case alone are one name to Resource Manager, so the samples hold each only once.
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "z"]), inner, max_size=3),
    max_leaves=8,
)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return repr(_ordered(left)) == repr(_ordered(right))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(one) for one in value] if isinstance(value, list) else value


@given(value=VALUES)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert property_changes(value, copy.deepcopy(value)) == []


@given(before=VALUES, after=VALUES)
def test_changes_are_told_exactly_when_there_are_any(before: Any, after: Any) -> None:
    assert (property_changes(before, after) == []) == same(before, after)


@given(before=VALUES, after=VALUES)
def test_the_changes_lead_from_one_to_the_other(before: Any, after: Any) -> None:
    assert same(_in_order(before, property_changes(before, after)), after)


def _in_order(before: Any, changes: list[dict[str, Any]]) -> Any:
    """Apply with list removals from the end and list additions from the start, as their indexes are meant."""
    removals = [change for change in changes if change["propertyChangeType"] == "Delete"]
    others = [change for change in changes if change["propertyChangeType"] != "Delete"]
    value = before
    for change in [*others, *reversed(removals)]:
        value = _one(value, change)
    return value


def _one(value: Any, change: dict[str, Any]) -> Any:
    steps = change["path"].split(".") if change["path"] else []
    if not steps:
        return _in_order(value, change["children"]) if change["children"] is not None else change["after"]
    made = copy.copy(value)
    step: Any = int(steps[0]) if isinstance(made, list) else steps[0]
    rest = {**change, "path": ".".join(steps[1:])}
    if len(steps) == 1 and change["propertyChangeType"] == "Delete":
        del made[step]
    elif len(steps) == 1 and change["propertyChangeType"] == "Create":
        if isinstance(made, list):
            made.insert(step, change["after"])
        else:
            made[step] = change["after"]
    else:
        made[step] = _one(made[step], rest)
    return made


@given(value=VALUES)
def test_an_overlay_of_itself_changes_nothing(value: Any) -> None:
    assert same(overlay(value, value), value)


@given(before=VALUES, asked=VALUES)
def test_an_overlay_that_was_made_asks_for_nothing_more(before: Any, asked: Any) -> None:
    once = overlay(before, asked)
    assert same(overlay(once, asked), once)
