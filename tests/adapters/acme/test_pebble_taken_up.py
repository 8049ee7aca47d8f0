"""Orders that an earlier run began: taken up, found again, or followed by a new one. Against Pebble."""

from __future__ import annotations

from datetime import datetime

import pytest

from sfcert.acme.solvers.dns01 import Dns01
from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
from sfcert.acme.solvers.http01_responder import Http01Responder
from sfcert.acme.solvers.solver import challenge_name
from tests.adapters.acme.customer import CLOCK, Run
from tests.adapters.acme.solvers import dns, http, lookup, texts
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot
from tests.servers.pebble import Pebble
from tests.servers.requests import Pending


class Killed(BaseException):
    """The process is gone: no clean-up runs."""


def test_a_run_that_was_killed_after_its_record_was_written_makes_no_second_order(
    knot: Knot, knot_pebble: Pebble
) -> None:
    run, solver = Run(knot_pebble), dns(knot)

    class Dying(Dns01):
        def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
            raise Killed

        def cleanup(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
    with pytest.raises(Killed):
        run.obtain(["killed.example.test"], Dying(writer, lookup(knot), CLOCK))
    assert texts(knot, challenge_name("killed.example.test"))
    run.obtain(["killed.example.test"], solver, resume=run.order, placed=run.placed)
    assert len(run.orders) == 1
    assert texts(knot, challenge_name("killed.example.test")) == frozenset()


@pytest.mark.parametrize("server", ["pebble", "newer_pebble"])
def test_an_order_whose_address_never_arrived_is_found_among_the_accounts(
    server: str, request: pytest.FixtureRequest
) -> None:
    """What was kept before the order was asked for is all that the next run has; an older, signed one is not taken."""
    ca: Pebble = request.getfixturevalue(server)
    run = Run(ca)
    run.obtain(["lost.example.test"], http(ca))

    class Dying(Http01Responder):
        def present(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

        def cleanup(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

    with pytest.raises(Killed):
        run.obtain(["lost.example.test"], Dying())
    asked = next(one.order for one in reversed(run.events) if one.kind == "ordering")
    assert asked is not None
    assert asked.order_url == ""
    run.obtain(["lost.example.test"], http(ca), resume=asked)
    assert len(run.orders) == 2
    assert "whose address was not kept" in "".join(one.message for one in run.events)


def test_a_run_that_was_killed_before_its_request_finalizes_the_same_order(knot: Knot, knot_pebble: Pebble) -> None:
    run = Run(knot_pebble)

    class DyingRequest(Pending):
        def __call__(self) -> bytes:
            raise Killed

    class Leaving(Dns01):
        def cleanup(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
    with pytest.raises(Killed):
        run.obtain(["late.example.test"], Leaving(writer, lookup(knot), CLOCK), csr=DyingRequest(["late.example.test"]))
    run.obtain(["late.example.test"], dns(knot), resume=run.order)
    assert len(run.orders) == 1


def test_a_finished_order_gives_its_chain_again_for_the_same_request(pebble: Pebble) -> None:
    run, csr = Run(pebble), Pending(["www.example.test"])
    first = run.obtain(["www.example.test"], http(pebble), csr=csr)
    again = run.obtain(["www.example.test"], http(pebble), csr=csr, resume=run.order)
    assert again.der == first.der
    assert len(run.orders) == 1


def test_a_finished_order_for_a_request_that_is_gone_is_followed_by_a_new_one(pebble: Pebble) -> None:
    run = Run(pebble)
    first = run.obtain(["www.example.test"], http(pebble))
    again = run.obtain(["www.example.test"], http(pebble), resume=run.order)
    assert again.der[0] != first.der[0]
    assert len(run.orders) == 2


def test_a_kept_order_for_other_names_is_not_used(pebble: Pebble) -> None:
    run = Run(pebble)
    run.obtain(["www.example.test"], http(pebble))
    run.obtain(["other.example.test"], http(pebble), resume=run.order)
    assert len(run.orders) == 2
