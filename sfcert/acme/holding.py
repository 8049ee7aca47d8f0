"""Who needs an answer to a challenge that several orders share? It stays until the last of them is done. Floor 5.

A CA may give two orders of one account the same pending authorization, and so the same token: one file, one TXT value.
The order that is done first must not take it away from the other. Leaves out other processes: those are told apart
by what each of them keeps (`Placed`).
Source: RFC 8555, section 7.1.3 (authorizations may be older than their order); Boulder reuses pending ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sfcert.acme.solvers.solver import challenge_name
from sfcert.acme.values import Placed


@dataclass(slots=True)
class _Held:
    """`lock` is had by whoever puts the answer in place or takes it away."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    orders: int = 0


class Holding:
    """The answers that orders of one process need at present. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str, str], _Held] = {}

    @contextmanager
    def taking(self, answer: Placed) -> Iterator[None]:
        """Need the answer from now on, and put it in place meanwhile; nobody takes it away before `leaving`."""
        held = self._of(answer)
        with held.lock:
            held.orders += 1
            yield

    @contextmanager
    def leaving(self, answer: Placed, *, is_own: bool) -> Iterator[bool]:
        """Need the answer no more. The value says whether nobody does, so that it is to be taken away meanwhile.

        Args:
            is_own: `taking` came before. Otherwise an earlier run left it.
        """
        held = self._of(answer)
        with held.lock:
            held.orders -= is_own
            yield held.orders == 0

    def _of(self, answer: Placed) -> _Held:
        place = challenge_name(answer.name) if answer.kind == "dns-01" else ""
        with self._lock:
            return self._held.setdefault((answer.kind, place, answer.key_authorization), _Held())
