"""Under which id does a resource of an authored template stand, when its group or even its name is not known? Floor 2.

Where a name is an expression, its text stands in the id, with `%2F` for each slash, so that the id keeps its segments.
Left out: whether two different expressions come to the same name.
"""

from __future__ import annotations

import re

from sfcert.arm.expanded import Resource
from sfcert.arm.expression import Call, Node, Text, print_expression
from sfcert.arm.identifiers import type_and_names
from sfcert.arm.runtime import Scope
from sfcert.arm.symbolic import Symbolic, is_symbolic

#: Stand in an id for what a template does not know.
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
RESOURCE_GROUP = "resource-group"

_HOLE = re.compile(r"\{([0-9]+)\}\Z")


def authored_scope() -> Scope:
    """The scope of a template that nobody has deployed yet."""
    return Scope(subscription_id=SUBSCRIPTION, resource_group=RESOURCE_GROUP, synthetic=True)


def authored_id(resource: Resource) -> str | None:
    """The id under which a resource stands in the bundle; None where its name does not tell its segments."""
    if not is_symbolic(resource.id):
        return resource.id
    parts = [_segment(part) for part in name_parts(resource.name)]
    if len(parts) != resource.type.count("/"):
        return None
    subscription = _segment(resource.scope.subscription_id or SUBSCRIPTION)
    group = _segment(resource.scope.resource_group or RESOURCE_GROUP)
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{type_and_names(_plain(resource.type), parts)}"
    )


def parent_id(resource_id: str) -> str:
    """The id of the resource that a child belongs to."""
    return resource_id.rsplit("/", 2)[0]


def name_parts(name: str) -> list[str]:
    """A full name in its segments, as far as text between slashes can be seen.

    `concat(parameters('vault'), '/add')` -> `[parameters('vault')]`, `add`.
    """
    if not isinstance(name, Symbolic):
        return name.split("/")
    return [_text_of(nodes) for nodes in _split(name.node)]


def _split(node: Node) -> list[list[Node]]:
    if isinstance(node, Text):
        return [[Text(part)] for part in node.value.split("/")]
    if isinstance(node, Call) and node.namespace is None and node.key == "concat":
        segments: list[list[Node]] = [[]]
        for arg in node.args:
            first, *rest = _split(arg)
            segments[-1] += first
            segments += rest
        return segments
    if isinstance(node, Call) and node.namespace is None and node.key == "format" and isinstance(node.args[0], Text):
        holes = [_HOLE.match(part) for part in node.args[0].value.split("/")]
        numbers = [int(hole[1]) for hole in holes if hole is not None]
        if len(numbers) == len(holes) and all(number + 1 < len(node.args) for number in numbers):
            return [segment for number in numbers for segment in _split(node.args[number + 1])]
    return [[node]]


def _text_of(nodes: list[Node]) -> str:
    texts = [node.value for node in nodes if isinstance(node, Text)]
    if len(texts) == len(nodes):
        return "".join(texts)
    kept = [node for node in nodes if node != Text("")]
    return print_expression(kept[0] if len(kept) == 1 else Call("concat", tuple(kept)))


def _segment(text: str) -> str:
    return _plain(text).replace("/", "%2F")


def _plain(text: str) -> str:
    return str.__str__(text)
