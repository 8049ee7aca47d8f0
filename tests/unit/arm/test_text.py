"""JSON as Azure Resource Manager accepts it, and where each part of it stands."""

from __future__ import annotations

import pytest

from sfcert.arm import Position, parse_text
from sfcert.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="strict JSON"),
        pytest.param('\ufeff{"a": 1}', {"a": 1}, id="a byte order mark"),
        pytest.param('{"a": 1, // one\n /* two\n lines */ "b": 2}', {"a": 1, "b": 2}, id="comments of both kinds"),
        pytest.param('{"a": [1, 2,], }', {"a": [1, 2]}, id="trailing commas"),
        pytest.param('{\u00a0"a"\t:\u00a01}', {"a": 1}, id="tabs and no-break spaces"),
        pytest.param('{"a": "[concat(\n  \'x\')]"}', {"a": "[concat(\n  'x')]"}, id="a raw line break in a string"),
        pytest.param("{'a': 'it\\'s \"x\"'}", {"a": 'it\'s "x"'}, id="single quotes"),
        pytest.param('{"p": {template:{"a":1}}}', {"p": {"template": {"a": 1}}}, id="the unquoted key that az sends"),
        pytest.param('{"u": "http://x/*y*/"}', {"u": "http://x/*y*/"}, id="what looks like a comment in a string"),
        pytest.param('{a: "\\u00e9\\ud83d\\ude00\\n"}', {"a": "é😀\n"}, id="escapes, surrogate pairs among them"),
        pytest.param("[1.5, -2, 1e3, true, false, null,]", [1.5, -2, 1000.0, True, False, None], id="every scalar"),
    ],
)
def test_reads_what_the_vendor_reads(text: str, value: object) -> None:
    assert parse_text(text).value == value


def test_reads_bytes_in_utf_8_and_utf_16() -> None:
    assert parse_text('{"a": "é"}'.encode()).value == {"a": "é"}
    assert parse_text('{"a": "é"}'.encode("utf-16")).value == {"a": "é"}


def test_positions_count_from_one_and_stand_at_the_value() -> None:
    document = parse_text('{\r\n  "a": {\r\n    "b": [1, "x"]\r\n  }\r\n}')
    assert document.position(("a", "b", 1)) == Position(3, 14)
    assert document.position(()) == Position(1, 1)


def test_a_path_below_what_the_text_holds_is_answered_by_its_nearest_parent() -> None:
    assert parse_text('{"a": "[f()]"}').position(("a", "b", 0)) == Position(1, 7)


def test_of_a_repeated_key_the_last_value_counts_and_a_warning_names_the_line() -> None:
    document = parse_text('{\n"a": {"x": 1},\n"b": 2,\n"a": {"y": 3}\n}', "t.json")
    assert document.value == {"a": {"y": 3}, "b": 2}
    assert [(w.position.line, w.position.column) for w in document.warnings] == [(4, 1)]
    assert "stands twice" in document.warnings[0].message
    assert document.position(("a", "y")) == Position(4, 12)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        pytest.param('{"a": 1', 1, 8, "cut off", id="cut off in an object"),
        pytest.param('{"a": [1,\n2', 2, 2, "cut off", id="cut off in an array"),
        pytest.param('{"a": "x', 1, 7, "never closed", id="cut off in a string"),
        pytest.param('{"a": 1} /* x', 1, 10, "comment", id="cut off in a comment"),
        pytest.param("", 1, 1, "no JSON value", id="an empty file"),
        pytest.param('{"a": #{count}#}', 1, 7, "expected a value", id="a placeholder that nobody replaced"),
        pytest.param('{"a": 1}}', 1, 9, "after the end", id="one bracket too many"),
        pytest.param('{"a": 01}', 1, 7, "expected a value", id="a number with a leading nought"),
        pytest.param('{"a": NaN}', 1, 7, "expected a value", id="NaN"),
        pytest.param('{"a": "\\d"}', 1, 8, "escape", id="an unknown escape"),
        pytest.param("[" * 300, 1, 130, "deep", id="nested beyond reason"),
    ],
)
def test_a_fault_says_where_and_what(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_text(text, "t.json")
    fault = caught.value.faults[0]
    assert (caught.value.token, fault.file, fault.line, fault.column) == ("TemplateSyntax", "t.json", line, column)
    assert says in fault.message


def test_every_missing_comma_of_a_file_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_text('{"a": 1\n"b": 2,\n"c": 3\n"d": [{}\n{}]}')
    assert [(fault.line, fault.column) for fault in caught.value.faults] == [(2, 1), (4, 1), (5, 1)]


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(InputError) as caught:
        parse_text(b'{\n"a": "\xff"}', "t.json")
    assert (caught.value.faults[0].line, caught.value.faults[0].column) == (2, 7)
