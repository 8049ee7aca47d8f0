"""What can an expression see? Parameters, variables, functions, resources and loops at one place of a template.

Floor 1.

A `Frame` belongs to one template (a nested one has its own); an `Env` is a frame seen from one place of it.
Left out: evaluation itself (see `evaluate`) and how a frame is filled (see `expansion`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from sfcert.arm.edit import find_key
from sfcert.arm.runtime import Runtime, Scope
from sfcert.arm.symbolic import has_symbolic


class UserFunction(msgspec.Struct, frozen=True):
    """A function that the template declares: it sees its own arguments and nothing else."""

    full_name: str
    parameters: tuple[str, ...]
    output: Any


class Target(msgspec.Struct, frozen=True):
    """A resource of the template as `reference()` finds it."""

    id: str
    api_version: str | None


class Lookup(Protocol):
    """How names in `reference('name')` and `dependsOn` find resources of the same template."""

    def find(self, name: str) -> tuple[Target, ...]:
        """Resources of this symbolic name, name, loop name, `Type/name` or id; () where there is none."""


class Frame:
    """One template being expanded. `parameters` and `variables` fill themselves while they are asked for.

    `missing_symbolic`: a parameter with neither value nor default stays an expression instead of being refused.
    """

    __slots__ = (
        "functions",
        "hides",
        "lookup",
        "missing_symbolic",
        "noted",
        "notes",
        "parameter_declarations",
        "parameter_inputs",
        "parameters",
        "pending",
        "scope",
        "source",
        "variable_loops",
        "variable_sources",
        "variables",
    )

    def __init__(self, scope: Scope, *, missing_symbolic: bool = False, source: tuple[str | int, ...] = ()) -> None:
        self.scope = scope
        #: where this template stands in the text that holds it
        self.source = source
        self.missing_symbolic = missing_symbolic
        #: lower-case name -> (declared name, declaration)
        self.parameter_declarations: dict[str, tuple[str, Mapping[str, Any]]] = {}
        #: lower-case name -> value as given (evaluated)
        self.parameter_inputs: dict[str, Any] = {}
        #: lower-case name -> (the runtime that was asked, value)
        self.parameters: dict[str, tuple[Runtime, Any]] = {}
        #: lower-case name -> (declared name, raw value)
        self.variable_sources: dict[str, tuple[str, Any]] = {}
        #: lower-case name -> (index in `variables.copy`, the loop)
        self.variable_loops: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self.variables: dict[str, tuple[Runtime, Any]] = {}
        self.functions: dict[str, UserFunction] = {}
        self.lookup: Lookup | None = None
        #: what is being evaluated now, to notice circles
        self.pending: list[str] = []
        #: what was let pass though a deployment would refuse it: steps from the text's root, sentence
        self.notes: list[tuple[tuple[str | int, ...], str]] = []
        #: whether a secure value stays unknown even where it is given; None for never
        self.hides: Callable[[Any], bool] | None = None
        #: where set, every resource that is referred to by name is written down here
        self.noted: list[Target] | None = None

    def find(self, name: str, *, by_reference: bool = True) -> tuple[Target, ...]:
        """Resources of the template under this name; `reference` by name makes one resource wait for the other."""
        found = self.lookup.find(name) if self.lookup is not None else ()
        if by_reference and self.noted is not None and not name.startswith("/"):
            self.noted.extend(found)
        return found

    def outer_view(self, lookup: Lookup) -> Frame:
        """This frame for a nested template with outer scope: the same values, but its resources are found too."""
        view = Frame(self.scope, missing_symbolic=self.missing_symbolic, source=self.source)
        for name in Frame.__slots__:
            setattr(view, name, getattr(self, name))
        view.lookup = lookup
        return view


class Env:
    """A frame seen from one place, with the runtime to ask there. Cheap to derive."""

    __slots__ = ("arguments", "frame", "lambdas", "live", "loop", "loops", "runtime")

    def __init__(
        self,
        frame: Frame,
        runtime: Runtime,
        *,
        live: bool = True,
        loops: Mapping[str, Any] | None = None,
        loop: str | None = None,
        lambdas: Mapping[str, Any] | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.frame = frame
        self.runtime = runtime
        #: whether `reference` and `list*` may stand here (bodies and outputs, not variables, names and conditions)
        self.live = live
        #: lower-case loop name -> index, a whole number or a Symbolic
        self.loops = loops or {}
        #: the loop that a bare `copyIndex()` means
        self.loop = loop
        self.lambdas = lambdas or {}
        #: inside a user-defined function: its arguments, which then hide the template's parameters
        self.arguments = arguments

    def with_loop(self, name: str, index: Any, *, bare: bool = True) -> Env:
        """This place inside a copy loop; `bare` says that `copyIndex()` without a name means this loop."""
        loops = {**self.loops, name.lower(): index}
        return self._derived(loops=loops, loop=name.lower() if bare else self.loop)

    def with_lambda(self, values: Mapping[str, Any]) -> Env:
        """This place inside a lambda."""
        return self._derived(lambdas={**self.lambdas, **{name.lower(): value for name, value in values.items()}})

    def with_arguments(self, values: Mapping[str, Any]) -> Env:
        """The inside of a user-defined function."""
        return Env(self.frame, self.runtime, live=False, arguments=values)

    def at(self, *, live: bool) -> Env:
        """This place with or without the run-time functions."""
        return self if self.live == live else self._derived(live=live)

    def with_runtime(self, runtime: Runtime) -> Env:
        """This place with another answerer of run-time functions."""
        env = self._derived()
        env.runtime = runtime
        return env

    def _derived(self, **changed: Any) -> Env:
        kept = {name: getattr(self, name) for name in ("live", "loops", "loop", "lambdas", "arguments")}
        return Env(self.frame, self.runtime, **{**kept, **changed})


def remembered(memo: Mapping[str, tuple[Runtime, Any]], key: str, runtime: Runtime) -> tuple[bool, Any]:
    """Whether a value is known from before, and the value. One that an other runtime left open is worked out again."""
    if key not in memo:
        return False, None
    asked, value = memo[key]
    return asked is runtime or not has_symbolic(value), value


def member(container: Mapping[str, Any], key: str, default: Any = None) -> Any:
    """A template's own key (`dependsOn`, `condition`, …), found without regard to case."""
    if key in container:
        return container[key]
    own = find_key(container, key) if isinstance(container, dict) else None
    return default if own is None else container[own]
