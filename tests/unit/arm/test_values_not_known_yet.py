"""What is not known before a deployment runs: kept as an expression, folded, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.arm import Scope, Symbolic, is_symbolic
from tests.unit.arm.expanding import GROUP, REVIEW, Live, expanded, names, resource


def test_a_condition_that_is_not_known_is_kept_and_marked() -> None:
    found = expanded(
        resource("A.B/c", "x", condition="[parameters('on')]"), parameters={"on": {"type": "bool"}}, options=REVIEW
    )
    assert found.resources[0].condition == "[parameters('on')]"
    assert is_symbolic(found.resources[0].condition)


def test_run_time_functions_keep_their_call_with_what_is_known_folded_in() -> None:
    one = expanded(
        resource("A.B/c", "x"),
        resource(
            "A.B/d",
            "y",
            properties={
                "a": "[reference(resourceId('A.B/c', variables('n')), '2024-01-01').endpoint]",
                "b": "[concat('https://', reference('x').host, ':', string(19080))]",
                "c": "[listKeys(variables('n'), '2020').keys[0].value]",
                "d": "[resourceGroup().location]",
                "e": "[resourceGroup().name]",
                "f": "[[not an expression]",
            },
        ),
        variables={"n": "x"},
    ).resources[1]
    properties = one.evaluate()["properties"]
    id_ = f"{GROUP}/providers/A.B/c/x"
    assert properties == {
        "a": f"[reference('{id_}', '2024-01-01').endpoint]",
        "b": f"[concat('https://', reference('{id_}').host, ':19080')]",
        "c": f"[listKeys('{id_}', '2020').keys[0].value]",
        "d": "[resourceGroup().location]",
        "e": "g",
        "f": "[not an expression]",
    }
    assert [key for key, value in properties.items() if is_symbolic(value)] == ["a", "b", "c", "d"]
    assert one.implicit_dependencies() == (id_,)


def test_a_live_runtime_is_asked_again_where_an_earlier_one_left_a_variable_open() -> None:
    found = expanded(
        resource("A.B/c", "x", location="[variables('where')]"), variables={"where": "[resourceGroup().location]"}
    )
    assert found.resources[0].evaluate() == {"location": "[resourceGroup().location]"}
    assert found.resources[0].evaluate(Live()) == {"location": "westeurope"}


def test_nothing_is_computed_from_a_placeholder() -> None:
    scope = Scope(subscription_id="0000", resource_group="g", synthetic=True)
    one = expanded(
        resource(
            "A.B/c",
            "x",
            a="[resourceId('A.B/c', 'x')]",
            b="[guid(resourceId('A.B/c', 'x'))]",
            c="[uniqueString(resourceGroup().id)]",
            d="[guid('known')]",
        ),
        scope=scope,
    ).resources[0]
    body = one.evaluate()
    assert not is_symbolic(body["a"])
    assert is_symbolic(body["b"])
    assert is_symbolic(body["c"])
    assert not is_symbolic(body["d"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("if(parameters('p'), 'a', concat('b', 'c'))", "[if(parameters('p'), 'a', 'bc')]"),
        ("if(true(), 'a', parameters('p'))", "a"),
        ("and(true(), parameters('p'))", "[parameters('p')]"),
        ("or(parameters('p'), true())", True),
        ("coalesce(null(), parameters('p'), 'z')", "[coalesce(parameters('p'), 'z')]"),
        ("concat('a', 'b', parameters('p'), 'c')", "[concat('ab', parameters('p'), 'c')]"),
        ("concat(concat('a', parameters('p')), 'c')", "[concat('a', parameters('p'), 'c')]"),
        ("concat(parameters('p'), createArray('a'))", "[concat(parameters('p'), createArray('a'))]"),
        ("createArray('a', parameters('p'))[0]", "a"),
        ("length(createArray('a', parameters('p')))", 2),
        ("contains(createObject('a', parameters('p')), 'a')", True),
        ("contains(createArray('a', parameters('p')), 'b')", "[contains(createArray('a', parameters('p')), 'b')]"),
        ("createObject('k', parameters('p')).k", "[parameters('p')]"),
        ("toLower(parameters('p')[0].x)", "[toLower(parameters('p')[0].x)]"),
        ("tryGet(parameters('p'), 'a')", "[tryGet(parameters('p'), 'a')]"),
        ("union(createObject('a', 1), createObject('b', parameters('p'))).a", 1),
        ("map(createArray(1, 2), lambda('x', parameters('p')))[1]", "[parameters('p')]"),
        (
            "map(parameters('p'), lambda('x', concat(lambdaVariables('x'), toUpper('y'))))",
            "[map(parameters('p'), lambda('x', concat(lambdaVariables('x'), 'Y')))]",
        ),
        ("equals(parameters('p'), 'a')", "[equals(parameters('p'), 'a')]"),
        ("if(parameters('p'), 1, div(1, 0))", "[if(parameters('p'), 1, div(1, 0))]"),
    ],
)
def test_what_is_not_known_is_folded_and_never_guessed(expression: str, expected: Any) -> None:
    one = expanded(resource("A.B/c", "x", v=f"[{expression}]"), parameters={"p": {"type": "object"}}, options=REVIEW)
    value = one.resources[0].evaluate()["v"]
    assert value == expected
    assert is_symbolic(value) is (isinstance(expected, str) and expected.startswith("["))


def test_a_loop_whose_count_is_not_known_stays_one_resource_and_one_expression() -> None:
    found = expanded(
        resource(
            "A.B/c",
            "[concat('x', copyIndex())]",
            copy={"name": "l", "count": "[length(parameters('p'))]"},
            properties={
                "copy": [
                    {
                        "name": "ids",
                        "count": "[length(parameters('p'))]",
                        "input": "[parameters('p')[copyIndex('ids')]]",
                    }
                ]
            },
        ),
        parameters={"p": {"type": "array"}},
        options=REVIEW,
    )
    assert names(found) == ["[concat('x', copyIndex('l'))]"]
    loop = found.resources[0].loop
    assert loop is not None
    assert loop.count == "[length(parameters('p'))]"
    ids = found.resources[0].evaluate()["properties"]["ids"]
    assert isinstance(ids, Symbolic)
    assert ids == "[map(range(0, length(parameters('p'))), lambda('ids', parameters('p')[lambdaVariables('ids')]))]"
