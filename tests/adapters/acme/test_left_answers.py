"""What becomes of answers to challenges that an earlier run left, or that could not be taken away. Against the
small CA."""

from __future__ import annotations

from sfcert.acme.values import Placed
from tests.adapters.acme.small_customer import NAME, Customer
from tests.servers.small_acme import problem


def test_an_order_that_is_ready_at_once_leaves_nothing_of_the_order_before_it(customer: Customer) -> None:
    """A CA that reuses authorizations: the kept order is gone, and in the new one there is nothing to answer."""
    customer.obtain()
    kept = customer.order
    left = next(one.placed for one in customer.events if one.placed)
    customer.ca.answers["/order/0"] = [(404, problem("malformed", "no such order"), {})]
    customer.ca.reuses_authorizations = True
    customer.solver.asked.clear()
    customer.obtain(resume=kept, placed=left)
    assert customer.solver.asked == ["cleanup"]
    assert customer.events[-1].placed is None
    assert [one.placed for one in customer.events if one.placed is not None][-1] == ()


def test_what_cannot_be_taken_away_is_told_and_kept_for_the_next_run(customer: Customer) -> None:
    customer.solver.is_broken = True
    customer.obtain()
    assert "could not be taken away (the zone is closed). It is harmless. The next run removes it" in customer.notes
    left = [one.placed for one in customer.events if one.placed is not None][-1]
    assert [one.name for one in left] == [NAME]
    customer.solver.is_broken = False
    customer.solver.asked.clear()
    customer.obtain(placed=left)
    assert customer.solver.asked[-1] == "cleanup"
    assert [one.placed for one in customer.events if one.placed is not None][-1] == ()


def test_what_lies_in_a_zone_that_is_gone_is_told_once(customer: Customer) -> None:
    customer.solver.is_broken, customer.solver.token = True, "DnsZoneNotFound"
    customer.obtain()
    assert "Take it away by hand, if it is there" in customer.notes
    assert [one.placed for one in customer.events if one.placed is not None][-1] == ()


def test_what_a_run_by_another_kind_of_challenge_left_is_told_once(customer: Customer) -> None:
    customer.obtain(placed=(Placed(kind="http-01", name=NAME, token="t", key_authorization="t.x"),))
    assert "the policy now answers for it by dns-01" in customer.notes
    assert [one.placed for one in customer.events if one.placed is not None][-1] == ()
