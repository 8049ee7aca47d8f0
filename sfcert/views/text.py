"""How does text fit a terminal? Wrapping, one-line values, durations. Colour only where somebody asked for it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Page:
    """Where a human view is shown: its width in columns, and whether colours are understood there."""

    width: int = 100
    colour: bool = False

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colour else text

    def wrap(self, text: str, indent: int = 0, first: str = "") -> list[str]:
        """Lines no wider than the page; `first` stands before the first one, the rest is indented by as much."""
        lead = " " * indent
        return textwrap.wrap(
            text,
            max(self.width, 40),
            initial_indent=lead + first,
            subsequent_indent=lead + " " * len(first),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [lead + first]


PLAIN = Page()


def short_value(value: Any, longest: int = 72) -> str:
    """A JSON value on one line, cut in the middle where it is long."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def duration(seconds: float) -> str:
    """`3 h 20 min`, `45 s`, `2 d 4 h`: the two largest units that say something."""
    left = round(seconds)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def instant(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC" if value is not None else "unknown"


def table(rows: Iterable[tuple[str, ...]], indent: int = 2) -> list[str]:
    """Left-aligned columns, two blanks between; the last column is not padded."""
    cells = [tuple(row) for row in rows]
    if not cells:
        return []
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    lead = " " * indent
    return [
        lead + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]
