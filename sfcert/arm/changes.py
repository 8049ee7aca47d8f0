"""What differs between two JSON values, place by place? Floor 1.

Lists whose elements all carry a unique `name` are matched by it, all others by index. Values are compared exactly: a
number is not a string, true is not "true", and no default is assumed. Left out: which differences matter (the caller
knows).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from sfcert.arm.edit import find_key, name_of
from sfcert.arm.paths import Named, Path


class ChangeKind(StrEnum):
    """The words of the plan format."""

    CREATE = "Create"
    MODIFY = "Modify"
    DELETE = "Delete"


class Change(msgspec.Struct, frozen=True):
    """One place that differs. `before` is None for Create, `after` for Delete: the kind tells absent from null."""

    path: Path
    kind: ChangeKind
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        return f"{self.kind.value} {self.path}"


def diff(before: Any, after: Any, *, ignore_key_case: bool = True, with_order: bool = False) -> tuple[Change, ...]:
    """The changes that lead from one JSON value to another.

    Args:
        before: any JSON value.
        after: any JSON value.
        ignore_key_case: keys that differ only in case are the same key (ARM's own reading).
        with_order: also report a list of named objects whose elements are the same but stand in another order (as one
            Modify of the list's path, with the names before and after).

    Returns:
        Deepest differing places, in the order of `before`, then what only `after` has; () when equal. Elements of a
        list without names that go away are reported from the end, so that applying the changes one by one works.

    Effects: none.
    """
    found: list[Change] = []
    _compare(before, after, (), found, ignore_key_case, with_order)
    return tuple(found)


def _compare(before: Any, after: Any, at: tuple[Any, ...], found: list[Change], fold: bool, order: bool) -> None:
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        _compare_objects(before, after, at, found, fold, order)
    elif isinstance(before, list) and isinstance(after, list):
        _compare_lists(before, after, at, found, fold, order)
    elif not same_value(before, after):
        found.append(Change(Path(at), ChangeKind.MODIFY, before, after))


def _compare_objects(
    before: dict[str, Any], after: dict[str, Any], at: tuple[Any, ...], found: list[Change], fold: bool, order: bool
) -> None:
    taken: set[str] = set()
    for key, old in before.items():
        other = find_key(after, key) if fold else (key if key in after else None)
        if other is None or other in taken:
            found.append(Change(Path((*at, key)), ChangeKind.DELETE, old, None))
        else:
            taken.add(other)
            _compare(old, after[other], (*at, key), found, fold, order)
    found.extend(
        Change(Path((*at, key)), ChangeKind.CREATE, None, new) for key, new in after.items() if key not in taken
    )


def _compare_lists(
    before: list[Any], after: list[Any], at: tuple[Any, ...], found: list[Change], fold: bool, order: bool
) -> None:
    names_before, names_after = _unique_names(before), _unique_names(after)
    # an empty side has no names of its own and takes the other's
    if names_before is None or names_after is None or not (names_before or names_after):
        for index, (old, new) in enumerate(zip(before, after, strict=False)):
            _compare(old, new, (*at, index), found, fold, order)
        for index in range(len(before) - 1, len(after) - 1, -1):
            found.append(Change(Path((*at, index)), ChangeKind.DELETE, before[index], None))
        for index in range(len(before), len(after)):
            found.append(Change(Path((*at, index)), ChangeKind.CREATE, None, after[index]))
        return
    for folded, index in names_before.items():
        step = Named(str(name_of(before[index])))
        if folded in names_after:
            _compare(before[index], after[names_after[folded]], (*at, step), found, fold, order)
        else:
            found.append(Change(Path((*at, step)), ChangeKind.DELETE, before[index], None))
    for folded, index in names_after.items():
        if folded not in names_before:
            found.append(Change(Path((*at, Named(str(name_of(after[index]))))), ChangeKind.CREATE, None, after[index]))
    if order:
        left = [name for name in names_before if name in names_after]
        right = [name for name in names_after if name in names_before]
        if left != right:
            spelled = ([name_of(element) for element in before], [name_of(element) for element in after])
            found.append(Change(Path(at), ChangeKind.MODIFY, *spelled))


def _unique_names(elements: list[Any]) -> dict[str, int] | None:
    """Folded name -> index, in the list's order; None where an element has no name or two have the same."""
    names: dict[str, int] = {}
    for index, element in enumerate(elements):
        name = name_of(element)
        if name is None or name.casefold() in names:
            return None
        names[name.casefold()] = index
    return names


def same_value(left: Any, right: Any) -> bool:
    """Whether two JSON scalars are exactly the same: 1 is not true, 1 is 1.0 (JSON has one kind of number)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    return type(left) is type(right) and bool(left == right)
