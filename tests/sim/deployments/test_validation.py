"""What is said of a template before it is deployed: by the engine, by the providers, or what it would make."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.deployments.things import World, nested, request_of, thing


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
