"""For whom is waited how long: a busy CA, one that signs slowly, one that limits, and the time that an order may take.

Against the small CA; every wait goes by a clock that stands still otherwise.
"""

from __future__ import annotations

import pytest

from sfcert.errors import ConvergenceError, RemoteError
from tests.adapters.acme.small_customer import Customer
from tests.servers.small_acme import problem


def test_a_rate_limit_is_no_objection_and_is_explained_with_its_instant(customer: Customer) -> None:
    limited = problem("rateLimited", "too many certificates (5) already issued for this exact set of identifiers")
    customer.ca.answers["/new-order"] = [(429, limited, {"Retry-After": "86400"})]
    with pytest.raises(RemoteError, match=r"come again after 2026-11-23 10:00:00Z.*Wait until then") as caught:
        customer.obtain(replaces="abc.def")
    assert caught.value.token == "AcmeRateLimited"
    assert caught.value.retry_after_s == 86400
    assert caught.value.transient is True
    assert len(customer.ca.new_orders()) == 1
    assert customer.clock.slept == []


def test_a_short_wait_that_the_ca_asks_for_is_kept(customer: Customer) -> None:
    busy = (503, problem("serverInternal", "busy"), {"Retry-After": "11"})
    customer.ca.answers["/new-order"] = [busy, busy]
    customer.obtain()
    assert customer.clock.slept[:2] == [11.0, 11.0]


def test_a_ca_that_is_too_busy_to_give_a_nonce_is_waited_for(customer: Customer) -> None:
    busy = (503, problem("rateLimited", "service busy"), {"Retry-After": "13"})
    customer.ca.answers["/nonce"] = [busy]
    customer.obtain()
    assert customer.clock.slept == [13.0]


def test_a_ca_that_sees_its_order_ready_later_is_looked_at_and_asked_again(customer: Customer) -> None:
    late = (403, problem("orderNotReady", "authorizations are being written down"), {"Retry-After": "4"})
    customer.ca.answers["/finalize/0"] = [late]
    customer.obtain()
    assert customer.clock.slept == [4.0]
    assert [path for path, _ in customer.ca.asked].count("/finalize/0") == 2
    assert customer.csr.asked == 1


def test_a_wait_given_as_a_date_is_kept(customer: Customer) -> None:
    when = "Sun, 22 Nov 2026 10:00:30 GMT"
    customer.ca.answers["/new-order"] = [(503, problem("serverInternal", "busy"), {"Retry-After": when})]
    customer.obtain()
    assert customer.clock.slept[0] == 30.0


def test_a_lost_new_order_is_not_sent_twice(customer: Customer) -> None:
    customer.ca.answers["/new-order"] = [(500, problem("serverInternal", "oops"), {})]
    with pytest.raises(RemoteError, match="Run this again later"):
        customer.obtain()
    assert len(customer.ca.new_orders()) == 1


def test_a_server_that_fails_for_ever_ends_as_an_error(customer: Customer) -> None:
    customer.ca.answers["/authz/0"] = [(500, problem("serverInternal", "oops"), {})] * 50
    with pytest.raises(RemoteError, match="oops"):
        customer.obtain()
    assert len(customer.clock.slept) == 5


def test_signing_that_takes_its_time_is_waited_for_as_the_ca_asks(customer: Customer) -> None:
    customer.ca.looks_before_signed = 3
    customer.obtain()
    assert customer.clock.slept == [0.02, 7.0, 7.0]


def test_signing_that_never_ends_is_given_up_and_can_be_taken_up(customer: Customer) -> None:
    customer.ca.looks_before_signed = 10**6
    with pytest.raises(RemoteError, match="taken up where it stands"):
        customer.obtain(patience_s=60.0)
    customer.ca.orders[0]["looks"] = 1
    kept = customer.order
    customer.obtain(resume=kept)
    assert len(customer.ca.new_orders()) == 1


def test_the_time_for_the_order_ends_the_wait_for_a_signature_and_the_order_is_taken_up(customer: Customer) -> None:
    customer.ca.looks_before_signed = 100
    with pytest.raises(ConvergenceError, match=r"has not signed .*The same command takes the order up") as caught:
        customer.obtain(timeout_s=30)
    assert (caught.value.token, caught.value.exit_code) == ("NotConverged", 5)
    assert sum(customer.clock.slept) == pytest.approx(30)
    customer.ca.orders[0]["looks"] = 1
    customer.obtain(resume=customer.order, timeout_s=30)
    assert len(customer.ca.new_orders()) == 1


def test_the_time_for_the_order_ends_the_wait_for_a_validation_and_leaves_nothing(customer: Customer) -> None:
    customer.ca.never_looks = True
    with pytest.raises(ConvergenceError, match="has not looked at"):
        customer.obtain(timeout_s=30)
    assert sum(customer.clock.slept) == pytest.approx(30)
    assert customer.solver.asked == ["present", "settle", "cleanup"]


def test_a_wait_that_the_ca_asks_for_and_the_time_does_not_allow_is_told_at_once(customer: Customer) -> None:
    customer.ca.answers["/new-order"] = [(503, problem("serverInternal", "busy"), {"Retry-After": "60"})]
    with pytest.raises(RemoteError, match="busy"):
        customer.obtain(timeout_s=30)
    assert customer.clock.slept == []
