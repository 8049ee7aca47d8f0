"""Linking by inclusion of SAN sets: the three-certificate example, and its laws."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfcert.model.certificate import Certificate
from sfcert.rules.linking import links
from tests import make


def _leaf(label: str, *names: str) -> Certificate:
    return make.leaf(label, dns_names=names).facts


def test_the_three_certificate_example() -> None:
    """A {a}, B {a, b}, C {a, b, c}: the narrower links to each wider one, never back."""
    a, b, c = _leaf("1", "a.example"), _leaf("2", "a.example", "b.example"), _leaf("3", "A.EXAMPLE", "b.example", "c.x")
    assert set(links([a, b, c])) == {(a, b), (a, c), (b, c)}


def test_equal_sets_link_both_ways_and_overlap_alone_does_not() -> None:
    a, b = _leaf("1", "a.example", "b.example"), _leaf("2", "b.example", "a.example")
    assert set(links([a, b])) == {(a, b), (b, a)}
    assert links([a, _leaf("3", "b.example", "c.example")]) == ()


def test_a_certificate_without_names_links_to_nothing() -> None:
    assert links([_leaf("1"), _leaf("2", "a.example")]) == ()


SETS = st.lists(st.sets(st.sampled_from(["a.x", "b.x", "c.x", "d.x"]), min_size=1), min_size=1, max_size=4)


@given(SETS)
def test_links_are_transitive_and_do_not_depend_on_the_order(sets: list[set[str]]) -> None:
    leaves = [_leaf(str(number), *sorted(names)) for number, names in enumerate(sets)]
    found = set(links(leaves))
    assert found == set(links(leaves[::-1]))
    for old, middle in found:
        for other, new in found:
            if other == middle and new != old:
                assert (old, new) in found
