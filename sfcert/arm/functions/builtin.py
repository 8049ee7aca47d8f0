"""What does a standard function look like to the evaluator, and how does it say no? Floor 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec


class EvaluationError(Exception):
    """A template that Azure would refuse. Keys and indexes are added while it passes up, so that its place is known.

    `code` is the vendor's error code where known; `column` counts within the expression where one cannot be read.
    """

    def __init__(self, message: str, code: str = "InvalidTemplate", column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.column = column
        self.steps: list[str | int] = []
        self.at_root = False

    def under(self, *steps: str | int) -> EvaluationError:
        """The same error seen from an outer value."""
        if not self.at_root:
            self.steps[:0] = steps
        return self

    def rooted(self, *steps: str | int) -> EvaluationError:
        """The same error with steps from the template's root: its place is a declaration, not where that is used."""
        self.under(*steps)
        self.at_root = True
        return self


class StaySymbolicError(Exception):
    """Raised by a structural function whose answer hangs on a part that is not known: the call stays an expression."""


class Builtin(msgspec.Struct, frozen=True):
    """A pure function of the language.

    `structural` functions look only at the outer shape of their arguments, so that lists and objects with symbolic
    parts may be passed; all others are called only when every argument is known through and through.
    """

    function: Callable[..., Any]
    least: int
    most: int | None
    structural: bool = False


def wrong(name: str, expected: str, value: Any) -> EvaluationError:
    """The refusal of an argument of the wrong type."""
    return EvaluationError(f"The template language function '{name}' expects {expected}, but was given {kind(value)}.")


def kind(value: Any) -> str:
    """A JSON type in the vendor's words."""
    if value is None:
        return "Null"
    names = {bool: "Boolean", int: "Integer", float: "Float", list: "Array", dict: "Object"}
    return next((name for type_, name in names.items() if type(value) is type_), "String")


def need_text(name: str, value: Any) -> str:
    """The argument as text, or the refusal."""
    if not isinstance(value, str):
        raise wrong(name, "a string", value)
    return value


def need_int(name: str, value: Any) -> int:
    """The argument as a whole number, or the refusal."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(name, "a whole number", value)
    return value


def need_list(name: str, value: Any) -> list[Any]:
    """The argument as a list, or the refusal."""
    if not isinstance(value, list):
        raise wrong(name, "an array", value)
    return value


def need_object(name: str, value: Any) -> dict[str, Any]:
    """The argument as an object, or the refusal."""
    if not isinstance(value, dict):
        raise wrong(name, "an object", value)
    return value
