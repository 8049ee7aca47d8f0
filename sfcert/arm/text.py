"""What JSON value does this text hold, read as Azure Resource Manager reads it, and where does each part stand?

Floor 1.

Beyond RFC 8259 it takes what the vendor's parser (Json.NET) takes: `//` and `/* */` comments, a BOM, trailing commas,
tabs and NBSP as white space, raw line breaks within strings, single quotes, unquoted keys (`az` sends `template:`
unquoted). Strict JSON goes through the standard decoder; the careful parser runs only where that fails or a position
is asked for. Left out: what the values mean. Source: learn.microsoft.com, ARM template syntax (comments, multi-line
strings); Json.NET.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sfcert.arm.positions import Parsed, Position, TextWarning, parse_carefully
from sfcert.errors import Fault, InputError

__all__ = ["Document", "Position", "TextWarning", "parse_text"]


class Document:
    """A parsed text: its value, and on demand the place of each part of it."""

    __slots__ = ("_parsed", "file", "text", "value")

    def __init__(self, text: str, file: str | None, value: Any, parsed: Parsed | None = None) -> None:
        self.text = text
        self.file = file
        self.value = value
        self._parsed = parsed

    @property
    def warnings(self) -> tuple[TextWarning, ...]:
        """Keys that stand twice in one object (the last one counts, as in Azure), in the order of the text."""
        return self._parsed.warnings if self._parsed is not None else ()

    def position(self, steps: Iterable[str | int]) -> Position | None:
        """Line and column (from 1) at which the value under these keys and indexes starts.

        Where the path leads on below what the text holds (a value that was computed), its nearest parent answers;
        None only for a path whose first step is not there.

        Effects: none but a memo; the first call parses the text again.
        """
        if self._parsed is None:
            self._parsed = parse_carefully(self.text)
        wanted = tuple(steps)
        while True:
            found = self._parsed.position(wanted)
            if found is not None or not wanted:
                return found
            wanted = wanted[:-1]

    def fault(self, message: str, steps: Iterable[str | int] = (), path: str | None = None) -> Fault:
        """A fault that points at the value under these steps."""
        where = self.position(steps)
        line, column = (where.line, where.column) if where is not None else (None, None)
        return Fault(message, file=self.file, line=line, column=column, path=path)


class _Refused(ValueError):
    """Strict JSON, but with something that the careful parser has to see."""


def parse_text(text: str | bytes, file: str | None = None) -> Document:
    """The JSON value of a template, parameter file or request body.

    Args:
        text: characters, or bytes in UTF-8 (with or without BOM) or UTF-16 with BOM.
        file: the name to show in faults.

    Returns:
        Objects are dicts in the text's order; of a repeated key the last value counts and `warnings` names it.

    Raises:
        InputError: TemplateSyntax, with every fault that could be collected, each with line and column (from 1).

    Effects: none.
    """
    characters = _decoded(text, file)
    try:
        value = json.loads(characters, object_pairs_hook=_object, parse_constant=_constant)
        return Document(characters, file, value)
    except (ValueError, RecursionError):
        pass
    parsed = parse_carefully(characters)
    if parsed.faults:
        faults = [Fault(fault.message, file, fault.position.line, fault.position.column) for fault in parsed.faults]
        name = file or "The text"
        raise InputError("TemplateSyntax", f"{name} is not JSON in the form that Azure accepts.", faults)
    return Document(characters, file, parsed.value, parsed)


def _decoded(text: str | bytes, file: str | None) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    encoding = "utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - (text.rfind(b"\n", 0, error.start) + 1) + 1
        fault = Fault("a byte here is not UTF-8; save the file as UTF-8", file, line, column)
        raise InputError("TemplateSyntax", f"{file or 'The text'} cannot be decoded.", [fault]) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused
    return value


def _constant(name: str) -> Any:
    raise _Refused(name)
