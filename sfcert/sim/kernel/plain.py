"""How is a body copied? Plain JSON values alone, which costs a quarter of what a copy of anything costs."""

from __future__ import annotations

from typing import Any


def copied(value: Any) -> Any:
    """A copy of a JSON value that shares no list and no object with it. Strings and numbers are shared: nobody can
    change them."""
    if type(value) is dict:
        return {key: copied(one) for key, one in value.items()}
    if type(value) is list:
        return [copied(one) for one in value]
    return value
