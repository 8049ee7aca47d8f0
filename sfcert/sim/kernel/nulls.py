"""What does null mean in a body that is written? Nothing: it is the same as leaving the property out.

Pure. Source: the Resource Manager guidelines for PUT. What a PATCH makes of null is its provider's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def without_nulls(given: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A body with what is null left out: a PUT that says null says nothing, and a GET never shows one.

    `settings` of extensions belong to their handlers and are left as they are; what stands as null already (a captured
    body) stays so.
    """
    before = known or {}
    return {
        name: value if name == "settings" else _without(value, before.get(name))
        for name, value in given.items()
        if value is not None or (name in before and before[name] is None)
    }


def _without(value: Any, before: Any) -> Any:
    if isinstance(value, list):
        return [_without(one, None) for one in value]
    if isinstance(value, dict):
        return without_nulls(value, before if isinstance(before, dict) else None)
    return value
