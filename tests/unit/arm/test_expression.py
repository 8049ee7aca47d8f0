"""Expression text to tree and back."""

from __future__ import annotations

import pytest

from sfcert.arm import is_expression, parse_expression, print_expression
from sfcert.arm.expression import Call, Index, Number, Property, Text, escape_literal, unescape_literal
from sfcert.errors import InputError


def test_reads_calls_strings_numbers_properties_and_indexes() -> None:
    node = parse_expression("[ concat( 'it''s', parameters('a').b[0], -1 ) ]")
    inner = Index(Property(Call("parameters", (Text("a"),)), "b"), Number(0))
    assert node == Call("concat", (Text("it's"), inner, Number(-1)))


def test_white_space_of_every_kind_may_stand_between_tokens() -> None:
    assert parse_expression("[\n\tadd(\u00a01 ,\r\n 2 ) . x [ 'y' ]\n]") == Index(
        Property(Call("add", (Number(1), Number(2))), "x"), Text("y")
    )


def test_a_user_defined_function_keeps_its_namespace() -> None:
    assert parse_expression("[contoso.unique('a')]") == Call("unique", (Text("a"),), "contoso")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("[a()]", True), ("[[a()]", False), ("[a() x", False), (" [a()]", False), ("[", False), ("[]", True), ("", False)],
)
def test_only_a_bracketed_string_is_an_expression(text: str, expected: bool) -> None:
    assert is_expression(text) is expected


@pytest.mark.parametrize("text", ["[x]", "[[x]", "[x", "x]", "[", "[]", "", "[[", "[[]]"])
def test_an_escaped_literal_reads_back_as_itself(text: str) -> None:
    assert not is_expression(escape_literal(text))
    assert unescape_literal(escape_literal(text)) == text


def test_prints_with_one_blank_after_a_comma_and_doubled_quotes() -> None:
    assert print_expression(parse_expression("[concat('it''s',f( ).a['b c'])]")) == "[concat('it''s', f().a['b c'])]"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        pytest.param("[concat('a']", 12, id="a bracket that is not closed"),
        pytest.param("[concat('a)]", 9, id="a quote that is not closed"),
        pytest.param("[parameters]", 12, id="a name without a call"),
        pytest.param("[f(1.5)]", 4, id="a fraction"),
        pytest.param("[f() g()]", 6, id="two expressions"),
        pytest.param("[]", 2, id="nothing"),
        pytest.param("[f(,)]", 4, id="an empty argument"),
        pytest.param("[f().]", 6, id="a dot at the end"),
    ],
)
def test_a_broken_expression_is_refused_at_its_column(text: str, column: int) -> None:
    with pytest.raises(InputError) as caught:
        parse_expression(text)
    assert (caught.value.token, caught.value.faults[0].column) == ("TemplateInvalid", column)
