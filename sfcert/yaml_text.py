"""What does a YAML text that people wrote hold? Plain data, or one clear fault with its line. Floor 0.

Beyond the library's safe types: a key that stands twice is a fault instead of the last one winning, a value that its
tag cannot take is a fault instead of a traceback, and aliases can neither loop nor grow beyond measure.
Source: PyYAML 6.0 (measured: tests/unit/test_yaml_text.py); Kubernetes reads manifests as JSON by way of YAML, where
there are no dates and `12:30` is a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from sfcert.errors import Fault, InputError

MOST_VALUES = 1_000_000
MOST_LEVELS = 100
_MERGE = "tag:yaml.org,2002:merge"
#: What marks a template, such as Helm's: it is no YAML before it is rendered.
_TEMPLATE = "{{"
# libyaml where it was built in: ten times faster, with the same safe types
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # the library's loaders carry no types
    """The safe types, and every odd value a fault with its place."""

    def construct_document(self, node: Any) -> Any:
        _check(node)
        return super().construct_document(node)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
            # the library's own slips; without the value, which may be a secret
            kind = str(node.tag).rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"a value cannot be read as {kind}", node.start_mark
            ) from error


class _KubernetesLoader(_Loader):
    """As the API server reads a manifest: what looks like a date or a time of day is a text."""


def _without_dates() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    found: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for first, rules in _Base.yaml_implicit_resolvers.items():
        kept = []
        for tag, pattern in rules:
            if tag.endswith(":timestamp"):
                continue
            if tag.endswith((":int", ":float")):
                # sexagesimal numbers hold a colon, and nothing else of a number does
                pattern = re.compile(rf"(?!.*:)(?:{pattern.pattern})", pattern.flags)
            kept.append((tag, pattern))
        found[first] = kept
    return found


_KubernetesLoader.yaml_implicit_resolvers = _without_dates()


def read_yaml(text: str, file: str, token: str) -> Any:
    """The one document of a text; None where it holds none. See `read_documents` for the rest."""
    return read_tree(text, file, token)[0]


def read_tree(text: str, file: str, token: str) -> tuple[Any, yaml.Node | None]:
    """As `read_yaml`, with the tree that the values were made from: it knows the lines."""
    with _told(text, file, token):
        loader = _Loader(text)
        try:
            tree = loader.get_single_node()
            return (loader.construct_document(tree) if tree is not None else None), tree
        finally:
            loader.dispose()


def places_of_keys(text: str) -> dict[str, tuple[int, int]]:
    """Line and column, from 1, of each key at the top of a text that `read_yaml` has read; empty where it is no
    mapping."""
    node = yaml.compose(text, _Base)
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return {str(key.value): (key.start_mark.line + 1, key.start_mark.column + 1) for key, _ in pairs}


def read_documents(text: str, file: str, token: str) -> tuple[Any, ...]:
    """Every document of a text as Kubernetes reads it, in order; empty ones are None.

    Args:
        file: only named in faults.
        token: of the error.

    Raises:
        InputError: with the token, and the line and column where that is known. No value is shown.
    """
    with _told(text, file, token):
        return tuple(yaml.load_all(text, _KubernetesLoader))


@contextmanager
def _told(text: str, file: str, token: str) -> Iterator[None]:
    """What the library says becomes one fault with its place."""
    at: tuple[int | None, int | None] = (None, None)
    try:
        yield
        return
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark is not None else at
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed")
        if _TEMPLATE in text:
            problem += "; a template with {{ }} in it has to be rendered first"
    except RecursionError:
        problem = f"is nested deeper than {MOST_LEVELS} levels"
    except ValueError:
        problem = "holds characters that are no text"
    # no cause: its text could show a part of a secret
    raise InputError(token, f"{file} is not YAML that can be used.", [Fault(problem, file, *at)]) from None


def _check(root: Any) -> None:
    """Refuse keys that stand twice, loops, and what grows or nests beyond measure. Each node is looked at once."""
    sizes: dict[int, tuple[int, int]] = {}
    open_now: set[int] = set()
    stack: list[tuple[Any, Iterator[Any], list[int]]] = []

    def enter(node: Any) -> None:
        if isinstance(node, yaml.MappingNode):
            _refuse_twice(node)
        open_now.add(id(node))
        stack.append((node, iter(_children(node)), [1, 0]))

    enter(root)
    while stack:
        node, rest, measure = stack[-1]
        child = next(rest, None)
        if child is not None:
            if id(child) in open_now:
                raise yaml.composer.ComposerError(None, None, "an alias leads back to itself", child.start_mark)
            if id(child) not in sizes:
                enter(child)
                continue
            _add(measure, sizes[id(child)])
            continue
        stack.pop()
        open_now.discard(id(node))
        sizes[id(node)] = (measure[0], measure[1] + 1)
        if measure[0] > MOST_VALUES:
            raise yaml.composer.ComposerError(None, None, f"holds more than {MOST_VALUES} values", node.start_mark)
        if measure[1] >= MOST_LEVELS:
            raise yaml.composer.ComposerError(
                None, None, f"is nested deeper than {MOST_LEVELS} levels", node.start_mark
            )
        if stack:
            _add(stack[-1][2], sizes[id(node)])


def _add(measure: list[int], of_child: tuple[int, int]) -> None:
    measure[0] += of_child[0]
    measure[1] = max(measure[1], of_child[1])


def _children(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_twice(node: Any) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            continue
        known = (key.tag, key.value)
        if known in lines:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} stands twice, first in line {lines[known]}", key.start_mark
            )
        lines[known] = key.start_mark.line + 1
