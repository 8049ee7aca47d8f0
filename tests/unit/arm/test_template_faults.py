"""What is wrong with a template: every fault with its place, and nothing without end."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.arm import expand, parse_text
from sfcert.arm.faults import TemplateInvalidError
from sfcert.errors import InputError
from tests.unit.arm.expanding import SCOPE, expanded, resource


def test_live_resources_may_not_be_asked_for_in_variables() -> None:
    with pytest.raises(TemplateInvalidError, match="not expected at this location"):
        expanded(variables={"v": "[reference('x')]"})


def test_every_fault_of_a_template_is_told_with_its_place() -> None:
    text = """{
  "parameters": {"n": {"type": "int", "defaultValue": "x"}},
  "variables": {
    "bad": "[nope()]",
    "circle": "[variables('circle')]"
  },
  "resources": []
}"""
    with pytest.raises(InputError) as caught:
        expand(parse_text(text, "t.json"), {}, SCOPE)
    assert [(fault.line, fault.path) for fault in caught.value.faults] == [
        (2, "parameters.n"),
        (4, "variables.bad"),
        (5, "variables.circle"),
    ]


def test_a_fault_inside_a_nested_template_points_into_it() -> None:
    text = """{"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "apiVersion": "1", "properties": {
  "mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
  "template": {"resources": [
    {"type": "A.B/c", "name": "[parameters('missing')]"}
  ]}}}]}"""
    found = expand(parse_text(text, "t.json"), {}, SCOPE)
    assert [(fault.line, fault.column) for fault in found.faults()] == [(4, 31)]


def test_a_fault_in_a_body_is_found_without_deploying() -> None:
    found = expanded(resource("A.B/c", "x", properties={"p": [{"q": "[substring('a', 5)]"}]}))
    assert [fault.path for fault in found.faults()] == ["resources[0].properties.p[0].q"]


@pytest.mark.parametrize(
    "template",
    [
        [],
        {"resources": "x"},
        {"resources": [1]},
        {"resources": [{"name": "x"}]},
        {"parameters": [], "resources": []},
        {"resources": [resource("A.B/c", "x/y")]},
        {"resources": [resource("A.B/c", "x", condition="maybe")]},
        {"resources": [resource("A.B/c", "x", copy={"name": "l", "count": -1})]},
        {"resources": [resource("A.B/c", "x", dependsOn=[1])]},
    ],
)
def test_what_is_no_template_is_refused_and_never_a_traceback(template: Any) -> None:
    with pytest.raises(InputError):
        expand(template, {}, SCOPE)


def test_values_that_build_on_one_another_without_end_are_refused() -> None:
    chain = {f"v{n}": f"[concat(variables('v{n + 1}'), 'x')]" for n in range(2000)}
    with pytest.raises(InputError, match="too deeply"):
        expanded(variables={**chain, "v2000": "end"})


def test_a_value_that_doubles_itself_over_and_over_is_refused() -> None:
    doubling = {f"v{n}": f"[concat(variables('v{n + 1}'), variables('v{n + 1}'))]" for n in range(40)}
    with pytest.raises(InputError, match="characters"):
        expanded(variables={**doubling, "v40": "x"})
