"""What does the text between `[` and `]` say? Expression text to tree and back. Floor 1.

Grammar of the vendor: strings in single quotes with `''` for a quote, integers, calls `name(a, b)` and `ns.name(a)`,
then any number of `.property` and `[index]`. Nothing else: no operators, no bare names, no fractions (write
`json('1.5')`). Left out: what a function does. Source: learn.microsoft.com, ARM template expressions (syntax and `[[`
escape).
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from sfcert.errors import Fault, InputError


class Text(msgspec.Struct, frozen=True):
    """A string literal, unescaped."""

    value: str


class Number(msgspec.Struct, frozen=True):
    """An integer literal."""

    value: int


class Call(msgspec.Struct, frozen=True):
    """A function call. `name` keeps the author's spelling; `namespace` is set for user-defined functions."""

    name: str
    args: tuple[Node, ...] = ()
    namespace: str | None = None

    @property
    def key(self) -> str:
        """The name by which functions are compared."""
        return self.name.lower()


class Property(msgspec.Struct, frozen=True):
    """`target.name`."""

    target: Node
    name: str


class Index(msgspec.Struct, frozen=True):
    """`target[index]`."""

    target: Node
    index: Node


Node = Text | Number | Call | Property | Index

_SPACE = r"[\s\u00a0]*"
_TOKEN = re.compile(
    _SPACE + r"(?:(?P<text>'(?:[^']|'')*')|(?P<number>[-+]?[0-9]+(?!\.?[0-9]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>[().,\[\]]))"
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_DEPTH = 100


class ExpressionError(ValueError):
    """An expression that cannot be read; `column` counts from 1 within the expression text, bracket included."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


def is_expression(text: str) -> bool:
    """Whether a template's string is an expression: in square brackets, and not escaped by a second opening one."""
    return len(text) > 1 and text[0] == "[" and text[-1] == "]" and text[1] != "["


def unescape_literal(text: str) -> str:
    """The literal that a template's string stands for: `[[x]` is `[x]`, all else is itself."""
    return text[1:] if text.startswith("[[") and text.endswith("]") else text


def escape_literal(text: str) -> str:
    """The template's string that stands for a literal. Law: `unescape_literal(escape_literal(text)) == text`."""
    return f"[{text}" if text.startswith("[") and text.endswith("]") and len(text) > 1 else text


def parse_expression(text: str) -> Node:
    """The tree of an expression, brackets included.

    Returns:
        `parse_expression(print_expression(node)) == node` for every tree.

    Raises:
        InputError: TemplateInvalid, with the column inside the expression.

    Effects: none but a memo.
    """
    try:
        return parse_node(text)
    except ExpressionError as error:
        fault = Fault(f"{error.message} in the expression {text!r}", column=error.column)
        raise InputError("TemplateInvalid", "An expression cannot be read.", [fault]) from error


@lru_cache(maxsize=8192)
def parse_node(text: str) -> Node:
    """As parse_expression, but raises the bare ExpressionError, for callers that know file and line."""
    parser = _Parser(text, 1)
    node = parser.expression(0)
    if parser.end() != len(text) - 1:
        raise ExpressionError(
            f"expected the end of the expression, found '{text[parser.end() :][:12]}'", parser.end() + 1
        )
    return node


def print_expression(node: Node) -> str:
    """The expression's text, brackets included, with one blank after each comma. Effects: none."""
    return f"[{print_node(node)}]"


def print_node(node: Node) -> str:
    """The expression's text without brackets."""
    if isinstance(node, Text):
        return "'" + node.value.replace("'", "''") + "'"
    if isinstance(node, Number):
        return str(node.value)
    if isinstance(node, Property):
        # a property whose name is no word can only be reached by index
        if not _WORD.match(node.name):
            return f"{print_node(node.target)}[{print_node(Text(node.name))}]"
        return f"{print_node(node.target)}.{node.name}"
    if isinstance(node, Index):
        return f"{print_node(node.target)}[{print_node(node.index)}]"
    prefix = f"{node.namespace}." if node.namespace else ""
    return f"{prefix}{node.name}({', '.join(print_node(arg) for arg in node.args)})"


class _Parser:
    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def _peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self.text, self.at)

    def end(self) -> int:
        """Offset of the next thing that is not white space."""
        at = self.at
        while at < len(self.text) and (self.text[at].isspace() or self.text[at] == "\u00a0"):
            at += 1
        return at

    def _fail(self, expected: str) -> ExpressionError:
        at = self.end()
        rest = self.text[at:-1]
        if rest.startswith("'"):
            return ExpressionError("a string is never closed", at + 1)
        return ExpressionError(f"expected {expected}, found {repr(rest[:12]) if rest else 'the end'}", at + 1)

    def _mark(self, wanted: str) -> bool:
        token = self._peek()
        if token is not None and token["mark"] == wanted and token.end() < len(self.text):
            self.at = token.end()
            return True
        return False

    def expression(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ExpressionError(f"calls are nested more than {_MAX_DEPTH} deep", self.at + 1)
        token = self._peek()
        # the last bracket closes the expression and is no token of it
        if token is None or token.end() >= len(self.text) or token["mark"]:
            raise self._fail("a function, a string or a whole number")
        self.at = token.end()
        node: Node
        if token["text"] is not None:
            node = Text(token["text"][1:-1].replace("''", "'"))
        elif token["number"] is not None:
            node = Number(int(token["number"]))
        else:
            node = self._call(token["word"], depth)
        return self._postfix(node, depth)

    def _call(self, name: str, depth: int) -> Node:
        namespace = None
        if self._mark("."):
            token = self._peek()
            if token is None or token["word"] is None:
                raise self._fail("the name of a function")
            namespace, name = name, token["word"]
            self.at = token.end()
        if not self._mark("("):
            raise self._fail(f"'(' after '{name}'")
        args: list[Node] = []
        if self._mark(")"):
            return Call(name, (), namespace)
        while True:
            args.append(self.expression(depth + 1))
            if self._mark(")"):
                return Call(name, tuple(args), namespace)
            if not self._mark(","):
                raise self._fail("',' or ')'")

    def _postfix(self, node: Node, depth: int) -> Node:
        while True:
            if self._mark("."):
                token = self._peek()
                if token is None or token["word"] is None:
                    raise self._fail("the name of a property")
                self.at = token.end()
                node = Property(node, token["word"])
            elif self._mark("["):
                index = self.expression(depth + 1)
                if not self._mark("]"):
                    raise self._fail("']'")
                node = Index(node, index)
            else:
                return node
