"""How fast does the world's time move, and when? Three tempos over one virtual clock.

* `manual`: only the control API moves time. Waits are asked for in whole seconds, as Azure does.
* `auto`: whoever looks at something unfinished lets time pass, a quarter of its age and at least 15 s, but never beyond
  its end. A client that polls sees hours pass in a few looks, in the order in which they would have passed.
* `factor`: a background task of the server moves time by `factor` virtual seconds for each wall second.

Every tempo also obeys the control API. Leaves out: the background task itself (see the server).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.operations import Operation

Mode = Literal["manual", "auto", "factor"]
#: What a client is asked to wait in `auto`, in wall milliseconds. Never 0: an SDK reads that as no advice.
_SHORT_WAIT_MS = 20
_SMALLEST_STEP_S = 15.0


class Tempo:
    """The service `tempo`. Synchronous: all of it runs on the event loop's thread."""

    def __init__(self, azure: Azure, mode: Mode = "auto", factor: float = 3600.0) -> None:
        assert mode in get_args(Mode), mode
        self._azure = azure
        self.mode: Mode = mode
        self.factor = factor

    def wait_headers(self, seconds: int) -> dict[str, str]:
        """How a client is asked to wait virtual `seconds` in this tempo.

        `Retry-After` holds whole seconds only (the typed clients parse it as an integer), so the fast tempos use the
        milliseconds header, which azure-core obeys where the other is absent.
        """
        if self.mode == "manual":
            return {"Retry-After": str(max(1, seconds))}
        if self.mode == "auto":
            return {"x-ms-retry-after-ms": str(_SHORT_WAIT_MS)}
        return {"x-ms-retry-after-ms": str(max(_SHORT_WAIT_MS, round(seconds * 1000 / self.factor)))}

    def looked_at(self, operation: Operation) -> None:
        """A client has polled `operation`."""
        if self.mode == "auto" and not operation.done:
            self._pass_time(operation.started, until_done=operation)

    def looked_since(self, started: datetime) -> None:
        """A client has looked at something unfinished that began at `started` and is no operation of ARM's."""
        if self.mode == "auto":
            self._pass_time(started, until_done=None)

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
