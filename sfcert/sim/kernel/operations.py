"""What is still going on? Long operations as ARM reports them: InProgress, then one terminal state for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TERMINAL = frozenset({"Succeeded", "Failed", "Canceled"})


@dataclass(slots=True)
class Operation:
    """One asynchronous operation. `finish` counts once; later calls are ignored, so a terminal state is final."""

    id: str
    subject: str
    started: datetime
    status: str = "InProgress"
    ended: datetime | None = None
    error: dict[str, Any] | None = None
    result: Any = None
    _waiters: list[Callable[[Operation], None]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.status in TERMINAL

    def when_done(self, waiter: Callable[[Operation], None]) -> None:
        """Call `waiter` once, when the operation ends; at once if it has ended."""
        if self.done:
            waiter(self)
        else:
            self._waiters.append(waiter)

    def finish(self, at: datetime, status: str, *, error: dict[str, Any] | None = None, result: Any = None) -> None:
        if self.done:
            return
        assert status in TERMINAL, status
        self.status, self.ended, self.error, self.result = status, at, error, result
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter(self)
