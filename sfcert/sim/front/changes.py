"""What does a body become? Merging as a PATCH of Resource Manager does."""

from __future__ import annotations

import copy
from typing import Any


def merge_patch(before: Any, patch: Any) -> Any:
    """`before` with `patch` laid over it: objects merge by name, null removes, all else replaces. Neither is changed.

    Source: RFC 7396, which the Azure Resource Manager guidelines ask of PATCH.
    """
    if not isinstance(before, dict) or not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(before)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return copy.deepcopy(merged)
