"""On which line and in which column does each part of a JSON text stand, and what is wrong with it? Floor 1.

The careful parser behind `text`: slower than the standard one, lenient as the vendor's, and it goes on after a fault
where it can, to report them all. Left out: decoding of bytes and the choice between the two parsers (see `text`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

import msgspec

#: Deeper than any real template (the vendor's reader stops at 128), and safe for this parser's own recursion.
MAX_DEPTH = 128
MAX_FAULTS = 20

_SPACE = re.compile(r"(?:[\s\u00a0\ufeff]|//[^\r\n]*|/\*.*?\*/)+", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![0-9A-Za-z_.])")
_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SURROGATES = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "'": "'", "\\": "\\", "/": "/"}
_WORDS = {"true": True, "false": False, "null": None}


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in a text; both count from 1, the column in characters."""

    line: int
    column: int


class TextWarning(msgspec.Struct, frozen=True):
    """What the vendor accepts silently and a reader should know: a key that stands twice."""

    message: str
    position: Position


class TextFault(msgspec.Struct, frozen=True):
    """What makes the text unreadable."""

    message: str
    position: Position


class Parsed:
    """A value with the offsets of its parts. The value is worthless where `faults` is not empty."""

    __slots__ = ("_lines", "_offsets", "faults", "value", "warnings")

    def __init__(
        self,
        value: Any,
        offsets: dict[tuple[str | int, ...], int],
        lines: list[int],
        faults: list[tuple[str, int]],
        warnings: list[tuple[str, int]],
    ) -> None:
        self.value = value
        self._offsets = offsets
        self._lines = lines
        self.faults = tuple(TextFault(message, self._at(offset)) for message, offset in faults)
        self.warnings = tuple(TextWarning(message, self._at(offset)) for message, offset in warnings)

    def position(self, steps: tuple[str | int, ...]) -> Position | None:
        """Where the value under these keys and indexes starts; None where there is no such value."""
        offset = self._offsets.get(steps)
        return None if offset is None else self._at(offset)

    def _at(self, offset: int) -> Position:
        line = bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)


def parse_carefully(text: str) -> Parsed:
    """The value of a JSON text in the vendor's lenient form, with positions, faults and warnings.

    Raises:
        Nothing: faults are returned, at most MAX_FAULTS of them.

    Effects: none.
    """
    parser = _Parser(text)
    value: Any = None
    try:
        value = parser.document()
    except _StopParsingError:
        value = None
    # CR alone also ends a line; CRLF ends one
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]
    return Parsed(value, parser.offsets, starts, parser.faults, parser.warnings)


