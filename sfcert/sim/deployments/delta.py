"""What would change, as the vendor's what-if words it? Two bodies to a tree of property changes.

Objects give dotted paths; a list gives one `Array` change whose children carry the index as their path. Source:
`WhatIfPropertyChange` of azure-mgmt-resource-deployments 2.0, "ARM template deployment what-if operation".
"""

from __future__ import annotations

import copy
from typing import Any


def property_changes(before: Any, after: Any, path: str = "") -> list[dict[str, Any]]:
    """The changes from one JSON value to another, deepest place first named; empty where they are equal.

    Names are compared without regard to case, as Resource Manager does; numbers and strings are never equal.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        return _object_changes(before, after, path)
    if isinstance(before, list) and isinstance(after, list):
        children = _list_changes(before, after)
        if not children:
            return []
        return [{"path": path, "propertyChangeType": "Array", "before": None, "after": None, "children": children}]
    if _same(before, after):
        return []
    return [_change(path, "Modify", before, after)]


def _object_changes(before: dict[str, Any], after: dict[str, Any], path: str) -> list[dict[str, Any]]:
    spelled = {name.lower(): name for name in after}
    found: list[dict[str, Any]] = []
    for name, old in before.items():
        other = spelled.pop(name.lower(), None)
        here = f"{path}.{name}" if path else name
        if other is None:
            found.append(_change(here, "Delete", old, None))
        else:
            found.extend(property_changes(old, after[other], here))
    for name in spelled.values():
        found.append(_change(f"{path}.{name}" if path else name, "Create", None, after[name]))
    return found


def _list_changes(before: list[Any], after: list[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index in range(max(len(before), len(after))):
        if index >= len(after):
            found.append(_change(str(index), "Delete", before[index], None))
        elif index >= len(before):
            found.append(_change(str(index), "Create", None, after[index]))
        else:
            inner = property_changes(before[index], after[index])
            if not inner:
                continue
            if len(inner) == 1 and inner[0]["path"] == "" and inner[0]["propertyChangeType"] == "Modify":
                found.append(_change(str(index), "Modify", before[index], after[index]))
            else:
                found.append({**_change(str(index), "Modify", None, None), "children": inner})
    return found


def _change(path: str, kind: str, before: Any, after: Any) -> dict[str, Any]:
    return {
        "path": path,
        "propertyChangeType": kind,
        "before": copy.deepcopy(before),
        "after": copy.deepcopy(after),
        "children": None,
    }


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return (type(left) is type(right) and bool(left == right)) or (
        _is_number(left) and _is_number(right) and left == right
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def overlay(before: Any, asked: Any) -> Any:
    """What stands there after a PUT of `asked`, for a provider that cannot say: what is not mentioned stays.

    Objects merge by name without regard to case; everything else is replaced.
    """
    if not isinstance(before, dict) or not isinstance(asked, dict):
        return copy.deepcopy(asked)
    merged = dict(before)
    spelled = {name.lower(): name for name in before}
    for name, value in asked.items():
        known = spelled.get(name.lower(), name)
        merged[known] = overlay(merged.get(known), value)
    return copy.deepcopy(merged)
