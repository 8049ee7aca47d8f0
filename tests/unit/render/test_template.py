"""A template gives JSON, or names what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.errors import InputError
from sfcert.render import render_template

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def rendered(tmp_path: Path, text: str, **given_values: Any) -> dict[str, Any]:
    (tmp_path / "one.json.j2").write_text(text, "utf-8")
    return render_template(tmp_path, "one.json.j2", given_values, "10-stage")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("templates")
    (found / "any.json.j2").write_text('{"it": {{ it | json }}}', "utf-8")
    return found


@given(values)
def test_any_value_arrives_as_it_was(folder: Path, it: Any) -> None:
    assert render_template(folder, "any.json.j2", {"it": it}, "10-stage") == {"it": it}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{\n "a": {{ missing | json }}\n}', "'missing' is undefined"),
        ('{\n "a": {{ known.deeper | json }}\n}', "has no attribute 'deeper'"),
        ('{\n "a": {{ known }}\n}', "is not JSON"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"a": NaN}', "is no JSON"),
        ("[1]", "no JSON object"),
        ("{% for %}", "Expected"),
        ("{{ range(3) | json }}", "'range' is undefined"),
        ("{{ known.__class__ | json }}", "__class__"),
        ("{{ known | upper }}", "No filter named 'upper'"),
        ("{% include 'other.j2' %}", "there is no file other.j2"),
        ("{% include '../secret' %}", "there is no file ../secret"),
    ],
)
def test_a_fault_names_template_and_stage(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        rendered(tmp_path, text, known="text")
    assert caught.value.token == "TemplateRenderFailed"
    assert told in str(caught.value)
    assert "one.json.j2" in str(caught.value)
    assert "10-stage" in str(caught.value)


def test_a_missing_name_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        rendered(tmp_path, '{\n "a": 1,\n "b": {{ missing | json }}\n}')
    assert caught.value.faults[0].line == 3


def test_a_missing_template_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file nowhere\.j2"):
        render_template(tmp_path, "nowhere.j2", {}, "10-stage")


def test_text_that_looks_like_json_stays_text(tmp_path: Path) -> None:
    assert rendered(tmp_path, '{"a": {{ it | json }}}', it='", "b": 1') == {"a": '", "b": 1'}
    assert json.dumps(rendered(tmp_path, '{"a": {{ it | json }}}', it="\u2028")) == '{"a": "\\u2028"}'
