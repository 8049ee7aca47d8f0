"""Which resource of a template is meant by this name, id or loop? Floor 1.

The forms that `dependsOn` and `reference` take, all without regard to case: a symbolic name (with `[0]` for one of a
loop), an id, `Type/name` (names after the type, or between its segments), a loop's name, a full name. Source:
learn.microsoft.com, define the order for deploying resources (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sfcert.arm import identifiers
from sfcert.arm.frame import Lookup, Target
from sfcert.arm.functions.builtin import EvaluationError
from sfcert.arm.symbolic import Symbolic

if TYPE_CHECKING:
    from sfcert.arm.expanded import Resource


class ResourceLookup:
    """An index of one template's resources; asks `outer` for what it does not hold."""

    __slots__ = ("_by", "_outer")

    #: the order in which a name is tried
    _KINDS = ("symbolic", "id", "typed", "loop", "name")

    def __init__(self, resources: Iterable[Resource], outer: Lookup | None = None) -> None:
        self._outer = outer
        self._by: dict[str, dict[str, list[Resource]]] = {kind: {} for kind in self._KINDS}
        for resource in resources:
            self._add(resource)

    def _add(self, resource: Resource) -> None:
        def enter(kind: str, key: str) -> None:
            self._by[kind].setdefault(key.lower(), []).append(resource)

        if resource.symbolic_name is not None:
            enter("symbolic", resource.symbolic_name)
            if resource.loop is not None and isinstance(resource.loop.index, int):
                enter("symbolic", f"{resource.symbolic_name}[{resource.loop.index}]")
        if resource.loop is not None:
            enter("loop", resource.loop.name)
        enter("id", resource.id)
        if (spelled_out := identifiers.spelled_out(resource.id)) is not None:
            enter("id", spelled_out)
        if isinstance(resource.name, Symbolic):
            enter("name", resource.name)
            return
        enter("name", resource.name)
        enter("typed", f"{resource.type}/{resource.name}")
        try:
            enter("typed", identifiers.type_and_names(resource.type, resource.name.split("/")))
        except EvaluationError:
            return  # name and type do not match in segments; its own check says so

    def resources(self, name: str) -> list[Resource]:
        """The resources of the first kind of name that fits."""
        key = name.lower() if isinstance(name, Symbolic) else name.strip("/").lower()
        for kind in self._KINDS:
            found = self._by[kind].get(f"/{key}" if kind == "id" and name.startswith("/") else key)
            if found:
                return found
        return []

    def find(self, name: str) -> tuple[Target, ...]:
        """As Lookup.find."""
        found = tuple(Target(resource.id, resource.api_version) for resource in self.resources(name))
        return found if found or self._outer is None else self._outer.find(name)
