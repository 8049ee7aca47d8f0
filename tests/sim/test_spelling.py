"""Property names are read without regard to case and shown as the vendor spells them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sfcert.sim.kernel.spelling import respelled
from tests.sim.conftest import World


def shouted(value: Any) -> Any:
    """The value with every name in capitals but for what a caller names himself."""
    if isinstance(value, list):
        return [shouted(part) for part in value]
    if not isinstance(value, dict):
        return value
    free = {"settings", "tags", "userAssignedIdentities"}
    return {key.upper(): part if key in free else shouted(part) for key, part in value.items()}


def test_a_body_in_another_spelling_is_the_same_body(made_world: Callable[..., World]) -> None:
    world = made_world("one-node-type")
    for resource_id in (world.facts["cluster_id"], world.facts["vault_id"], *world.scale_set_ids):
        before = world.get(resource_id)
        world.put(resource_id, shouted(before))
        after = world.get(resource_id)
        for one in (before, after):
            one.pop("etag", None)
        assert after == before


def test_what_a_caller_names_himself_is_left_alone() -> None:
    body = {"TAGS": {"Location": "x"}, "Properties": {"SETTINGS": {"Certificate": 1}, "other": [{"NAME": "x"}]}}
    wanted = {"tags": {"Location": "x"}, "properties": {"settings": {"Certificate": 1}, "other": [{"name": "x"}]}}
    assert respelled(body) == wanted
    assert json.dumps(body).startswith('{"TAGS"')
