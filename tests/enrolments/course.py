"""What is typed in one case of the soak, and what became of it. Not a test.

under the faults       `enrol`, and `merge` where somebody signs by hand, so often as the case says
without them           the same command until it is done: at most twice, as an ended order is told once
done                   the same command once more
due                    `renew --due` under other faults, without them, and once more; then `renew`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.enrolments import laws
from tests.enrolments.authority import Whim
from tests.enrolments.cases import Break, Case
from tests.enrolments.wire import Interruption, Process
from tests.enrolments.world import Ended, World

Json = dict[str, Any]
_PAUSE_S = 60.0
#: Longer than any back-off.
_NEXT_DAY_S = 33 * 3600.0
_TRIES = 2
#: Changes of a policy that the certificate that stands does not satisfy.
_NEEDS_NEW = ("validity_months", "dns_names", "ekus", "key")


@dataclass
class Told:
    """How a case went. `broken` names the laws that do not hold; `struck` what of the case was met at all."""

    case: Case
    runs: list[Ended] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    struck: set[str] = field(default_factory=set)

    @property
    def trace(self) -> list[str]:
        """What happened, without what differs from one process to the next (keys, and what follows from them)."""
        return [
            f"{one.arguments[0]} {one.code} {one.outcome or one.token}: {', '.join(one.effects)}" for one in self.runs
        ]


def run_case(case: Case, folder: Path) -> Told:
    """Enrol, finish, renew; every law is asked on the way."""
    told = Told(case)
    with World(case, folder) as world:
        world.write_policy()
        world.write_bundle()
        course = _Course(world, told)
        course.enrol()
        if case.pins != "wrong" and not told.broken and told.runs[-1].code == 0:
            course.renew()
    told.broken = list(dict.fromkeys(told.broken))
    return told


class _Course:
    def __init__(self, world: World, told: Told) -> None:
        self._world, self._told, self._case = world, told, world.case
        self._bad_days(self._case.faults, self._case.whims)

    # -- enrolling -----------------------------------------------------------------------------------------------------

    def enrol(self) -> None:
        case, world, told = self._case, self._world, self._told
        for number in range(case.runs):
            self._once(number, case.brought[number], self._process(case.breaks, number))
            if case.change is not None and case.change[0] == number:
                self._change(case.change[1])
            world.clock.sleep(_PAUSE_S)
        self._good_days()
        last = self._finish()
        if "elsewhere" in told.struck and case.is_acme:
            # what the other machine left, it takes away itself
            self._keep(world.enrol(state="state-elsewhere"))
        told.broken += laws.of_the_end(world, last)
        self._counts_versions(1)
        if last.code == 0:
            self._again()
        told.broken += laws.of_orders(world)

    def _once(self, number: int, brought: str, process: Process, *more: str) -> Ended:
        """One sitting: the command, and where somebody signs by hand the chain is brought back."""
        ended = self._keep(self._world.enrol(*more, process=process))
        if ended.outcome == "waiting" and not process.is_dead:
            self._world.sign(brought)
            # the effects of both sittings count as those of one run
            ended = self._keep(self._world.merge(process=process))
        return ended

    def _finish(self) -> Ended:
        more: tuple[str, ...] = ()
        for number in range(_TRIES + self._has_strangers()):
            ended = self._once(number, "good", Process(), *more)
            if ended.code == 0 or ended.token == "GateRefused":
                break
            # a person reads what stands there, and ends it
            more = ("--cancel-pending",) if ended.token == "PendingForeign" else ()
            self._world.clock.sleep(1800)
        return ended

    def _has_strangers(self) -> int:
        return int(self._case.change is not None or any(one.who == "elsewhere" for one in self._case.breaks))

    def _again(self) -> None:
        world, before = self._world, self._world.ca.ledger.new_orders
        ended = self._keep(world.enrol())
        if ended.outcome != "unchanged" or ended.effects or world.ca.ledger.new_orders != before:
            self._told.broken.append(f"done, and yet: {ended}; {', '.join(ended.effects)}")

    def _change(self, change: Json) -> None:
        """Somebody writes another policy: what was ordered for the one before is let go."""
        self._world.write_policy(**change)
        for order in self._world.ca.orders:
            order["is_let_go"] = True

    def _counts_versions(self, wanted: int) -> None:
        world, case = self._world, self._case
        if case.pins == "wrong":
            wanted = 0
        # a certificate that was there before the change is followed by one for the new policy; of two processes that
        # overlap each may bring one
        more = case.change is not None and any(key in _NEEDS_NEW for key in case.change[1])
        overlaps = sum(one.who != "killed" for one in (*case.breaks, *case.later_breaks))
        most = wanted + (more + overlaps if wanted else 0)
        if not wanted <= world.versions <= most:
            self._told.broken.append(f"{world.versions} versions instead of {wanted} to {most}")

    # -- renewing ------------------------------------------------------------------------------------------------------

    def renew(self) -> None:
        case, world, told = self._case, self._world, self._told
        if case.way == "by-hand" or world.now_policy.get("renewal", {}).get("by") != "sfcert":
            return
        before = world.versions
        if self._due(Process()).effects or world.versions != before:
            told.broken.append("renew --due renews what is not due")
        # past the end of the advice, or of three quarters of the life
        months = world.now_policy.get("validity_months", 4)
        world.clock.sleep(timedelta(days=70 if case.is_acme else 24 * months).total_seconds())
        self._bad_days(case.later_faults, case.later_whims)
        for number in range(2):
            self._due(self._process(case.later_breaks, number))
            world.clock.sleep(_NEXT_DAY_S)
        self._good_days()
        for _ in range(_TRIES):
            ended = self._due(Process())
            world.clock.sleep(_NEXT_DAY_S)
        overlaps = sum(one.who != "killed" for one in case.later_breaks)
        if ended.code != 0 or not before + 1 <= world.versions <= before + 1 + overlaps:
            told.broken.append(f"due, and {world.versions - before} new versions: {ended}")
        told.broken += laws.of_the_end(world, ended)
        before = world.versions
        ended = self._keep(world.renew())
        if ended.code != 0 or world.versions != before + 1:
            told.broken.append(f"renewed by hand, and {world.versions - before} new versions: {ended}")
        told.broken += laws.of_the_end(world, ended)
        self._again()
        told.broken += laws.of_orders(world)

    def _due(self, process: Process) -> Ended:
        return self._keep(self._world.renew("--due", process=process))

    # -- how -----------------------------------------------------------------------------------------------------------

    def _keep(self, ended: Ended) -> Ended:
        self._told.runs.append(ended)
        self._told.broken += laws.of_every_run(self._world, ended)
        return ended

    def _process(self, breaks: Sequence[Break], number: int) -> Process:
        found = next((one for one in breaks if one.run == number), None)
        if found is None:
            return Process()

        def meanwhile() -> None:
            self._told.struck.add(found.who)
            state = "state" if found.who == "same" else "state-elsewhere"
            self._keep(self._world.enrol(state=state))

        return Process(Interruption(found.at, found.is_after, None if found.who == "killed" else meanwhile))

    def _bad_days(self, faults: Mapping[str, Json], whims: Sequence[Whim]) -> None:
        for name, options in faults.items():
            self._world.azure.faults.arm(name, deepcopy(options))
        self._world.ca.whims = deepcopy(list(whims))

    def _good_days(self) -> None:
        azure = self._world.azure
        self._told.struck |= {name for name, times in azure.faults.struck.items() if times}
        self._told.struck |= {one.split(" x")[0] for one in self._world.ca.ledger.struck}
        for one in list(azure.faults.armed()):
            azure.faults.disarm(one)
        self._world.forget_echoes()
        self._world.ca.whims = []
        self._world.dns_is_silent.times = self._world.dns_is_late.times = 0
