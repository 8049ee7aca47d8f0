"""Paths, differences and edits of plain JSON values."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.arm import Named, Path, covers, diff, edit_at, get_at, has_at, parse_path, remove_at, set_at
from sfcert.errors import InputError

VMSS: dict[str, Any] = {
    "sku": {"capacity": 5},
    "properties": {
        "extensions": [{"name": "KVVM", "properties": {"v": 1}}, {"name": "node", "properties": {"v": 2}}],
        "secrets": ["a", "b"],
    },
}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ()),
        ("properties.certificate.thumbprint", ("properties", "certificate", "thumbprint")),
        ("extensions[name='KVVM'].properties", ("extensions", Named("KVVM"), "properties")),
        ("secrets[0]", ("secrets", 0)),
        ("tags['weird.key']", ("tags", "weird.key")),
        ("['a b'].c", ("a b", "c")),
        ("x[name='it''s']", ("x", Named("it's"))),
        ("x['']", ("x", "")),
    ],
)
def test_a_path_has_one_text_form(text: str, steps: tuple[Any, ...]) -> None:
    assert parse_path(text) == Path(steps)
    assert str(Path(steps)) == text


@pytest.mark.parametrize("text", [".a", "a.", "a..b", "a[", "a[x]", "a.[0]", "a b", "[0]b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_path(text)
    assert caught.value.faults[0].column is not None


def test_keys_and_names_are_found_in_any_case() -> None:
    assert get_at(VMSS, "Properties.Extensions[name='kvvm'].properties.V") == 1
    assert get_at(VMSS, "properties.secrets[7]", "none") == "none"
    assert not has_at(VMSS, "properties.secrets.x")


def test_an_edit_keeps_key_order_and_spelling_and_touches_nothing_else() -> None:
    changed = set_at(VMSS, "PROPERTIES.extensions[name='NODE'].properties.v", 3)
    assert list(changed) == ["sku", "properties"]
    assert changed["properties"]["extensions"][1] == {"name": "node", "properties": {"v": 3}}
    assert changed["sku"] is VMSS["sku"]
    assert VMSS["properties"]["extensions"][1]["properties"]["v"] == 2


def test_setting_makes_what_is_missing_on_the_way() -> None:
    assert set_at({}, "a.b[0].c", 1) == {"a": {"b": [{"c": 1}]}}
    assert set_at({"e": []}, "e[name='x'].properties", {}) == {"e": [{"name": "x", "properties": {}}]}
    assert set_at({"a": None}, "a.b", 1) == {"a": {"b": 1}}


@pytest.mark.parametrize(("path", "new"), [("sku[0]", 1), ("properties.secrets.x", 1), ("properties.secrets[5]", 1)])
def test_a_step_that_cannot_be_taken_is_refused(path: str, new: Any) -> None:
    with pytest.raises(InputError) as caught:
        set_at(VMSS, path, new)
    assert caught.value.faults[0].path


def test_an_appended_element_must_carry_its_name() -> None:
    with pytest.raises(InputError):
        set_at({"e": []}, "e[name='x']", {"name": "y"})


def test_an_edit_in_place_never_creates() -> None:
    assert edit_at(VMSS, "sku.capacity", lambda n: n + 1)["sku"]["capacity"] == 6
    with pytest.raises(InputError):
        edit_at(VMSS, "sku.nothing", lambda n: n)


def test_removing_takes_keys_and_elements_and_leaves_what_is_absent() -> None:
    assert remove_at(VMSS, "properties.secrets[0]")["properties"]["secrets"] == ["b"]
    assert [e["name"] for e in remove_at(VMSS, "properties.extensions[name='kvvm']")["properties"]["extensions"]] == [
        "node"
    ]
    assert remove_at(VMSS, "properties.nothing.below") is VMSS


@pytest.mark.parametrize(
    ("owned", "path", "expected"),
    [
        (["properties.certificate"], "properties.certificate.thumbprint", True),
        (["properties.certificate"], "Properties.Certificate", True),
        (["properties.certificate"], "properties.certificateCommonNames", False),
        (["properties.certificate.thumbprint"], "properties.certificate", False),
        (["e[name='A']"], "e[name='a'].properties", True),
        (["e[0]"], "e[1]", False),
        ([""], "anything", True),
        ([], "anything", False),
    ],
)
def test_a_path_is_covered_at_or_below_an_owned_one(owned: list[str], path: str, expected: bool) -> None:
    assert covers(owned, path) is expected


def told(before: Any, after: Any, **options: bool) -> list[str]:
    return [str(change) for change in diff(before, after, **options)]


def test_differences_are_told_at_the_deepest_place() -> None:
    after = set_at(remove_at(VMSS, "properties.secrets[1]"), "properties.extensions[name='node'].properties.v", 9)
    assert told(VMSS, after) == [
        "Modify properties.extensions[name='node'].properties.v",
        "Delete properties.secrets[1]",
    ]


def test_named_elements_are_matched_by_name_in_any_case_and_order_counts_only_when_asked() -> None:
    before = [{"name": "a", "v": 1}, {"name": "b", "v": 2}]
    after = [{"name": "B", "v": 2}, {"name": "a", "v": 1}]
    assert told(before, after) == ["Modify [name='b'].name"]
    same = [before[1], before[0]]
    assert told(before, same) == []
    assert told({"e": before}, {"e": same}, with_order=True) == ["Modify e"]


def test_elements_whose_names_repeat_are_matched_by_index() -> None:
    assert told([{"name": "a"}, {"name": "a"}], [{"name": "a"}]) == ["Delete [1]"]


@pytest.mark.parametrize(("before", "after"), [(1, True), ("1", 1), (None, ""), ([], {}), ("x", "X"), (0, False)])
def test_values_are_compared_exactly(before: Any, after: Any) -> None:
    assert told({"a": before}, {"a": after}) == ["Modify a"]


def test_null_is_not_absent() -> None:
    assert told({"a": None}, {}) == ["Delete a"]
    assert told({}, {"a": None}) == ["Create a"]


def test_keys_that_differ_in_case_are_one_key_unless_asked() -> None:
    assert told({"A": 1}, {"a": 1}) == []
    assert told({"A": 1}, {"a": 1}, ignore_key_case=False) == ["Delete A", "Create a"]


def test_a_further_named_element_and_one_that_is_gone_are_told_by_name() -> None:
    one, two = {"name": "a", "v": 1}, {"name": "b", "v": 2}
    assert told([one], [one, two]) == ["Create [name='b']"]
    assert told([one, two], [two]) == ["Delete [name='a']"]
    assert told([], [one]) == ["Create [name='a']"]
    assert told([one], []) == ["Delete [name='a']"]
    assert told([one], [one, {"v": 2}]) == ["Create [1]"]
    assert told({"e": [one, two]}, {"e": [two, one, {"name": "c"}]}, with_order=True) == [
        "Create e[name='c']",
        "Modify e",
    ]


def test_elements_without_names_are_compared_place_by_place_and_go_from_the_end() -> None:
    assert told([1, 2, 3, 4], [1, 9]) == ["Modify [1]", "Delete [3]", "Delete [2]"]
    assert told([1], [1, 2, 3]) == ["Create [1]", "Create [2]"]
    assert told([], []) == []
    assert told([{"v": 1}], [{"v": 2}]) == ["Modify [0].v"]


def test_numbers_are_one_kind_and_texts_another() -> None:
    assert told([1, 2.0, "a"], [1.0, 2, "a"]) == []
    assert told([1.5], [1]) == ["Modify [0]"]
    assert told([1.5], ["1.5"]) == ["Modify [0]"]


scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0, "", "x", "X"])


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3).map(
        lambda found: [{"name": name, "v": value} for name, value in found.items()]
    )
    return st.lists(inner, max_size=3) | named | st.dictionaries(st.sampled_from(["p", "q", "r"]), inner, max_size=3)


values = st.recursive(scalars, _containers, max_leaves=10)


@given(values, values)
def test_the_changes_lead_from_one_value_to_the_other(before: Any, after: Any) -> None:
    found = before
    for change in diff(before, after):
        found = remove_at(found, change.path) if change.kind == "Delete" else set_at(found, change.path, change.after)
    assert diff(found, after) == ()
    assert (diff(before, after) == ()) == (diff(after, before) == ())


@given(values)
def test_a_value_does_not_differ_from_its_copy(value: Any) -> None:
    assert diff(value, copy.deepcopy(value), with_order=True) == ()


def test_what_cannot_be_reached_is_told_by_its_kind_and_the_root_stays() -> None:
    for value, said in (({}, "an object"), ("t", "a string"), (True, "a boolean"), (1, "a number"), (1.5, "a number")):
        with pytest.raises(InputError) as caught:
            set_at({"a": value}, "a[0]", 1)
        assert said in caught.value.faults[0].message
    with pytest.raises(InputError) as caught:
        remove_at({}, "")
    assert caught.value.faults[0].path == "$"
