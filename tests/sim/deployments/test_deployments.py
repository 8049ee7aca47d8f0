"""Deployments in process, on a fake provider whose resources take their own time."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from sfcert.sim import worlds
from sfcert.sim.assemble import build
from sfcert.sim.deployments import Deployments
from sfcert.sim.deployments.delta import overlay
from sfcert.sim.entra import Entra
from sfcert.sim.front import ArmFront, Reply, Request, Tempo
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId, parse_id
from sfcert.sim.kernel.provider import Answer, Caller

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TYPE = "Sim.Test/things"


class FakeThings:
    """Puts take `properties.seconds`; `properties.fail` ends the operation badly; `hidden` is never shown."""

    types: tuple[str, ...] = (TYPE,)

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.log: list[tuple[float, str, str]] = []

    def _note(self, what: str, rid: ResourceId) -> None:
        self.log.append(((self._azure.clock.now - START).total_seconds(), what, rid.name))

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._azure.resources.get(rid.text)
        if found is None:
            raise AzureFailure(404, "ResourceNotFound", f"no {rid.name}")
        return copy.deepcopy(found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        return []

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("properties", {}).get("refuse"):
            raise AzureFailure(409, "Conflict", "refused")
        properties = {k: v for k, v in body.get("properties", {}).items() if k != "hidden"}
        return {"id": rid.text, "name": rid.name, "type": TYPE, **body, "properties": {"made": True, **properties}}

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        shown = self.preview(rid, api_version, body)
        self._note("start", rid)
        self._azure.resources.put(rid.text, api_version, shown)
        self._azure.record_write("PUT", rid.text)
        operation = self._azure.start_operation(rid.text)

        def end() -> None:
            self._note("end", rid)
            if body.get("properties", {}).get("fail"):
                raise AzureFailure(500, "Broken", "it broke")

        self._azure.finish_after(operation, body.get("properties", {}).get("seconds", 10), end, "thing")
        return Answer(shown, operation=operation, created=True)

    patch = put

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        self._azure.resources.remove(rid.text)
        self._note("delete", rid)
        return Answer(None)

    def action(
        self,
        rid: ResourceId,
        action: str,
        method: str,
        api_version: str,
        body: Any,
        query: dict[str, str],
        caller: Caller,
    ) -> Answer:
        raise AzureFailure(404, "NoSuchAction", action)


class World:
    """An Azure with a group and the fake provider, called through the front door."""

    def __init__(self, services: tuple[str, ...] = ("deployments",)) -> None:
        self.azure = build(start=START, seed=5, tempo="manual", services=services)
        self.things = FakeThings(self.azure)
        self.azure.register(self.things)
        entra = self.azure.service("entra", Entra)
        self._token = entra.token_for(entra.default.caller, "https://management.azure.com")
        self.sub = f"/subscriptions/{self.azure.subscription_id}"
        self.group = f"{self.sub}/resourceGroups/rg"
        self.call("PUT", self.group, {"location": "westeurope"})

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        front = self.azure.service("arm", ArmFront)
        path = path.removeprefix("https://management.azure.com").partition("?")[0]
        headers = {"authorization": f"Bearer {self._token}"}
        return front.handle(
            Request(method, path, query={"api-version": "2025-04-01"}, headers=headers, body=copy.deepcopy(body))
        )

    def url(self, name: str = "d1", tail: str = "") -> str:
        return f"{self.group}/providers/Microsoft.Resources/deployments/{name}{tail}"

    def deploy(self, resources: Any, name: str = "d1", *, wait: float = 3600, **more: Any) -> Reply:
        answer = self.call("PUT", self.url(name), request_of(resources, **more))
        self.azure.clock.advance(wait)
        return answer

    def state(self, name: str = "d1") -> dict[str, Any]:
        properties: dict[str, Any] = self.call("GET", self.url(name)).body["properties"]
        return properties

    def what_if(self, resources: Any, **more: Any) -> list[dict[str, Any]]:
        answer = self.call("POST", self.url("w", "/whatIf"), request_of(resources, **more))
        assert answer.status == 202, answer.body
        assert self.call("GET", answer.headers["Location"]).status == 202
        self.azure.clock.advance(60)
        done = self.call("GET", answer.headers["Location"])
        assert done.status == 200, done.body
        changes: list[dict[str, Any]] = done.body["properties"]["changes"]
        return changes


def request_of(
    resources: Any,
    *,
    mode: str = "Incremental",
    parameters: dict[str, Any] | None = None,
    given: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": parameters or {},
        "resources": resources,
        "outputs": outputs or {},
    }
    values = {name: {"value": value} for name, value in (given or {}).items()}
    return {"properties": {"mode": mode, "template": template, "parameters": values, **settings}}


def thing(name: str, *depends: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": TYPE,
        "apiVersion": "2024-01-01",
        "name": name,
        "location": "westeurope",
        "dependsOn": [f"[resourceId('{TYPE}', '{one}')]" for one in depends],
        "properties": properties,
    }


def nested(name: str, resources: list[dict[str, Any]], **properties: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        "properties": {
            "mode": "Incremental",
            "template": request_of(resources)["properties"]["template"],
            **properties,
        },
    }


@pytest.fixture
def world() -> World:
    return World()


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
    ("resources", "more", "code"),
    [
        ([thing("[parameters('none')]")], {}, "InvalidTemplate"),
        ([thing("a"), thing("A")], {}, "InvalidTemplate"),
        ([thing("a", "b"), thing("b", "a")], {}, "InvalidTemplate"),
        ([thing("a", "gone")], {}, "InvalidTemplate"),
        ([], {"given": {"stray": 1}}, "InvalidTemplate"),
        ([], {"mode": "Sideways"}, "InvalidDeploymentMode"),
        ([], {"templateLink": {"uri": "https://x"}}, "InvalidRequestContent"),
        ([], {"template": None, "templateLink": {"uri": "https://x"}}, "InvalidContentLink"),
        ([], {"template": None, "templateLink": {"relativePath": "x.json"}}, "InvalidTemplateLink"),
        ([thing("a", value="[parameters('none')]")], {}, "InvalidTemplate"),
        ([], {"outputs": {"o": {"type": "string", "value": "[variables('none')]"}}}, "InvalidTemplate"),
        ([], {"parameters": {"n": {"type": "int"}}, "given": {"n": "5"}}, "InvalidTemplate"),
    ],
    ids=[
        "unknown parameter",
        "twice the same",
        "a circle",
        "unknown dependency",
        "stray value",
        "mode",
        "template and link",
        "a link that leads nowhere",
        "a relative link from nowhere",
        "unknown parameter in a body",
        "unknown variable in an output",
        "text for a number",
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_is_written(
    world: World, resources: Any, more: Any, code: str
) -> None:
    for tail in ("", "/validate", "/whatIf"):
        answer = world.call("POST" if tail else "PUT", world.url(tail=tail), request_of(resources, **more))
        assert (answer.status, answer.body["error"]["code"]) == (400, code), tail
    assert world.call("GET", world.url()).body["error"]["code"] == "DeploymentNotFound"
    assert len(world.azure.journal.writes) == 1  # the group


def test_validate_says_what_would_be_deployed_and_writes_nothing(world: World) -> None:
    answer = world.call("POST", world.url(tail="/validate"), request_of([nested("n", [thing("a")])]))
    assert answer.status == 200
    names = [one["id"].split("/")[-1] for one in answer.body["properties"]["validatedResources"]]
    assert names == ["n", "a"]
    assert world.call("HEAD", world.url()).status == 404


def test_validate_asks_the_providers_and_tells_all_their_refusals(world: World) -> None:
    resources = [thing("a", refuse=True), thing("b", refuse=True), thing("c"), thing("d", "c", refuse=True)]
    answer = world.call("POST", world.url(tail="/validate"), request_of(resources))
    assert (answer.status, answer.body["error"]["code"]) == (400, "InvalidTemplateDeployment")
    assert answer.body["error"]["details"] == [{"code": "Conflict", "message": "refused"}] * 2


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


# -- what-if ----------------------------------------------------------------------------------------------------------


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
