"""One customer's account at the small CA, and a solver that only writes down what it was asked. Not a test."""

from __future__ import annotations

from datetime import datetime

from sfcert.acme.issue import obtain
from sfcert.acme.keys import AccountKey
from sfcert.acme.solvers.solver import Kind
from sfcert.acme.values import AcmeChain, AcmeEvent, AcmeOptions, OrderState, Placed
from sfcert.errors import RemoteError
from tests.fakes import FakeClock
from tests.servers.requests import Pending
from tests.servers.small_acme import SmallAcme

NAME = "sf.example.test"


class Recording:
    """A solver that keeps a list of what it was asked."""

    kind: Kind = "dns-01"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_broken, self.token = False, "DnsUpdateRefused"

    def present(self, name: str, token: str, key_authorization: str) -> None:
        self.asked.append("present")

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        self.asked.append("settle")

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        self.asked.append("cleanup")
        if self.is_broken:
            raise RemoteError(self.token, "the zone is closed", service="DNS", operation="update")


class Customer:
    """One account at the small CA."""

    def __init__(self, ca: SmallAcme) -> None:
        self.ca = ca
        self.clock = FakeClock()
        self.key = AccountKey.generate()
        self.solver = Recording()
        self.csr = Pending([NAME])
        self.events: list[AcmeEvent] = []

    def obtain(
        self,
        *,
        replaces: str | None = None,
        resume: OrderState | None = None,
        placed: tuple[Placed, ...] = (),
        timeout_s: float | None = None,
        external_account_mac: str | None = None,
        **options: object,
    ) -> AcmeChain:
        return obtain(
            AcmeOptions(directory_url=f"{self.ca.url}/dir", ca_file=str(self.ca.ca_file), **options),  # type: ignore[arg-type]  # keywords of a test
            self.key,
            [NAME],
            self.csr,
            lambda name: self.solver,
            clock=self.clock,
            emit=self.events.append,
            replaces=replaces,
            resume=resume,
            placed=placed,
            timeout_s=timeout_s,
            external_account_mac=external_account_mac,
        )

    @property
    def order(self) -> OrderState:
        """The first one that was made."""
        return next(one.order for one in self.events if one.kind == "order" and one.order is not None)

    @property
    def notes(self) -> str:
        return "\n".join(one.message for one in self.events if one.kind == "note")
