"""What can be made to go wrong, and when? The closed list of named faults, each with its switch and its tempo.

A service declares the faults that it knows, with one sentence and its options; arming one sets `azure.switches[name]`
to its options, which the service reads. Nothing outside the declared names and options can be armed.

    tempo of a fault       option
    at once                none (`times` and `chance` bound how often a fault of requests strikes)
    after n looks          `after`: so many requests go by first; those that fit, where it is a fault of requests
    by the clock           `after_s`, `for_s`: virtual seconds until it begins, and how long it lasts

Leaves out: what a fault does, and which requests it strikes (see `strikes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sfcert.sim.kernel.clock import Event, VirtualClock
from sfcert.sim.kernel.strikes import DOORS

#: Every fault takes these.
TEMPO: dict[str, str] = {
    "after": "so many requests go by first: those that fit, where it is a fault of requests (default 0)",
    "after_s": "virtual seconds from now until it begins (default 0)",
    "for_s": "virtual seconds that it lasts (default: until it is disarmed)",
}
#: Every fault of requests takes these as well.
REQUESTS: dict[str, str] = {
    "times": "how often at most (default: without end)",
    "chance": "of each request that fits, from 0 to 1, by the seed (default 1)",
    "match": "a part of the path, in any case (default: every path)",
    "method": "one HTTP method (default: every one that fits)",
    "door": "arm, vault, nodes or sign-in (default: every one of the first three that the fault knows)",
}
_NUMBERS = frozenset({"after", "after_s", "for_s", "times", "chance"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A declared fault. `options` holds its own options with a sentence each; `of_requests`: it strikes requests."""

    name: str
    sentence: str
    options: Mapping[str, str]
    of_requests: bool

    @property
    def takes(self) -> dict[str, str]:
        """Every option that it takes, with a sentence each."""
        return {**self.options, **(REQUESTS if self.of_requests else {}), **TEMPO}


class OptionRefused(ValueError):
    """A fault was armed with an option that it does not take, or with a value that is none of its."""


class Faults:
    """The declared faults and which of them are armed. Arming twice replaces the options."""

    def __init__(self, switches: dict[str, Any], clock: VirtualClock) -> None:
        self._switches = switches
        self._clock = clock
        self._declared: dict[str, Fault] = {}
        self._waiting: dict[str, dict[str, Any]] = {}
        self._events: dict[str, list[Event]] = {}
        self._before_their_time: set[str] = set()
        self._watchers: dict[str, list[Callable[[], None]]] = {}
        self.struck: Counter[str] = Counter()

    def declare(
        self, name: str, sentence: str, options: Mapping[str, str] | None = None, *, of_requests: bool = False
    ) -> None:
        self._declared[name] = Fault(name, sentence, dict(options or {}), of_requests)

    def declared(self) -> list[Fault]:
        """Every fault that can be armed, by name."""
        return [self._declared[name] for name in sorted(self._declared)]

    def watch(self, name: str, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever this fault has begun or ended, for what must react at once."""
        self._watchers.setdefault(name, []).append(changed)

    def catalogue(self) -> dict[str, str]:
        """Every fault that can be armed, by name, with its sentence; sorted."""
        return {fault.name: fault.sentence for fault in self.declared()}

    def arm(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        """Switch a fault on, at once or in the tempo that its options ask for.

        Raises:
            KeyError: no service declared this name.
            OptionRefused: it does not take this option, or not this value.
        """
        fault = self._declared[name]
        given = _checked(fault, dict(options or {}))
        self.disarm(name)
        after_s, for_s = float(given.get("after_s", 0)), given.get("for_s")
        self._waiting[name] = given
        if after_s > 0:
            self._before_their_time.add(name)
            begin = self._clock.after(after_s, lambda: self._its_time_has_come(name), f"fault {name} begins")
            self._events[name] = [begin]
        if for_s is not None:
            end = self._clock.after(after_s + float(for_s), lambda: self.disarm(name), f"fault {name} ends")
            self._events.setdefault(name, []).append(end)
        self._begin_where_due(name)

    def disarm(self, name: str) -> None:
        """Switch a fault off; harmless where it is off."""
        was_on = self._switches.pop(name, None) is not None
        self._waiting.pop(name, None)
        self._before_their_time.discard(name)
        for event in self._events.pop(name, ()):
            event.cancel()
        if was_on:
            self._tell(name)

    def _tell(self, name: str) -> None:
        for changed in self._watchers.get(name, ()):
            changed()

    def armed(self) -> dict[str, Any]:
        """What is armed, with its options; what waits for its time too."""
        on = {name: self._switches[name] for name in self._declared if name in self._switches}
        return on | {name: {**given, "waits": True} for name, given in self._waiting.items()}

    def looked(self) -> None:
        """A request was made: faults of the world that wait for looks come nearer."""
        for name in list(self._waiting):
            if name not in self._before_their_time:
                self._waiting[name]["after"] -= 1
                self._begin_where_due(name)

    def _its_time_has_come(self, name: str) -> None:
        self._before_their_time.discard(name)
        self._begin_where_due(name)

    def _begin_where_due(self, name: str) -> None:
        given = self._waiting[name]
        # a fault of requests counts for itself those that fit
        looks = 0 if self._declared[name].of_requests else given.get("after", 0)
        if name not in self._before_their_time and looks <= 0:
            self._switches[name] = self._waiting.pop(name)
            self._tell(name)


def _checked(fault: Fault, given: dict[str, Any]) -> dict[str, Any]:
    known = fault.takes
    for option, value in given.items():
        if option not in known:
            raise OptionRefused(f"the fault {fault.name} takes no option '{option}'; it takes {', '.join(known)}")
        if option in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise OptionRefused(f"{option} of the fault {fault.name} must be a number that is not negative")
    if given.get("door") is not None and given["door"] not in DOORS:
        raise OptionRefused(f"door must be one of {', '.join(DOORS)}")
    return given
