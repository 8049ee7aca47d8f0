"""How does text fit a terminal? Wrapping, one-line values, counts, durations. Colour only where it was asked for."""

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
    """Where a human view is shown: its width in columns, and whether colours are understood there.

    `is_terminal`: nobody cuts columns out of what is shown or copies ids from it, so that tables are made to fit too.
    """

    width: int = 100
    colour: bool = False
    is_terminal: bool = False

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

    def table(self, rows: Iterable[tuple[str, ...]], indent: int = 2) -> list[str]:
        """As `table`; on a terminal each row takes as many lines as it needs, the further ones indented more.

        A cell that is wider than a line is wrapped, and a word that is, such as a resource id, cut in the middle.
        """
        cells = [tuple(row) for row in rows]
        whole = table(cells, indent)
        if not self.is_terminal or all(len(line) <= self.width for line in whole):
            return whole
        room = self._room(indent + _FURTHER)
        parts = [
            self._columns([row[first:last] for row in cells], indent + (_FURTHER if first else 0), room)
            for first, last in _line_ends(cells, room)
        ]
        return [line for row in zip(*parts, strict=True) for lines in row for line in lines if line.strip()]

    def pairs(self, rows: Iterable[tuple[str, str]], indent: int = 2) -> list[str]:
        """Names and values in two columns; on a terminal a long value goes on below itself."""
        cells = list(rows)
        if not self.is_terminal:
            return table(cells, indent)
        column = indent + max((len(name) for name, _ in cells), default=0) + 2
        found = []
        for name, value in cells:
            first, *more = _wrapped(value, self._room(column))
            found.append(f"{' ' * indent}{name}".ljust(column) + first)
            found += [" " * column + line for line in more]
        return [line.rstrip() for line in found]

    def flow(self, text: str, indent: int = 0) -> list[str]:
        """A sentence on one line; on a terminal on as many as it takes there."""
        lead = " " * indent
        if not self.is_terminal:
            return [lead + text]
        first, *more = _wrapped(text, self._room(indent + _FURTHER))
        return [lead + first, *(" " * (indent + _FURTHER) + line for line in more)]

    def _room(self, column: int) -> int:
        return max(self.width, 40) - column

    def _columns(self, cells: list[tuple[str, ...]], indent: int, room: int) -> list[list[str]]:
        """The lines of each row; more than one only where its single cell is wider than the room."""
        if cells and len(cells[0]) == 1:
            return [[" " * indent + line for line in _wrapped(row[0], room)] for row in cells]
        return [[line] for line in table(cells, indent)]


PLAIN = Page()
#: By how much a row's second line stands further in than its first.
_FURTHER = 4


def _line_ends(cells: list[tuple[str, ...]], room: int) -> list[tuple[int, int]]:
    """From which column to which each line of a row goes, so that none is wider than the room."""
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    found: list[tuple[int, int]] = []
    first, used = 0, widths[0]
    for at, width in enumerate(widths[1:], 1):
        if used + 2 + width > room:
            found.append((first, at))
            first, used = at, width
        else:
            used += 2 + width
    return [*found, (first, len(widths))]


def _wrapped(text: str, room: int) -> list[str]:
    """Lines within the room, broken at blanks; never none."""
    words = " ".join(short_value(word, room) for word in text.split())
    return textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]


def short_value(value: Any, longest: int = 72) -> str:
    """A JSON value on one line, cut in the middle where it is long."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def counted(count: int, one: str) -> str:
    """`1 stage`, `3 stages`, `2 properties`."""
    many = one[:-1] + "ies" if one.endswith("y") else one + "s"
    return f"{count} {one if count == 1 else many}"


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
