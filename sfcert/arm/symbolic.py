"""Which values could not be known, and how are they carried without being mistaken for known ones? Floor 1.

A `Symbolic` is text that is not data: an expression with its known parts folded in. It is a `str`, so that a
definition that holds some still prints as the template that it came from; its type tells it from a literal that
begins with a bracket. Left out: how expressions are evaluated (see `evaluate`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfcert.arm.edit import name_of
from sfcert.arm.expression import Call, Index, Node, Number, Text, escape_literal, print_expression
from sfcert.arm.paths import Named, Path


class Symbolic(str):
    """The text `[expression]` of a value that is not known; `node` is its tree, `why` the reason in words."""

    __slots__ = ("node", "why")

    node: Node
    why: str

    def __new__(cls, node: Node, why: str = "") -> Symbolic:
        self = super().__new__(cls, print_expression(node))
        self.node = node
        self.why = why or _reason(node)
        return self

    def __repr__(self) -> str:
        return f"Symbolic({str(self)!r})"

    def __getnewargs__(self) -> tuple[Node, str]:  # type: ignore[override]  # copy and pickle rebuild it from the tree
        return (self.node, self.why)


class Partial:
    """An object of which only some keys are known, such as `resourceGroup()` where its location is not.

    Lives only while an expression is evaluated: `.key` of a known key is its value, anything else becomes Symbolic.
    """

    __slots__ = ("known",)

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = known


class Unknown:
    """The type of UNKNOWN."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


#: What a runtime answers when it cannot tell. Never a value of a document.
UNKNOWN: Final = Unknown()


def is_symbolic(value: Any) -> bool:
    """Whether this very value is an expression that could not be evaluated."""
    return isinstance(value, Symbolic)


def has_symbolic(value: Any) -> bool:
    """Whether the value is symbolic, or holds a symbolic value or key at any depth."""
    if isinstance(value, str):
        return isinstance(value, Symbolic)
    if isinstance(value, dict):
        return any(isinstance(key, Symbolic) or has_symbolic(part) for key, part in value.items())
    if isinstance(value, list):
        return any(has_symbolic(part) for part in value)
    return False


def symbolic_paths(value: Any, at: Path | None = None) -> Iterator[tuple[Path, Symbolic]]:
    """Every symbolic value with its path (lists as `diff` addresses them), in the value's order.

    A symbolic key counts at its object's path.
    """
    here = at or Path()
    if isinstance(value, Symbolic):
        yield here, value
    elif isinstance(value, dict):
        for key, part in value.items():
            if isinstance(key, Symbolic):
                yield here, key
            yield from symbolic_paths(part, here / str(key))
    elif isinstance(value, list):
        names = [name_of(part) for part in value]
        spelled = [name.lower() for name in names if name is not None and not is_symbolic(name)]
        by_name = len(set(spelled)) == len(value)
        for index, (name, part) in enumerate(zip(names, value, strict=True)):
            yield from symbolic_paths(part, here / (Named(name) if by_name and name is not None else index))


def to_template(value: Any) -> Any:
    """The value as a template has to write it: expressions as plain text, literals that look like expressions escaped.

    Returns:
        Plain JSON types only. Expanding the result gives the value back.
    """
    if isinstance(value, Symbolic):
        return str.__str__(value)
    if isinstance(value, str):
        return escape_literal(value)
    if isinstance(value, dict):
        return {to_template(key): to_template(part) for key, part in value.items()}
    if isinstance(value, list):
        return [to_template(part) for part in value]
    return value


def to_plain(value: Any) -> Any:
    """The value in plain JSON types, expressions as their text.

    Literals are not escaped: keep `symbolic_paths` beside it.
    """
    if isinstance(value, str):
        return str.__str__(value) if isinstance(value, Symbolic) else value
    if isinstance(value, dict):
        return {to_plain(key): to_plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [to_plain(part) for part in value]
    return value


def to_node(value: Any) -> Node:
    """The expression that evaluates to this value, whose symbolic parts stay what they are."""
    if isinstance(value, Symbolic):
        return value.node
    if isinstance(value, str):
        return Text(value)
    if value is None:
        return Call("null")
    if isinstance(value, bool):
        return Call("true" if value else "false")
    if isinstance(value, int):
        return Number(value)
    if isinstance(value, list):
        return Call("createArray", tuple(to_node(part) for part in value))
    if isinstance(value, dict):
        return Call("createObject", tuple(to_node(part) for pair in value.items() for part in pair))
    return Call("json", (Text(json.dumps(value)),))


def _reason(node: Node) -> str:
    """The innermost functions that nobody could answer, in words."""
    names: list[str] = []

    def visit(part: Node) -> None:
        if isinstance(part, Call):
            before = len(names)
            for arg in part.args:
                visit(arg)
            if len(names) == before and (part.key in _OPEN or part.key.startswith("list")):
                first = part.args[0].value if part.args and isinstance(part.args[0], Text) else ""
                name = f"{part.name}('{first}')" if first else f"{part.name}()"
                if name not in names:
                    names.append(name)
        elif not isinstance(part, (Text, Number)):
            visit(part.target)
            if isinstance(part, Index):
                visit(part.index)

    visit(node)
    return (
        f"{', '.join(names)} is known only to Azure at run time" if names else "it depends on something not known here"
    )


#: The functions (besides `list…`) that nobody but a running Azure, or the author of a parameter file, can answer.
_OPEN = frozenset(
    (
        *("reference", "references", "resourcegroup", "subscription", "managementgroup", "tenant", "environment"),
        *("deployment", "deployer", "utcnow", "newguid", "resourceid", "providers", "pickzones", "getsecret"),
        *("parameters", "variables", "copyindex", "uniquestring", "guid"),
    )
)
