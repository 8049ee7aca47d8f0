"""Killed at every call of an order, before it is sent or after it was answered, and started again with the kept state.

No second order while the first can be used, one certificate, and no record left. The one order that nobody can take up
is one whose answer never arrived, at a CA that does not list an account's orders, as this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sfcert.acme.account import open_account
from sfcert.acme.issue import obtain_on
from sfcert.acme.keys import AccountKey
from sfcert.acme.session import AcmeSession
from sfcert.acme.solvers.solver import Kind
from sfcert.acme.values import AcmeChain, AcmeEvent, AcmeOptions, OrderState, Placed
from tests.fakes import FakeClock
from tests.servers.requests import Pending
from tests.servers.small_acme import SmallAcme, running_small_acme

NAME = "sf.example.test"


class Killed(BaseException):
    """The process is gone."""


class Zone:
    """What is in the zone, which a killed process does not clean up. One text is another process's."""

    kind: Kind = "dns-01"

    def __init__(self) -> None:
        self.texts = {"another's"}
        self.is_dead = False

    def present(self, name: str, token: str, key_authorization: str) -> None:
        self.texts.add(key_authorization)

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        assert key_authorization in self.texts

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        if self.is_dead:
            raise Killed
        self.texts.discard(key_authorization)


class Mortal(AcmeSession):
    """A session whose process dies at its n-th request."""

    def __init__(self, options: AcmeOptions, key: AccountKey, dies_at: int, is_after: bool, zone: Zone) -> None:
        super().__init__(options, key, FakeClock())
        self.dies_at, self.is_after, self.zone = dies_at, is_after, zone
        self.sent: list[str] = []

    def _send(self, method: str, url: str, **more: Any) -> requests.Response:
        self.sent.append(url)
        is_last = len(self.sent) == self.dies_at
        if is_last and not self.is_after:
            self._die()
        response = super()._send(method, url, **more)
        if is_last:
            self._die()
        return response

    def _die(self) -> None:
        self.zone.is_dead = True
        raise Killed


class Life:
    """One customer over several processes: what outlives each is the key, the kept state, the vault and the zone."""

    def __init__(self, ca: SmallAcme) -> None:
        self.ca = ca
        self.key = AccountKey.generate()
        self.pending = Pending([NAME])
        self.zone = Zone()
        self.kept: OrderState | None = None
        self.placed: tuple[Placed, ...] = ()

    def hear(self, event: AcmeEvent) -> None:
        self.kept = event.order or self.kept
        self.placed = self.placed if event.placed is None else event.placed

    def run(self, dies_at: int = 0, *, is_after: bool = False) -> tuple[AcmeChain | None, Mortal]:
        options = AcmeOptions(directory_url=f"{self.ca.url}/dir", ca_file=str(self.ca.ca_file))
        self.zone.is_dead = False
        with Mortal(options, self.key, dies_at, is_after, self.zone) as session:
            try:
                open_account(session, None)
                found = obtain_on(
                    session,
                    [NAME],
                    self.pending,
                    lambda name: self.zone,
                    emit=self.hear,
                    resume=self.kept,
                    placed=self.placed,
                )
            except Killed:
                return None, session
            return found, session


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[SmallAcme]:
    with running_small_acme(tmp_path) as running:
        running.looks_before_signed = 2
        yield running


@pytest.mark.parametrize("is_after", [False, True], ids=["before it is sent", "after it was answered"])
def test_whenever_it_is_killed_the_next_run_ends_the_same(ca: SmallAcme, is_after: bool) -> None:
    unbroken, session = Life(ca).run()
    assert unbroken is not None
    calls = len(session.sent)
    assert calls >= 12
    for dies_at in range(1, calls + 1):
        life, orders = Life(ca), len(ca.orders)
        died, first = life.run(dies_at, is_after=is_after)
        assert died is None
        chain, _ = life.run()
        assert chain is not None, first.sent[-1]
        assert life.zone.texts == {"another's"}, first.sent[-1]
        assert life.placed == (), first.sent[-1]
        is_answer_lost = is_after and first.sent[-1].endswith("/new-order")
        assert len(ca.orders) - orders == (2 if is_answer_lost else 1), first.sent[-1]
