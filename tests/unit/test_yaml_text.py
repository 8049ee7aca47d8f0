"""YAML that people wrote: plain data, or one fault with its place; never a traceback, and no value shown."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.errors import InputError
from sfcert.yaml_text import read_documents, read_yaml

_NAMES = "abcdefgh"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in pairwise(_NAMES)
)
ODD = [
    ("a: !!bool KEYMATERIAL", ":1:4: a value cannot be read as bool"),
    ("a: !!int KEYMATERIAL", ":1:4: a value cannot be read as int"),
    ("a: !!float KEYMATERIAL", ":1:4: a value cannot be read as float"),
    ("a: !!timestamp KEYMATERIAL", ":1:4: a value cannot be read as timestamp"),
    (f"a: {'9' * 5000}", ":1:4: a value cannot be read as int"),
    ("a: &x [*x]", ":1:4: an alias leads back to itself"),
    (f"a: {'[' * 500}{']' * 500}", "is nested deeper than 100 levels"),
    (f"a: {'[' * 5000}", ""),
    (BOMB, "holds more than 1000000 values"),
    ("a: 1\nb: {c: 1, c: 2}", ":2:11: the key 'c' stands twice, first in line 2"),
    ("a: {{ .Values.name }}", "has to be rendered first"),
    ("a:\n\t- b", ":2:1: found character that cannot start any token"),
    ("a: \ud800", "holds characters that are no text"),
    ("a: \x00", ""),
]


@pytest.mark.parametrize(("text", "said"), ODD, ids=[said or repr(text[:8]) for text, said in ODD])
def test_odd_text_is_one_fault_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_documents(text, "file", "ManifestInvalid")
    assert refused.value.token == "ManifestInvalid"
    (fault,) = refused.value.faults
    assert said in str(fault)
    assert "KEYMATERIAL" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_kubernetes_has_no_dates_and_no_times_of_day() -> None:
    text = "a: 2026-01-01\nb: 12:30\nc: 2026-13-45\nd: 12\ne: 1.5\nf: 0x1F\n"
    assert read_documents(text, "file", "ManifestInvalid") == (
        {"a": "2026-01-01", "b": "12:30", "c": "2026-13-45", "d": 12, "e": 1.5, "f": 31},
    )


def test_other_files_have_dates() -> None:
    assert read_yaml("a: 2026-01-01", "file", "PolicyInvalid") == {"a": date(2026, 1, 1)}
    with pytest.raises(InputError, match="cannot be read as timestamp"):
        read_yaml("a: 2026-13-45", "file", "PolicyInvalid")


def test_a_merged_key_may_be_said_anew() -> None:
    text = "a: &x {b: 1, c: 1}\nd: {<<: *x, b: 2}\ne: {<<: *x}\n"
    assert read_yaml(text, "file", "PolicyInvalid")["d"] == {"b": 2, "c": 1}


def test_several_documents_and_empty_ones() -> None:
    assert read_documents("---\n# only a comment\n---\na: 1\n---\n", "file", "ManifestInvalid") == (
        None,
        {"a": 1},
        None,
    )
    assert read_documents("", "file", "ManifestInvalid") == ()


@given(st.text(st.sampled_from("ab:-&*!<{}[]|>\n\t '\"#%?,.0129e_=~@\\") | st.characters(), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_documents, read_yaml):
        # any other exception fails the test
        with suppress(InputError):
            read(text, "file", "ManifestInvalid")
