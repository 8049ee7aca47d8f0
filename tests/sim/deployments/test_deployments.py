"""Deployments in process: what runs when, what is written, what is told of it."""

from __future__ import annotations

import pytest

from sfcert.sim.front import Tempo
from tests.sim.deployments.things import TYPE, World, nested, request_of, thing


def test_independent_resources_run_side_by_side_and_dependent_ones_after(world: World) -> None:
    answer = world.deploy([thing("c", "a", "b"), thing("a", seconds=30), thing("b", seconds=20)])
    assert (answer.status, answer.body["properties"]["provisioningState"]) == (201, "Accepted")
    assert "Azure-AsyncOperation" in answer.headers
    assert world.things.log == [
        (1, "start", "a"),
        (1, "start", "b"),
        (21, "end", "b"),
        (31, "end", "a"),
        (31, "start", "c"),
        (41, "end", "c"),
    ]
    assert world.state()["provisioningState"] == "Succeeded"
    assert [one["id"].split("/")[-1] for one in world.state()["outputResources"]] == ["c", "a", "b"]


def test_a_reference_by_name_makes_a_dependency_and_reads_what_was_deployed(world: World) -> None:
    second = thing("b")
    second["properties"] = {"copied": "[reference('a').value]"}
    outputs = {
        "whole": {"type": "object", "value": f"[reference(resourceId('{TYPE}', 'b'), '2024-01-01', 'Full')]"},
        "secret": {"type": "secureString", "value": "hush"},
    }
    world.deploy([second, thing("a", value="v1")], outputs=outputs)
    state = world.state()
    assert state["outputs"]["whole"]["value"]["properties"]["copied"] == "v1"
    assert state["outputs"]["whole"]["value"]["location"] == "westeurope"
    assert state["outputs"]["secret"] == {"type": "SecureString"}
    assert [entry[1:] for entry in world.things.log] == [("start", "a"), ("end", "a"), ("start", "b"), ("end", "b")]


def test_a_reference_sees_the_live_value_of_the_moment(world: World) -> None:
    """The stages carry a scale set's capacity this way: what an autoscaler did in between must be kept."""
    world.deploy([thing("live", value=3)])
    inner = thing("copy")
    inner["properties"] = {"value": "[parameters('now')]"}
    template = request_of([inner], parameters={"now": {"type": "int"}})["properties"]["template"]
    outer = nested("inner", [], expressionEvaluationOptions={"scope": "inner"})
    outer["properties"]["template"] = template
    live = f"[reference(resourceId('{TYPE}', 'live'), '2024-01-01', 'Full').properties.value]"
    outer["properties"]["parameters"] = {"now": {"value": live}}
    world.call("PUT", world.url("d2"), request_of([outer]))
    path = f"{world.group}/providers/{TYPE}/live"
    body = world.call("GET", path).body
    body["properties"]["value"] = 5
    world.azure.resources.put(path, "2024-01-01", body)
    world.azure.clock.advance(100)
    assert world.state("d2")["provisioningState"] == "Succeeded"
    assert world.call("GET", f"{world.group}/providers/{TYPE}/copy").body["properties"]["value"] == 5


def test_a_nested_deployment_is_one_of_its_own_with_its_operations(world: World) -> None:
    world.deploy([nested("inner", [thing("x"), thing("y", "x")]), thing("z")])
    assert world.state("inner")["provisioningState"] == "Succeeded"
    inner = world.call("GET", world.url("inner", "/operations")).body["value"]
    assert [one["properties"]["targetResource"]["resourceName"] for one in inner] == ["x", "y"]
    one = world.call("GET", inner[0]["id"]).body
    assert one["properties"]["provisioningState"] == "Succeeded"
    assert world.state("inner")["correlationId"] == world.state()["correlationId"]


def test_a_failure_stops_what_depends_on_it_and_tells_why_down_to_the_cause(world: World) -> None:
    world.deploy([nested("inner", [thing("bad", fail=True), thing("after", "bad")]), thing("beside")])
    state = world.state()
    assert state["provisioningState"] == "Failed"
    assert state["error"]["code"] == "DeploymentFailed"
    inner = state["error"]["details"][0]["details"][0]
    assert inner["code"] == "DeploymentFailed"
    assert inner["details"][0]["details"] == [{"code": "Broken", "message": "it broke"}]
    assert ("end", "beside") in [entry[1:] for entry in world.things.log]
    assert ("start", "after") not in [entry[1:] for entry in world.things.log]
    operation = world.call("GET", world.url("inner", "/operations")).body["value"][0]["properties"]
    assert (operation["provisioningState"], operation["statusMessage"]["error"]["code"]) == (
        "Failed",
        "ResourceDeploymentFailure",
    )


def test_a_refused_write_carries_the_provider_s_own_error(world: World) -> None:
    world.deploy([thing("bad", refuse=True)])
    assert world.state()["error"]["details"] == [{"code": "Conflict", "message": "refused"}]


