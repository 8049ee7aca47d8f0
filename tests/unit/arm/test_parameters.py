"""Parameter files, and values held to their declarations."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.arm import ExpandOptions, ParameterInput, Scope, expand, is_symbolic, parse_parameters
from sfcert.errors import InputError

SCOPE = Scope(subscription_id="s", resource_group="g")


def come_to(declaration: dict[str, Any], given: dict[str, Any] | None = None, **options: Any) -> Any:
    template = {"parameters": {"p": declaration}, "resources": [], "definitions": options.pop("definitions", {})}
    found = expand(template, given or {}, SCOPE, options=ExpandOptions(**options))
    return found.parameters[0].value


def test_reads_a_parameter_file_and_a_bare_object() -> None:
    wrapped = '{"$schema": "x", "contentVersion": "1", "parameters": {"a": {"value": 1}, "b": {"reference": {"k": 2}}}}'
    assert parse_parameters(wrapped) == {"a": ParameterInput(1), "b": ParameterInput(None, {"k": 2})}
    assert parse_parameters('{"a": {"value": null}}') == {"a": ParameterInput(None)}


def test_an_entry_without_a_value_is_refused_at_its_place() -> None:
    with pytest.raises(InputError) as caught:
        parse_parameters('{"parameters": {\n"a": {"values": 1},\n"b": 2}}', "p.json")
    assert [(fault.line, fault.file) for fault in caught.value.faults] == [(2, "p.json"), (3, "p.json")]


def test_a_given_value_wins_over_the_default_and_is_found_in_any_case() -> None:
    declaration = {"type": "string", "defaultValue": "[concat('a', 'b')]"}
    assert come_to(declaration) == "ab"
    assert come_to(declaration, {"P": {"value": "[given]"}}) == "[given]"


def test_a_reference_to_a_vault_secret_is_not_known() -> None:
    value = come_to({"type": "securestring"}, {"p": {"reference": {"secretName": "s"}}})
    assert is_symbolic(value)
    assert "vault" in value.why


def test_a_missing_value_is_refused_by_a_deployment_and_an_expression_to_a_review() -> None:
    with pytest.raises(InputError, match="not provided"):
        come_to({"type": "string"})
    assert come_to({"type": "string"}, missing="symbolic") == "[parameters('p')]"


def test_a_nullable_parameter_is_null_where_nothing_is_given() -> None:
    assert come_to({"type": "string", "nullable": True}) is None


def test_a_value_that_is_not_declared_is_refused() -> None:
    with pytest.raises(InputError, match="can therefore not be provided"):
        come_to({"type": "string", "defaultValue": ""}, {"q": {"value": 1}})


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ({"type": "int"}, "5"),
        ({"type": "int"}, True),
        ({"type": "string"}, 5),
        ({"type": "bool"}, "true"),
        ({"type": "array"}, {}),
        ({"type": "secureObject"}, []),
        ({"type": "string"}, None),
        ({"type": "string", "allowedValues": ["a", "b"]}, "c"),
        ({"type": "int", "minValue": 3}, 2),
        ({"type": "int", "maxValue": 3}, 4),
        ({"type": "string", "minLength": 3}, "ab"),
        ({"type": "array", "maxLength": 1}, [1, 2]),
        ({"$ref": "#/definitions/size"}, 0),
    ],
)
def test_a_value_of_the_wrong_type_or_size_is_refused(declaration: dict[str, Any], value: Any) -> None:
    with pytest.raises(InputError):
        come_to(declaration, {"p": {"value": value}}, definitions={"size": {"type": "int", "minValue": 1}})


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ({"type": "String", "allowedValues": ["Silver"]}, "silver"),
        ({"type": "array", "allowedValues": ["a", "b"]}, ["b", "a"]),
        ({"type": "int", "minValue": 3, "maxValue": 3}, 3),
        ({"$ref": "#/definitions/size"}, 1),
        ({"type": "object"}, {}),
    ],
)
def test_a_value_that_fits_is_taken(declaration: dict[str, Any], value: Any) -> None:
    assert come_to(declaration, {"p": {"value": value}}, definitions={"size": {"type": "int", "minValue": 1}}) == value


def test_a_refused_secret_is_not_repeated_in_the_message() -> None:
    with pytest.raises(InputError) as caught:
        come_to({"type": "securestring", "allowedValues": ["a"]}, {"p": {"value": "hunter2"}})
    assert "hunter2" not in str(caught.value)


def test_secure_values_stay_hidden_where_a_review_asks_for_it() -> None:
    value = come_to({"type": "securestring"}, {"p": {"value": "hunter2"}}, hides=lambda _: True)
    assert value == "[parameters('p')]"
    assert is_symbolic(value)


def test_a_review_lets_text_stand_for_a_number_and_notes_it() -> None:
    template = {"parameters": {"p": {"type": "int", "defaultValue": "5"}}, "resources": []}
    found = expand(template, {}, SCOPE, options=ExpandOptions(missing="symbolic"))
    assert found.parameters[0].value == "5"
    assert len(found.notes) == 1
