"""Which simulated nodes hold together."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from sfcert.sim.nodes.ring import hold_together

# A node shows one letter and accepts a set of letters.
Person = tuple[int, str, frozenset[str]]
persons = st.lists(
    st.tuples(st.sampled_from("abc"), st.frozensets(st.sampled_from("abc"))), min_size=1, max_size=9
).map(lambda items: [(number, *item) for number, item in enumerate(items)])


def refuses(caller: Person, refuser: Person) -> str | None:
    return None if caller[1] in refuser[2] else f"{caller[1]} is not accepted"


def ring_of(nodes: list[Person], seeds: frozenset[int] = frozenset()) -> set[int]:
    ring = hold_together(nodes, class_of=lambda n: n[1:], refusal=refuses, weight=lambda n: (int(n[0] in seeds), 1))
    return {node[0] for node in ring.members}


@given(persons)
def test_members_accept_one_another_both_ways(nodes: list[Person]) -> None:
    members = [node for node in nodes if node[0] in ring_of(nodes)]
    assert all(refuses(a, b) is None for a, b in product(members, members) if a is not b)


@given(persons)
def test_nobody_could_be_added(nodes: list[Person]) -> None:
    """Law: the set is maximal by classes, so an outsider is at odds with a member or with its own kind."""
    inside = ring_of(nodes)
    members = [node for node in nodes if node[0] in inside]
    for outsider in (node for node in nodes if node[0] not in inside):
        company = [*members, *[other for other in nodes if other[1:] == outsider[1:] and other is not outsider]]
        assert any(refuses(outsider, m) or refuses(m, outsider) for m in company)


def test_seeds_weigh_more_than_numbers() -> None:
    both = frozenset("ab")
    few = [(number, "a", frozenset("a")) for number in range(3)]
    many = [(number, "b", frozenset("b")) for number in range(3, 8)]
    assert ring_of([*few, *many], frozenset({0, 1, 2})) == {0, 1, 2}
    assert ring_of([*few, *many]) == {3, 4, 5, 6, 7}
    assert ring_of([(0, "a", both), (1, "b", both)]) == {0, 1}


def test_refusals_are_told_once_for_each_pair_of_kinds() -> None:
    nodes = [(0, "a", frozenset("a")), (1, "a", frozenset("a")), (2, "b", frozenset("ab"))]
    ring = hold_together(nodes, class_of=lambda n: n[1:], refusal=refuses, weight=lambda n: (0, 1))
    assert [(b.caller[1], b.refuser[1]) for b in ring.breaks] == [("b", "a")]
