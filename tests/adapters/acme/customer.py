"""One customer's account at one CA. Not a test."""

from __future__ import annotations

from sfcert.acme.issue import obtain
from sfcert.acme.keys import AccountKey
from sfcert.acme.solvers.solver import Solver
from sfcert.acme.values import AcmeChain, AcmeEvent, AcmeOptions, OrderState, Placed
from sfcert.azure.clock import WallClock
from tests.servers.pebble import Pebble
from tests.servers.requests import Pending

CLOCK = WallClock()


class Run:
    """`events` is what was told, `last_request` the newest request that was handed out."""

    def __init__(self, pebble: Pebble, *, key: AccountKey | None = None, **options: object) -> None:
        self.options = AcmeOptions(directory_url=pebble.directory_url, ca_file=str(pebble.ca_file), **options)  # type: ignore[arg-type]  # keywords of a test
        self.key = key or AccountKey.generate()
        self.events: list[AcmeEvent] = []
        self.last_request: Pending | None = None

    def obtain(
        self,
        names: list[str],
        solver: Solver,
        *,
        csr: Pending | None = None,
        resume: OrderState | None = None,
        placed: tuple[Placed, ...] = (),
        **more: str,
    ) -> AcmeChain:
        self.last_request = csr or Pending(names)
        return obtain(
            self.options,
            self.key,
            names,
            self.last_request,
            lambda name: solver,
            clock=CLOCK,
            emit=self.events.append,
            resume=resume,
            placed=placed,
            **more,
        )

    @property
    def order(self) -> OrderState:
        return next(one.order for one in reversed(self.events) if one.order is not None and one.order.order_url)

    @property
    def placed(self) -> tuple[Placed, ...]:
        """What may stand in place after all that was told."""
        return next((one.placed for one in reversed(self.events) if one.placed is not None), ())

    @property
    def orders(self) -> set[str]:
        return {one.order.order_url for one in self.events if one.order is not None and one.order.order_url}
