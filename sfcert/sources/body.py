"""What stands at this place of a raw body? Reads that never guess: absent, null, of another type and symbolic are None.

Property names are found without regard to case, as ARM does. Leaves out: what the values mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any


class Body:
    """A raw JSON object, looked into. In a body from an authored template (`symbolic=True`) strings `[…]` are
    expressions that nobody evaluated: they read as None, and `is_symbolic` tells them from absent ones."""

    __slots__ = ("_raw", "_symbolic")

    def __init__(self, raw: Any, *, symbolic: bool) -> None:
        self._raw = raw
        self._symbolic = symbolic

    def raw(self, *path: str) -> Any:
        """The value at `path` as it stands, or None."""
        here = self._raw
        for name in path:
            if not isinstance(here, dict):
                return None
            if name in here:
                here = here[name]
                continue
            wanted = name.lower()
            here = next((value for key, value in here.items() if key.lower() == wanted), None)
        return here

    def is_symbolic(self, *path: str) -> bool:
        return self._symbolic and _is_expression(self.raw(*path))

    def text(self, *path: str) -> str | None:
        value = self.raw(*path)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            return str(value)
        return value if isinstance(value, str) and not (self._symbolic and _is_expression(value)) else None

    def flag(self, *path: str) -> bool | None:
        """A boolean; the strings "true" and "false" count, since many templates write them so."""
        value = self.raw(*path)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return value if isinstance(value, bool) else None

    def number(self, *path: str) -> int | None:
        value = self.raw(*path)
        if isinstance(value, str) and value.isdigit():
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def instant(self, *path: str) -> datetime | None:
        """An instant as ARM writes it (ISO 8601, more digits than Python takes are cut), aware UTC."""
        value = self.text(*path)
        if value is None:
            return None
        head, dot, tail = value.rstrip("Z").partition(".")
        digits = "".join(char for char in tail if char.isdigit())[:6]
        try:
            parsed = datetime.fromisoformat(head + (f".{digits}" if dot and digits else ""))
        except ValueError:
            return None
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)

    def at(self, *path: str) -> Body:
        return Body(self.raw(*path), symbolic=self._symbolic)

    def items(self, *path: str) -> Iterator[Body]:
        """The elements of a list, none where there is no list."""
        value = self.raw(*path)
        for item in value if isinstance(value, list) else []:
            yield Body(item, symbolic=self._symbolic)

    def texts(self, *path: str) -> tuple[str, ...]:
        """The strings of a list, or the one string that stands where a list is meant."""
        value = self.raw(*path)
        if isinstance(value, str) and not (self._symbolic and _is_expression(value)):
            return (value,)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def object(self, *path: str) -> dict[str, Any] | None:
        value = self.raw(*path)
        return value if isinstance(value, dict) else None

    def has(self, *path: str) -> bool:
        return self.raw(*path) is not None


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("[") and value.endswith("]") and not value.startswith("[[")


def from_epoch(value: Any) -> datetime | None:
    """The vault's epoch seconds as aware UTC; None where it is no number."""
    return (
        datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) and not isinstance(value, bool) else None
    )
