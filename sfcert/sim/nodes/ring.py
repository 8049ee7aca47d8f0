"""Which nodes still hold together? The largest set that accepts one another, and who refused whom.

Nodes with equal credentials and equal rules are one class, so that the cost grows with the variety, not with the number
of nodes. The pessimistic reading: a pair that would not accept each other is broken at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

T = TypeVar("T")

# Beyond this many classes the largest set is looked for greedily: 2^12 subsets are still nothing.
EXACT_UP_TO = 12


@dataclass(frozen=True, slots=True)
class Break(Generic[T]):
    """`refuser` does not accept what `caller` presents."""

    caller: T
    refuser: T
    reason: str


@dataclass(frozen=True, slots=True)
class Ring(Generic[T]):
    members: tuple[T, ...]
    outside: tuple[T, ...]
    breaks: tuple[Break[T], ...]


def hold_together(
    nodes: Sequence[T],
    *,
    class_of: Callable[[T], Hashable],
    refusal: Callable[[T, T], str | None],
    weight: Callable[[T], tuple[int, int]],
) -> Ring[T]:
    """The set of nodes that all accept each other, both ways, with the greatest weight.

    Args:
        nodes: every running node that presents something.
        class_of: nodes with the same value are interchangeable for `refusal`.
        refusal: why the second refuses the first, or None.
        weight: summed over a set and compared, seeds before mere nodes.

    Returns:
        Members and the others in the order given, and one `Break` per pair of classes (its first nodes stand for them).
    """
    classes: dict[Hashable, list[T]] = {}
    for node in nodes:
        classes.setdefault(class_of(node), []).append(node)
    groups = list(classes.values())
    breaks: list[Break[T]] = []
    friends: dict[tuple[int, int], bool] = {}
    for first, one in enumerate(groups):
        for second in range(first, len(groups)):
            other = groups[second]
            ways = ((one[0], other[0]), (other[0], one[0])) if first != second else ((one[0], one[-1]),)
            refused = [Break(caller, refuser, why) for caller, refuser in ways if (why := refusal(caller, refuser))]
            # A single node need not accept itself.
            alone = first == second and len(one) == 1
            friends[first, second] = friends[second, first] = alone or not refused
            breaks.extend([] if alone else refused)
    chosen = _best(groups, friends, weight)
    members = {id(node) for index in chosen for node in groups[index]}
    return Ring(
        tuple(node for node in nodes if id(node) in members),
        tuple(node for node in nodes if id(node) not in members),
        tuple(breaks),
    )


def _best(
    groups: list[list[T]], friends: dict[tuple[int, int], bool], weight: Callable[[T], tuple[int, int]]
) -> tuple[int, ...]:
    sums = [(sum(weight(node)[0] for node in group), sum(weight(node)[1] for node in group)) for group in groups]
    usable = [index for index in range(len(groups)) if friends[index, index]]

    def total(subset: Iterable[int]) -> tuple[int, int]:
        return (sum(sums[i][0] for i in subset), sum(sums[i][1] for i in subset))

    if len(usable) > EXACT_UP_TO:
        chosen: list[int] = []
        for index in sorted(usable, key=lambda i: sums[i], reverse=True):
            if all(friends[index, other] for other in chosen):
                chosen.append(index)
        return tuple(chosen)
    best: tuple[int, ...] = ()
    for size in range(1, len(usable) + 1):
        for subset in combinations(usable, size):
            if all(friends[pair] for pair in combinations(subset, 2)) and total(subset) > total(best):
                best = subset
    return best
