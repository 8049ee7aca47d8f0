"""When does it happen? Virtual time as a heap of events.

The world's certificates, upgrades and agents live in this time. ARM's own TLS and tokens live in wall time and never
ask here. Leaves out: how fast time moves (see the server's tempo).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta


class Event:
    """One thing that will happen. `cancel()` makes it not happen; cancelling twice is harmless."""

    __slots__ = ("action", "at", "cancelled", "name")

    def __init__(self, at: datetime, action: Callable[[], None], name: str) -> None:
        self.at = at
        self.action = action
        self.name = name
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """Aware UTC instants; moves forward only, and only when told."""

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None, "virtual time is aware UTC"
        self._now = start
        self._heap: list[tuple[datetime, int, Event]] = []
        self._order = itertools.count()

    @property
    def now(self) -> datetime:
        return self._now

    def at(self, when: datetime, action: Callable[[], None], name: str) -> Event:
        """Have `action` run when time reaches `when`; an instant already past runs at the next advance."""
        event = Event(max(when, self._now), action, name)
        heapq.heappush(self._heap, (event.at, next(self._order), event))
        return event

    def after(self, seconds: float, action: Callable[[], None], name: str) -> Event:
        return self.at(self._now + timedelta(seconds=seconds), action, name)

    def next_event_at(self) -> datetime | None:
        """When the next thing is due, or None when nothing is."""
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def advance(self, seconds: float) -> int:
        """Move time forward, running what falls due in order. Returns how many events ran."""
        return self.advance_to(self._now + timedelta(seconds=seconds))

    def advance_to(self, instant: datetime) -> int:
        ran = 0
        while (due := self.next_event_at()) is not None and due <= instant:
            event = heapq.heappop(self._heap)[2]
            self._now = max(self._now, event.at)
            event.action()
            ran += 1
        self._now = max(self._now, instant)
        return ran
