"""Where in a JSON value? A path with one text form, by key, by index, or by the `name` of a list's element. Floor 1.

Text form: `properties.certificate.thumbprint`, `extensions[name='KVVM'].properties`, `secrets[0]`, `tags['weird.key']`.
Left out: wildcards and queries. A path names one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import msgspec

from sfcert.errors import Fault, InputError


class Named(msgspec.Struct, frozen=True, order=True):
    """A list's element, found by its `name` (compared without regard to case, as ARM compares names)."""

    name: str


Step = str | int | Named

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*\Z")
_TOKEN = re.compile(
    r"(?P<dot>\.?)(?:(?P<key>[A-Za-z_][A-Za-z0-9_\-]*)"
    r"|\[name='(?P<name>(?:[^']|'')*)'\]"
    r"|\['(?P<quoted>(?:[^']|'')*)'\]"
    r"|\[(?P<index>[0-9]+)\])"
)


class Path(msgspec.Struct, frozen=True):
    """Steps from the root to one place; no steps is the root itself. Prints and parses back to an equal path."""

    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return print_path(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __truediv__(self, step: Step) -> Path:
        return Path((*self.steps, step))

    @property
    def parent(self) -> Path:
        """The path without its last step; the root is its own parent."""
        return Path(self.steps[:-1])


def print_path(steps: Iterable[Step]) -> str:
    """The text form of some steps; the empty string for the root. Effects: none."""
    text = ""
    for step in steps:
        if isinstance(step, Named):
            text += f"[name='{_quoted(step.name)}']"
        elif isinstance(step, int):
            text += f"[{step}]"
        elif _IDENTIFIER.match(step):
            text += f".{step}" if text else step
        else:
            text += f"['{_quoted(step)}']"
    return text


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """The path that a text form names.

    Returns:
        `parse_path(str(path)) == path` for every path. A key may also be written in brackets where it need not be.

    Raises:
        InputError: TemplateInvalid, where the text is no path; says at which column.

    Effects: none.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        dotted = bool(token and token["dot"])
        keyed = bool(token and token["key"] is not None)
        # a dot stands before a key that is not the first step, and nowhere else
        if token is None or dotted != (keyed and at > 0):
            fault = Fault(f"this is not a path from column {at + 1} on: {text!r}", column=at + 1)
            raise InputError("TemplateInvalid", "A path cannot be read.", [fault])
        if keyed:
            steps.append(token["key"])
        elif token["name"] is not None:
            steps.append(Named(token["name"].replace("''", "'")))
        elif token["quoted"] is not None:
            steps.append(token["quoted"].replace("''", "'"))
        else:
            steps.append(int(token["index"]))
        at = token.end()
    return Path(tuple(steps))


def as_path(path: Path | str) -> Path:
    """A path as given, or parsed from its text form."""
    return path if isinstance(path, Path) else parse_path(path)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
