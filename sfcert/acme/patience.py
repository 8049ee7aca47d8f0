"""How long is one thing waited for, and how long an order in all? Floor 5."""

from __future__ import annotations

from datetime import datetime, timedelta

from sfcert.errors import ConvergenceError, RemoteError
from sfcert.ports import Clock


class Patience:
    """The wait for one thing, begun now. What was slept counts even where the clock is set back meanwhile.

    Args:
        ca: whom the order is with, for the messages.
        longest_s: how long this one thing may take, in seconds.
        until_utc: when the time for the whole order is over, aware; None: never.
    """

    def __init__(self, ca: str, clock: Clock, *, longest_s: float, until_utc: datetime | None) -> None:
        self._ca = ca
        self._clock = clock
        self._longest_s = longest_s
        self._began = clock.now()
        self._slept_s = 0.0
        self._until = until_utc

    def check(self, what: str, *, operation: str) -> None:
        """Nothing, as long as there is time left.

        Args:
            what: what has not come about yet: the beginning of a sentence.

        Raises:
            ConvergenceError: NotConverged, where the order's time is over.
            RemoteError: AcmeOrderFailed, where this thing took too long.
        """
        now = self._clock.now()
        waited_s = max(self._slept_s, (now - self._began).total_seconds())
        if self._until is not None and now >= self._until:
            raise ConvergenceError(
                "NotConverged",
                f"{what}, and the time for this run is over. The same command takes the order up where it stands.",
                elapsed_s=waited_s,
            )
        if waited_s >= self._longest_s:
            raise RemoteError(
                "AcmeOrderFailed",
                f"{what} within {self._longest_s:.0f} s. Run this again: the order is taken up where it stands.",
                service=self._ca,
                operation=operation,
                transient=True,
            )

    def sleep(self, seconds: float) -> None:
        """Sleep so long, but not past the end of the order's time. Effects: sleeps by the clock."""
        left_s = seconds if self._until is None else (self._until - self._clock.now()).total_seconds()
        pause_s = max(0.0, min(seconds, left_s))
        self._clock.sleep(pause_s)
        self._slept_s += pause_s


def later(clock: Clock, seconds: float | None) -> datetime | None:
    """The instant so many seconds from now; None for None."""
    return None if seconds is None else clock.now() + timedelta(seconds=seconds)