class _StopParsingError(Exception):
    """Nothing sensible can be read from here on; the faults are already noted."""


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.offsets: dict[tuple[str | int, ...], int] = {}
        self.faults: list[tuple[str, int]] = []
        self.warnings: list[tuple[str, int]] = []

    def document(self) -> Any:
        self._space()
        if self.at >= len(self.text):
            self._stop("the file holds no JSON value")
        value = self._value((), 0)
        self._space()
        if self.at < len(self.text):
            self._stop("there is text after the end of the JSON value")
        return value

    def _fault(self, message: str, offset: int | None = None) -> None:
        self.faults.append((message, self.at if offset is None else offset))
        if len(self.faults) >= MAX_FAULTS:
            raise _StopParsingError

    def _stop(self, message: str, offset: int | None = None) -> None:
        self._fault(message, offset)
        raise _StopParsingError

    def _space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match:
            self.at = match.end()
        if self.text.startswith("/*", self.at):
            self._stop("a comment that starts here is never closed: is the file cut off?")

    def _truncated(self, opener: str, opened_at: int) -> None:
        line = self.text.count("\n", 0, opened_at) + 1
        self._stop(f"the text ends inside the {opener} that starts on line {line}: the file is cut off")

    def _value(self, path: tuple[str | int, ...], depth: int) -> Any:
        self.offsets[path] = self.at
        if depth > MAX_DEPTH:
            self._stop(f"values are nested more than {MAX_DEPTH} deep")
        char = self.text[self.at]
        if char == "{":
            return self._object(path, depth)
        if char == "[":
            return self._array(path, depth)
        if char in "\"'":
            return self._string()
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            return float(number[0]) if number[1] or number[2] else int(number[0])
        word = _WORD.match(self.text, self.at)
        if word and word[0] in _WORDS:
            self.at = word.end()
            return _WORDS[word[0]]
        self._stop(f"expected a value, found {self._found()}")
        raise AssertionError("unreachable: _stop raises")

    def _object(self, path: tuple[str | int, ...], depth: int) -> dict[str, Any]:
        opened_at = self.at
        self.at += 1
        members: dict[str, Any] = {}
        while True:
            self._space()
            if self.at >= len(self.text):
                self._truncated("object", opened_at)
            if self.text[self.at] == "}":
                self.at += 1
                return members
            key_at = self.at
            key = self._key()
            self._space()
            if self.at >= len(self.text):
                self._truncated("object", opened_at)
            if self.text[self.at] == ":":
                self.at += 1
            else:
                self._fault(f"expected ':' after the key \"{key}\", found {self._found()}")
            self._space()
            if self.at >= len(self.text):
                self._truncated("object", opened_at)
            if key in members:
                self.warnings.append((f'the key "{key}" stands twice in this object; the last one counts', key_at))
                self._forget((*path, key))
            members[key] = self._value((*path, key), depth + 1)
            if not self._separator("}", "object", opened_at):
                return members

    def _array(self, path: tuple[str | int, ...], depth: int) -> list[Any]:
        opened_at = self.at
        self.at += 1
        elements: list[Any] = []
        while True:
            self._space()
            if self.at >= len(self.text):
                self._truncated("array", opened_at)
            if self.text[self.at] == "]":
                self.at += 1
                return elements
            elements.append(self._value((*path, len(elements)), depth + 1))
            if not self._separator("]", "array", opened_at):
                return elements

    def _separator(self, closer: str, kind: str, opened_at: int) -> bool:
        """Whether another member may follow. A missing comma is a fault that reading survives."""
        self._space()
        if self.at >= len(self.text):
            self._truncated(kind, opened_at)
        char = self.text[self.at]
        if char == ",":
            self.at += 1
            return True
        if char == closer:
            self.at += 1
            return False
        if char in "\"'" or (closer == "]" and char in "{["):
            self._fault(f"expected ',' or '{closer}', found {self._found()}: is a comma missing before it?")
            return True
        self._stop(f"expected ',' or '{closer}', found {self._found()}")
        raise AssertionError("unreachable: _stop raises")

    def _key(self) -> str:
        if self.text[self.at] in "\"'":
            return self._string()
        word = _WORD.match(self.text, self.at)
        if word is None:
            self._stop(f"expected a key, found {self._found()}")
            raise AssertionError("unreachable: _stop raises")
        self.at = word.end()
        return word[0]

    def _string(self) -> str:
        pattern = _DOUBLE if self.text[self.at] == '"' else _SINGLE
        match = pattern.match(self.text, self.at)
        if match is None:
            self._stop("a string that starts here is never closed: a quote is missing, or the file is cut off")
            raise AssertionError("unreachable: _stop raises")
        start, self.at = match.start(1), match.end()
        raw = match[1]
        if "\\" not in raw:
            return raw

        def unescape(escape: re.Match[str]) -> str:
            body = escape[1]
            if len(body) == 5:
                return chr(int(body[1:], 16))
            if body not in _ESCAPED:
                self._fault(
                    f"'\\{body}' is not an escape that JSON knows (write '\\\\' for a backslash)",
                    start + escape.start(),
                )
                return body
            return _ESCAPED[body]

        text = _ESCAPE.sub(unescape, raw)
        return _SURROGATES.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)

    def _forget(self, path: tuple[str | int, ...]) -> None:
        """Drop the offsets of a value that a later one of the same key replaces."""
        for known in [known for known in self.offsets if known[: len(path)] == path]:
            del self.offsets[known]

    def _found(self) -> str:
        if self.at >= len(self.text):
            return "the end of the text"
        excerpt = re.split(r"[\s,\]}]", self.text[self.at : self.at + 24], maxsplit=1)[0] or self.text[self.at]
        return f"'{excerpt}'"
