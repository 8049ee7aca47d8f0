"""Through which manifests a change is walked: the table and the worked example of the reference's section 3.4."""

from __future__ import annotations

import itertools

import pytest

from sfcert.model.observation import Declaration
from sfcert.trust.phases import describe, is_documented_as_walked_in_phases, walks
from tests.unit.trust.small import NAME, by_name, by_thumbprint, pinned, thumbprint

TWO_NAMES = Declaration(
    kind="common-name", path="p", names=(pinned(NAME, "A"), pinned("b.example.com", "A")), store="My"
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(by_thumbprint("A"), by_name("I"), 3, id="one thumbprint to one name"),
        pytest.param(by_thumbprint("A", "B"), by_name("I"), 3, id="two thumbprints to one name"),
        pytest.param(by_thumbprint("A"), TWO_NAMES, 3, id="one thumbprint to two names"),
        pytest.param(by_thumbprint("A", "B"), TWO_NAMES, 3, id="two thumbprints to two names"),
        pytest.param(by_name("I"), by_thumbprint("A"), 3, id="a name back to a thumbprint"),
        pytest.param(by_thumbprint("A"), by_thumbprint("B"), 3, id="one thumbprint replaced"),
        pytest.param(by_thumbprint("A"), by_thumbprint("A", "B"), 2, id="a secondary added"),
        pytest.param(by_thumbprint("A"), by_thumbprint("B", "A"), 2, id="a primary added"),
        pytest.param(by_thumbprint("A", "B"), by_thumbprint("A"), 2, id="the secondary removed"),
        pytest.param(by_thumbprint("A", "B"), by_thumbprint("B"), 2, id="the primary removed"),
        pytest.param(by_thumbprint("A", "B"), by_thumbprint("B", "A"), 1, id="a swap, which is not seen as a change"),
        pytest.param(by_name("I"), by_name("I", "J"), 1, id="an issuer added to a name"),
        pytest.param(by_name("I"), by_name("J"), 1, id="the issuer of a name replaced"),
        pytest.param(by_name("I"), by_name("I"), 0, id="nothing"),
    ],
)
def test_number_of_walks(before: Declaration, after: Declaration, expected: int) -> None:
    assert len(walks(before, after, "phases")) == expected + 1


def test_the_worked_example_from_thumbprint_to_name() -> None:
    a, i = thumbprint("A")[:8], thumbprint("I")[:8]
    cn = f"CN={NAME}"
    assert [describe(one) for one in walks(by_thumbprint("A"), by_name("I"), "phases")] == [
        f"V:{{TP={a}…}} P:{{TP={a}…}}",
        f"V:{{TP={a}…, {cn} pinned {i}…}} P:{{TP={a}…}}",
        f"V:{{TP={a}…, {cn} pinned {i}…}} P:{{{cn}}}",
        f"V:{{{cn} pinned {i}…}} P:{{{cn}}}",
    ]


def test_the_single_walk_changes_all_lists_at_once() -> None:
    found = walks(by_thumbprint("A"), by_name("I"), "single-walk")
    assert len(found) == 2
    assert found[1].presented.names == (NAME,)


def test_every_walk_starts_and_ends_at_the_declarations() -> None:
    for before, after in [(by_thumbprint("A"), by_thumbprint("A", "B")), (by_name("I"), by_thumbprint("A"))]:
        for reading in ("phases", "single-walk"):
            path = walks(before, after, reading)
            assert path[0].trusted.thumbprints == before.thumbprints
            assert path[-1].trusted.thumbprints == after.thumbprints
            assert path[-1].trusted.names == after.names


def test_trust_is_widened_before_presentation_moves_and_narrowed_after() -> None:
    first, second, third, last = walks(by_thumbprint("A"), by_thumbprint("B"), "phases")
    assert first.presented == second.presented
    assert second.trusted == third.trusted
    assert third.presented == last.presented
    assert set(second.trusted.thumbprints) == {thumbprint("A"), thumbprint("B")}


def test_only_upgrades_of_the_vendors_table_count_as_documented_in_phases() -> None:
    assert is_documented_as_walked_in_phases(by_thumbprint("A"), by_thumbprint("A", "B"))
    assert is_documented_as_walked_in_phases(by_thumbprint("A", "B"), by_thumbprint("B"))
    assert not is_documented_as_walked_in_phases(by_thumbprint("A"), by_thumbprint("B"))
    assert not is_documented_as_walked_in_phases(by_thumbprint("A", "B"), by_thumbprint("B", "A"))
    assert not is_documented_as_walked_in_phases(by_thumbprint("A"), by_name("I"))


def test_while_a_name_stays_and_its_pins_change_with_the_names_the_pins_of_both_sides_are_trusted() -> None:
    both = Declaration(
        kind="common-name", path="p", names=(pinned(NAME, "J"), pinned("b.example.com", "K")), store="My"
    )
    widened = walks(by_name("I"), both, "phases")[1].trusted
    found = {one.common_name: set(one.issuers) for one in widened.names}
    assert found == {NAME: {thumbprint("I"), thumbprint("J")}, "b.example.com": {thumbprint("K")}}
    assert all(one.issuers_text == ",".join(one.issuers) for one in widened.names)
    again = Declaration(kind="common-name", path="p", names=(pinned(NAME, "I", "J"), pinned("b.example.com", "K")))
    kept = walks(by_name("I"), again, "phases")[1].trusted.names[0]
    assert kept.issuers == (thumbprint("I"), thumbprint("J"))


@pytest.mark.parametrize(("before", "after"), [((), ("J",)), (("I",), ())], ids=["before", "after"])
def test_where_one_side_pins_nothing_the_widened_list_pins_nothing(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """A pin narrows: nodes that still run unpinned, or already do, take any issuer."""
    goal = Declaration(kind="common-name", path="p", names=(pinned(NAME, *after), pinned("b.example.com", "K")))
    widened = walks(by_name(*before), goal, "phases")[1].trusted.names[0]
    assert (widened.common_name, widened.issuers, widened.issuers_text) == (NAME, (), "")


def test_no_manifest_is_walked_to_twice_in_a_row() -> None:
    declared = [
        by_thumbprint("A"),
        by_thumbprint("A", "B"),
        by_thumbprint("B", "A"),
        by_name("I"),
        by_name("J"),
        TWO_NAMES,
    ]
    for before in declared:
        for after in declared:
            for reading in ("phases", "single-walk"):
                path = walks(before, after, reading)
                assert all(left != right for left, right in itertools.pairwise(path))
                assert path[0].presented.thumbprints == before.thumbprints
                assert path[-1].presented.thumbprints == after.thumbprints
                assert {one.common_name for one in path[-1].trusted.names} == {one.common_name for one in after.names}


def test_a_name_beside_thumbprints_on_either_side_is_not_documented_as_walked_in_phases() -> None:
    with_name = Declaration(
        kind="both", path="p", thumbprints=by_thumbprint("A", "B").thumbprints, names=(pinned(NAME, "I"),), store="My"
    )
    assert not is_documented_as_walked_in_phases(by_thumbprint("A"), with_name)
    assert not is_documented_as_walked_in_phases(with_name, by_thumbprint("A"))
