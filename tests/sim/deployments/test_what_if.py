"""What-if: what a template would change, told as the vendor tells it, and nothing is written."""

from __future__ import annotations

import pytest

from sfcert.sim import worlds
from sfcert.sim.assemble import build
from sfcert.sim.deployments import Deployments
from sfcert.sim.deployments.delta import overlay
from sfcert.sim.entra import Entra
from sfcert.sim.kernel.ids import parse_id
from tests.sim.deployments.things import START, TYPE, World, nested, request_of, thing


def test_what_if_after_a_deployment_of_the_same_template_shows_no_change(world: World) -> None:
    resources = [
        thing("a", list=[1, {"name": "x"}]),
        nested("n", [thing("b")]),
        {**thing("o"), "type": "Sim.Test/opaque"},
    ]
    assert {change["changeType"] for change in world.what_if(resources)} == {"Create"}
    world.deploy(resources)
    assert {change["changeType"] for change in world.what_if(resources)} == {"NoChange"}
    assert len(world.what_if(resources)) == 3


def test_what_if_names_each_property_as_the_vendor_does(world: World) -> None:
    world.deploy([thing("a", gone=1, kept=2, moved=3, names=["x", "y"]), thing("other")])
    changed = {
        change["resourceId"].split("/")[-1]: change
        for change in world.what_if([thing("a", kept=2, moved=4, new=5, names=["x", "z", "q"])])
    }
    assert changed["other"]["changeType"] == "Ignore"
    assert changed["a"]["changeType"] == "Modify"
    delta = {one["path"]: one for one in changed["a"]["delta"]}
    assert {path: one["propertyChangeType"] for path, one in delta.items()} == {
        "properties.gone": "Delete",
        "properties.moved": "Modify",
        "properties.new": "Create",
        "properties.names": "Array",
    }
    children = [(one["path"], one["propertyChangeType"]) for one in delta["properties.names"]["children"]]
    assert children == [("1", "Modify"), ("2", "Create")]


def test_what_if_writes_nothing_and_in_complete_mode_shows_what_would_go(world: World) -> None:
    world.deploy([thing("a")])
    before = len(world.azure.journal.writes)
    changes = world.what_if([thing("b")], mode="Complete")
    assert sorted(change["changeType"] for change in changes) == ["Create", "Delete"]
    assert len(world.azure.journal.writes) == before


def test_what_if_by_id_alone_only_says_what_is_deployed(world: World) -> None:
    world.deploy([thing("a")])
    changes = world.what_if([thing("a")], whatIfSettings={"resultFormat": "ResourceIdOnly"})
    assert changes == [{"resourceId": f"{world.group}/providers/{TYPE}/a", "changeType": "Deploy"}]


def test_what_cannot_be_known_yet_is_shown_as_its_expression(world: World) -> None:
    late = thing("b")
    late["properties"] = {"copied": f"[reference(resourceId('{TYPE}', 'a')).value]"}
    changes = world.what_if([thing("a", value=1), late])
    assert "reference(" in changes[1]["after"]["properties"]["copied"]


def test_a_resource_whose_name_comes_from_another_is_unsupported_in_what_if_and_deployed_all_the_same(
    world: World,
) -> None:
    inner = thing("[parameters('name')]")
    outer = nested("inner", [], expressionEvaluationOptions={"scope": "inner"})
    outer["properties"]["template"] = request_of([inner], parameters={"name": {"type": "string"}})["properties"][
        "template"
    ]
    outer["properties"]["parameters"] = {"name": {"value": "[reference('a').value]"}}
    resources = [thing("a", value="late"), outer]
    changes = world.what_if(resources)
    assert [one["changeType"] for one in changes] == ["Create", "Unsupported"]
    assert "cannot be known" in changes[1]["unsupportedReason"]
    world.deploy(resources)
    assert world.call("GET", f"{world.group}/providers/{TYPE}/late").status == 200
    assert [one["changeType"] for one in world.what_if(resources)] == ["NoChange", "NoChange"]


def test_an_overlay_keeps_what_is_not_mentioned_and_the_known_spelling() -> None:
    before = {"Tags": {"a": 1}, "properties": {"keep": [1], "list": [1, 2]}}
    assert overlay(before, {"tags": {"b": 2}, "properties": {"list": [3]}}) == {
        "Tags": {"a": 1, "b": 2},
        "properties": {"keep": [1], "list": [3]},
    }


@pytest.mark.parametrize("name", sorted(worlds.WORLDS))
def test_what_if_of_a_world_s_own_template_shows_no_change(name: str) -> None:
    """Every provider's dry run must say what its GET says, or a review would show changes that nobody makes."""
    azure = build(start=START, seed=1, tempo="manual")
    facts = worlds.load(azure, name)
    deployments = azure.service("deployments", Deployments)
    scope = f"/subscriptions/{azure.subscription_id}/resourceGroups/{facts['resource_group']}"
    [made] = [one for one in deployments.list(scope, deployments.types[0], "", {}) if one["properties"]["providers"]][
        :1
    ]
    caller = azure.service("entra", Entra).default.caller
    rid = parse_id(made["id"])
    template = deployments.action(rid, "exportTemplate", "POST", "", None, {}, caller).body["template"]
    shown = made["properties"]["parameters"]
    given = {one: {"value": shown[one].get("value", "Another-password-1")} for one in shown}
    body = {"properties": {"mode": "Incremental", "template": template, "parameters": given}}
    answer = deployments.action(rid, "whatIf", "POST", "", body, {}, caller)
    azure.clock.advance(60)
    assert answer.operation is not None
    assert answer.operation.error is None
    changes = answer.operation.result["properties"]["changes"]
    assert [
        (one["resourceId"], one["delta"]) for one in changes if one["changeType"] not in ("NoChange", "Ignore")
    ] == []
    assert len(changes) > 3
