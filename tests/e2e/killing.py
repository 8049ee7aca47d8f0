"""A process that dies at a chosen moment: ports and effects that end the run by an exception nobody catches.

Not a test. Moments are counted calls of the ports, reads and writes and waits alike; effects are counted writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from sfcert.cli.commands.apply import ports_for
from sfcert.cli.connect import connect
from sfcert.cli.plan_file import load_plan
from sfcert.cli.source import Source
from sfcert.model.plan import Plan
from sfcert.model.progress import Event
from sfcert.ports import Ports
from sfcert.workflows.apply import Outcome, apply
from tests.e2e.site import Site

T = TypeVar("T")


class Killed(BaseException):
    """The process died here. Outside `Exception`, so that nothing on the way may hold it."""


class Moments:
    """Counts what passes and kills at one of them. `at` None: never; `count` says how many there were."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0

    def pass_one(self) -> None:
        if self.count == self.at:
            raise Killed
        self.count += 1


class _Counted:
    """A port whose every call is a moment; one in the middle of a call is after it was carried out."""

    def __init__(self, port: Any, moments: Moments) -> None:
        self._port = port
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._moments.pass_one()
            result = found(*arguments, **named)
            self._moments.pass_one()
            return result

        return call


def counted(ports: Ports, moments: Moments) -> Ports:
    """The same ports, each call of which counts twice: before and after it is carried out."""
    return replace(
        ports,
        arm=_Counted(ports.arm, moments),
        vaults=_Counted(ports.vaults, moments),
        clock=_Counted(ports.clock, moments),
        nodes=_Counted(ports.nodes, moments) if ports.nodes is not None else None,
    )


class Effects:
    """The seam for effects: dies before or after the n-th one. `keys` lists those that were carried out."""

    def __init__(self, *, before: int | None = None, after: int | None = None) -> None:
        self._before = before
        self._after = after
        self.keys: list[str] = []

    def __call__(self, key: str, effect: Callable[[], T]) -> T:
        if len(self.keys) == self._before:
            raise Killed
        result = effect()
        self.keys.append(key)
        if len(self.keys) - 1 == self._after:
            raise Killed
        return result


class KilledAt:
    """Listens to the run and dies at the first event of this type and stage."""

    def __init__(self, kind: str, stage: str) -> None:
        self._kind = kind
        self._stage = stage

    def __call__(self, event: Event) -> None:
        if event.type == self._kind and event.data.get("stage") == self._stage:
            raise Killed


def plan_and_ports(site: Site) -> tuple[Plan, Ports]:
    """The site's plan as it lies on disk, and what `apply` would reach it by."""
    plan = load_plan(site.plan_file)
    source = Source(
        cluster=plan.cluster_id,
        bundle=None,
        template=None,
        parameters=None,
        now=None,
        sf_client_certificate=site.client_certificate,
    )
    return plan, ports_for(plan, source, connect(source))


def run_plan(
    site: Site,
    *,
    moments: Moments | None = None,
    effects: Effects | None = None,
    emit: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Apply the site's plan as the command does, with these in the way."""
    plan, ports = plan_and_ports(site)
    if moments is not None:
        ports = counted(ports, moments)
    return apply(plan, ports, confirm=lambda question: True, emit=emit, steps=effects or Effects())