def test_a_name_is_busy_while_it_runs_and_free_afterwards(world: World) -> None:
    world.deploy([thing("a", seconds=100)], wait=5)
    again = world.call("PUT", world.url(), request_of([thing("a")]))
    assert (again.status, again.body["error"]["code"]) == (409, "DeploymentActive")
    world.azure.clock.advance(200)
    assert world.call("PUT", world.url(), request_of([thing("a")])).status == 200


def test_an_unchanged_body_is_put_all_the_same(world: World) -> None:
    world.deploy([thing("a")])
    world.deploy([thing("a")], "d2")
    assert [write["subject"].split("/")[-1] for write in world.azure.journal.writes] == ["rg", "d1", "a", "d2", "a"]


def test_complete_mode_removes_what_the_template_does_not_hold(world: World) -> None:
    world.deploy([thing("a"), thing("b")])
    world.deploy([thing("a")], "d2", mode="Complete")
    assert world.things.log[-1][1:] == ("delete", "b")
    assert world.state("d2")["provisioningState"] == "Succeeded"


def test_copy_loops_and_conditions_are_followed_and_serial_loops_wait(world: World) -> None:
    looped = thing("[concat('l', copyIndex())]", seconds=10)
    looped["copy"] = {"name": "loop", "count": 3, "mode": "serial", "batchSize": 1}
    world.deploy([looped, {**thing("off"), "condition": False}, {**thing("last"), "dependsOn": ["loop"]}])
    starts = [(entry[0], entry[2]) for entry in world.things.log if entry[1] == "start"]
    assert starts == [(1, "l0"), (11, "l1"), (21, "l2"), (31, "last")]


def test_cancel_starts_nothing_more(world: World) -> None:
    world.deploy([thing("a", seconds=50), thing("b", "a")], wait=5)
    assert world.call("POST", world.url(tail="/cancel")).status == 204
    world.azure.clock.advance(500)
    assert world.state()["provisioningState"] == "Canceled"
    assert [entry[1:] for entry in world.things.log] == [("start", "a"), ("end", "a")]
    assert world.call("POST", world.url(tail="/cancel")).status == 409


def test_secure_parameters_are_never_shown(world: World) -> None:
    parameters = {"pw": {"type": "secureString"}, "name": {"type": "string", "defaultValue": "a"}}
    hidden = thing("[parameters('name')]", hidden="[parameters('pw')]")
    world.deploy([hidden], parameters=parameters, given={"pw": "Hush-hush-1"})
    assert world.state()["parameters"] == {"pw": {"type": "SecureString"}, "name": {"type": "String", "value": "a"}}
    shown = str(world.call("GET", world.url()).body) + str(world.call("POST", world.url(tail="/exportTemplate")).body)
    assert "Hush" not in shown
    other = {**hidden, "type": "Sim.Test/opaque"}
    assert "Hush" not in str(world.what_if([hidden, other], parameters=parameters, given={"pw": "Hush-hush-1"}))


@pytest.mark.parametrize(
    "wait",
    ["rg2", "[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'rg2')]"],
    ids=["by name", "as Bicep writes it"],
)
def test_a_subscription_deployment_makes_a_group_and_deploys_into_it(wait: str, world: World) -> None:
    inner = {
        **nested("inner", [thing("a")]),
        "resourceGroup": "rg2",
        "dependsOn": [wait],
    }
    group = {
        "type": "Microsoft.Resources/resourceGroups",
        "apiVersion": "2022-09-01",
        "name": "rg2",
        "location": "westeurope",
    }
    path = f"{world.sub}/providers/Microsoft.Resources/deployments/top"
    answer = world.call("PUT", path, {"location": "westeurope", **request_of([group, inner])})
    assert answer.status == 201, answer.body
    world.azure.clock.advance(100)
    assert world.call("GET", path).body["properties"].get("error") is None
    assert world.call("GET", f"{world.sub}/resourceGroups/rg2/providers/{TYPE}/a").status == 200


@pytest.mark.parametrize(
    "id_of_group",
    ["subscriptionResourceId('Microsoft.Resources/resourceGroups', 'rg')", "resourceGroup().id"],
    ids=["as Bicep writes it", "as Azure shows it"],
)
def test_a_reference_reads_a_resource_group(id_of_group: str, world: World) -> None:
    asked = {"where": {"type": "string", "value": f"[reference({id_of_group}, '2022-09-01', 'full').location]"}}
    assert world.call("PUT", world.url(), request_of([], outputs=asked)).status == 201
    world.azure.clock.advance(100)
    assert world.state()["outputs"]["where"]["value"] == "westeurope"


def test_waiting_by_reading_lets_time_pass_in_the_tempo_auto(world: World) -> None:
    world.deploy([thing("a", seconds=3600)], wait=0)
    assert [world.state()["provisioningState"] for _ in range(3)] == ["Accepted"] * 3
    world.azure.service("tempo", Tempo).mode = "auto"
    states = [world.state()["provisioningState"] for _ in range(40)]
    assert (states[0], states[-1]) == ("Running", "Succeeded")
