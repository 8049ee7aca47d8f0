"""How fast does the world's time move, and when? Five tempos over one virtual clock.

* `manual`: only the control API moves time. Waits are asked for in whole seconds, as Azure does.
* `auto`: whoever looks at something unfinished lets time pass, a quarter of its age and at least 15 s, but never beyond
  its end. A client that polls sees hours pass in a few looks, in the order in which they would have passed.
* `at-once`: a long operation has ended at the first look at it, `looks`: at the look of that number. Waiting for other
  things goes as in `auto`.
* `factor`: a background task of the server moves time by `factor` virtual seconds for each wall second.

Every tempo also obeys the control API. Leaves out: the background task itself (see the server).
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta
from typing import Literal, get_args

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.operations import Operation

Mode = Literal["manual", "auto", "factor", "at-once", "looks"]
_MOVED_BY_LOOKS = frozenset({"auto", "at-once", "looks"})
#: What a client is asked to wait in `auto`, in wall milliseconds. Never 0: an SDK reads that as no advice.
_SHORT_WAIT_MS = 20
_SMALLEST_STEP_S = 15.0
#: What has not ended after so long of virtual time is stuck: a look does not wait for it any longer.
_PATIENCE_S = 48 * 3600.0


class Tempo:
    """The service `tempo`. Synchronous: all of it runs on the event loop's thread."""

    def __init__(self, azure: Azure, mode: Mode = "auto", factor: float = 3600.0, looks: int = 3) -> None:
        assert mode in get_args(Mode), mode
        self._azure = azure
        self.mode: Mode = mode
        self.factor = factor
        self.looks = looks
        self._seen: Counter[str] = Counter()

    def wait_headers(self, seconds: int) -> dict[str, str]:
        """How a client is asked to wait virtual `seconds` in this tempo.

        `Retry-After` holds whole seconds only (the typed clients parse it as an integer), so the fast tempos use the
        milliseconds header, which azure-core obeys where the other is absent.
        """
        if self.mode == "manual":
            return {"Retry-After": str(max(1, seconds))}
        if self.mode != "factor":
            return {"x-ms-retry-after-ms": str(_SHORT_WAIT_MS)}
        return {"x-ms-retry-after-ms": str(max(_SHORT_WAIT_MS, round(seconds * 1000 / self.factor)))}

    def refused_for(self, seconds: int) -> dict[str, str]:
        """How a client that is refused is asked to come again after virtual `seconds`.

        By Retry-After in every tempo, as the real service does. Where looking moves time, being sent away does too:
        whoever comes back has waited.
        """
        if self.mode in _MOVED_BY_LOOKS:
            self._azure.clock.advance(seconds)
        wall_s = seconds / self.factor if self.mode == "factor" else seconds
        return {"Retry-After": str(max(1, math.ceil(wall_s)))}

    def looked_at(self, operation: Operation) -> None:
        """A client has polled `operation`."""
        if operation.done or self.mode not in _MOVED_BY_LOOKS:
            return
        if self.mode == "auto":
            self._pass_time(operation.started, until_done=operation)
            return
        self._seen[operation.id] += 1
        if self._seen[operation.id] >= (1 if self.mode == "at-once" else self.looks):
            self._run_to_its_end(operation)

    def looked_since(self, started: datetime) -> None:
        """A client has looked at something unfinished that began at `started` and is no operation of ARM's."""
        if self.mode in _MOVED_BY_LOOKS:
            self._pass_time(started, until_done=None)

    def _run_to_its_end(self, operation: Operation) -> None:
        clock = self._azure.clock
        latest = clock.now + timedelta(seconds=_PATIENCE_S)
        while not operation.done and (due := clock.next_event_at()) is not None and due <= latest:
            clock.advance_to(due)

    def _pass_time(self, started: datetime, *, until_done: Operation | None) -> None:
        clock = self._azure.clock
        age_s = (clock.now - started).total_seconds()
        end_s = max(_SMALLEST_STEP_S, age_s / 4)
        begun = clock.now
        # Event by event, so that time stops where the thing that was asked for ends.
        while not (until_done is not None and until_done.done):
            due = clock.next_event_at()
            left_s = end_s - (clock.now - begun).total_seconds()
            if due is None or (due - clock.now).total_seconds() > left_s:
                clock.advance(left_s)
                return
            clock.advance_to(due)
