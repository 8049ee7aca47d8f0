"""What a template holds of other templates: nested ones by either scope, and linked ones."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.arm import ExpandOptions
from tests.unit.arm.expanding import GROUP, Live, expanded, nested, resource


def test_a_nested_template_with_inner_scope_sees_its_own_parameters_and_its_own_group() -> None:
    template = {
        "parameters": {"p": {"type": "string"}, "v": {"type": "string", "defaultValue": "own"}},
        "variables": {"v": "[concat(parameters('p'), '-', parameters('v'))]"},
        "resources": [resource("A.B/c", "[variables('v')]", location="[resourceGroup().name]")],
        "outputs": {"o": {"type": "string", "value": "[variables('v')]"}},
    }
    found = expanded(
        nested(
            "Inner", template, resourceGroup="other", properties={"parameters": {"p": {"value": "[variables('v')]"}}}
        ),
        variables={"v": "outer"},
    )
    inner = found.resources[0].nested()
    assert inner is not None
    assert [(r.name, r.id) for r in inner.resources] == [
        ("outer-own", "/subscriptions/s/resourceGroups/other/providers/A.B/c/outer-own")
    ]
    assert inner.resources[0].evaluate() == {"location": "other"}
    assert inner.outputs() == {"o": {"type": "string", "value": "outer-own"}}
    assert (
        found.resources[0].id == "/subscriptions/s/resourceGroups/other/providers/Microsoft.Resources/deployments/inner"
    )
    assert [one.name for one in found.walk()] == ["inner", "outer-own"]


def test_a_nested_template_with_outer_scope_sees_what_its_parent_sees() -> None:
    template = {
        "variables": {"v": "never"},
        "resources": [
            resource("A.B/c", "[variables('v')]", location="[resourceGroup().name]", dependsOn=["b"]),
            resource("A.B/d", "b"),
        ],
    }
    inner = expanded(nested(None, template, resourceGroup="other"), variables={"v": "outer"}).resources[0].nested()
    assert inner is not None
    assert inner.resources[0].id == "/subscriptions/s/resourceGroups/other/providers/A.B/c/outer"
    assert inner.resources[0].evaluate() == {"location": "g"}
    assert inner.resources[0].depends_on == ("/subscriptions/s/resourceGroups/other/providers/A.B/d/b",)


@pytest.mark.parametrize(("scope", "waits"), [("outer", True), ("inner", False)])
def test_a_deployment_waits_for_what_its_outer_scope_template_refers_to(scope: str, waits: bool) -> None:
    template = {"resources": [resource("A.B/c", "x", v="[reference('mine').v]"), resource("A.B/c", "mine")]}
    if waits:
        template["resources"][0]["w"] = "[reference('theirs').v]"
    found = expanded(resource("A.B/d", "theirs"), nested(scope, template)).resources[1].implicit_dependencies()
    assert (f"{GROUP}/providers/A.B/d/theirs" in found) is waits


def test_run_time_values_are_passed_into_a_nested_template_when_it_is_deployed() -> None:
    template = {
        "parameters": {"sku": {"type": "object"}},
        "resources": [resource("A.B/c", "x", sku="[parameters('sku')]")],
    }
    deployment = expanded(
        nested(
            "inner",
            template,
            properties={
                "parameters": {"sku": {"value": f"[reference('{GROUP}/providers/A.B/c/x', '2020', 'Full').sku]"}}
            },
        )
    ).resources[0]
    before, after = deployment.nested(), deployment.nested(Live(x={"sku": {"capacity": 7}}))
    assert before is not None
    assert after is not None
    assert before.resources[0].evaluate()["sku"] == f"[reference('{GROUP}/providers/A.B/c/x', '2020', 'Full').sku]"
    assert after.resources[0].evaluate() == {"sku": {"capacity": 7}}


def test_the_body_of_a_deployment_leaves_its_template_as_it_is_written() -> None:
    template = {"resources": [], "variables": {"v": "[parameters('not mine')]"}}
    body = (
        expanded(nested("inner", template, properties={"mode": "[concat('Incre', 'mental')]"})).resources[0].evaluate()
    )
    assert body["properties"]["template"] == template
    assert body["properties"]["mode"] == "Incremental"


def test_a_linked_template_is_noted_and_a_loader_may_fetch_it() -> None:
    linked = resource(
        "Microsoft.Resources/deployments",
        "far",
        properties={
            "mode": "Incremental",
            "templateLink": {"uri": "https://x/t.json"},
            "parameters": {"n": {"value": "y"}},
        },
    )
    unread = expanded(linked)
    assert [note.text for note in unread.notes] == ["the linked template was not read"]
    assert unread.resources[0].nested() is None
    asked: list[Any] = []

    def loader(link: Any, beside: Any) -> str:
        asked.append(link)
        return (
            '{"parameters": {"n": {"type": "string"}}, "resources": [{"type": "A.B/c", "name": "[parameters(\'n\')]"}]}'
        )

    read = expanded(linked, options=ExpandOptions(loader=loader))
    assert [one.name for one in read.walk()] == ["far", "y"]
    assert asked == [{"uri": "https://x/t.json"}]
