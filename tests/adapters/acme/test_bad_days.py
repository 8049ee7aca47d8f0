"""What no Pebble shows when it is asked to: CAA refusals, rate limits, long waits, broken chains, a CA's bad days.

Against a small server of our own that speaks these; every wait goes by a clock that stands still otherwise. Renewal
information, `replaces` and profiles are judged by a real server in `test_renewal_information`; odd cases are here.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509

from sfcert.acme.issue import obtain
from sfcert.acme.values import AcmeOptions, Placed
from sfcert.errors import ConvergenceError, InputError, RefusedError, RemoteError
from tests.adapters.acme.small_customer import NAME, Customer
from tests.fakes import START
from tests.servers.small_acme import problem, running_small_acme


@pytest.fixture
def customer(tmp_path: Path) -> Iterator[Customer]:
    with running_small_acme(tmp_path) as ca:
        yield Customer(ca)


def test_the_renewal_window_and_the_id_come_with_the_chain(customer: Customer) -> None:
    chain = customer.obtain()
    assert chain.window is not None
    assert chain.window.opens_utc == datetime(2026, 12, 20, 10, tzinfo=UTC)
    assert chain.window.closes_utc == datetime(2026, 12, 22, 10, tzinfo=UTC)
    assert chain.window.explanation_url == "https://small.test/why"
    assert chain.window.ask_again_utc == START + timedelta(hours=6)
    assert chain.ari_id is not None
    key_id, serial = chain.ari_id.split(".")
    leaf = x509.load_der_x509_certificate(chain.der[0])
    issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert urlsafe_b64decode(key_id + "==") == issuer
    assert int.from_bytes(urlsafe_b64decode(serial + "=="), "big", signed=True) == leaf.serial_number


@pytest.mark.parametrize(
    "window",
    [{"start": "2026-12-22T10:00:00Z", "end": "2026-12-20T10:00:00Z"}, {"start": "soon", "end": "later"}, {}],
    ids=["ends before it begins", "no instants", "empty"],
)
def test_advice_that_makes_no_sense_counts_as_none(customer: Customer, window: dict[str, str]) -> None:
    customer.ca.window = window
    assert customer.obtain().window is None


def test_a_failing_renewal_information_costs_no_certificate(customer: Customer) -> None:
    customer.ca.window = None
    assert customer.obtain().window is None
    assert "no such certificate" in customer.notes


def test_the_order_says_what_it_replaces(customer: Customer) -> None:
    customer.obtain(replaces="abc.def")
    assert customer.ca.new_orders() == [{"identifiers": [{"type": "dns", "value": NAME}], "replaces": "abc.def"}]


@pytest.mark.parametrize("kind", ["alreadyReplaced", "unauthorized", "malformed", "serverInternal"])
def test_where_the_ca_objects_to_what_is_replaced_it_is_ordered_without(customer: Customer, kind: str) -> None:
    """The account that ordered the old certificate may be another: acmebot issue 1196."""
    customer.ca.objection = problem(kind, "that certificate is not yours to replace")
    customer.obtain(replaces="abc.def")
    first, second = customer.ca.new_orders()
    assert "replaces" in first
    assert "replaces" not in second
    assert "not yours to replace" in customer.notes


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


def test_a_profile_goes_into_the_order(customer: Customer) -> None:
    customer.obtain(profile="shortlived")
    assert customer.ca.new_orders()[0]["profile"] == "shortlived"


def test_an_unknown_profile_is_told_with_those_that_are_there(customer: Customer) -> None:
    with pytest.raises(InputError, match="it has classic, shortlived"):
        customer.obtain(profile="tlsclient")
    assert customer.ca.new_orders() == []


@pytest.mark.parametrize(
    ("chain", "sentence"),
    [
        ("a stranger within", "certificate 2 is not signed by the one that follows it"),
        ("leaf alone", "the issuer's certificate is missing"),
        ("other key", "for another key than the vault's request"),
        ("gap", "certificate 1 is not signed by the one that follows it"),
        ("no pem", "not a list of PEM certificates"),
    ],
)
def test_a_chain_that_must_not_be_merged_is_refused_with_what_is_wrong(
    customer: Customer, chain: str, sentence: str
) -> None:
    customer.ca.chain = chain
    with pytest.raises(RefusedError, match=sentence) as caught:
        customer.obtain()
    assert caught.value.token == "AcmeChainUnusable"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("chain", ["reversed", "twice"])
def test_a_chain_in_another_order_is_put_right_and_told(customer: Customer, chain: str) -> None:
    customer.ca.chain = chain
    found = [x509.load_der_x509_certificate(one) for one in customer.obtain().der]
    assert found[0].public_key() == customer.csr.key.public_key()
    for below, above in pairwise(found):
        below.verify_directly_issued_by(above)
    assert len(found) == len(set(found)) > 1
    assert "came out of order; it was put right" in customer.notes


# -- how long it may take ----------------------------------------------------------------------------------------------


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


def test_a_caa_refusal_says_which_record_helps(customer: Customer) -> None:
    customer.ca.challenge_error = problem("caa", "CAA record for sf.example.test prevents issuance")
    with pytest.raises(RemoteError, match="Add a CAA record") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeCaaForbids"
    assert customer.csr.asked == 0
    assert customer.solver.asked == ["present", "settle", "cleanup"]


def test_a_caa_refusal_at_the_end_of_the_order_says_the_same(customer: Customer) -> None:
    names = [problem("caa", "forbidden", identifier={"type": "dns", "value": NAME})]
    customer.ca.order_error = problem("compound", "several", subproblems=names)
    with pytest.raises(RemoteError, match=rf"{NAME}: forbidden.*Add a CAA record") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeCaaForbids"


def test_an_order_that_the_ca_ends_is_told_and_never_taken_up(customer: Customer) -> None:
    customer.ca.order_error = problem("serverInternal", "the signer is gone")
    with pytest.raises(RemoteError, match=r"the signer is gone.*a new order is begun"):
        customer.obtain()
    kept = customer.order
    customer.ca.order_error = None
    customer.obtain(resume=kept)
    assert len(customer.ca.new_orders()) == 2
    assert "it is invalid" in customer.notes


def test_an_expired_order_is_not_even_asked_for(customer: Customer) -> None:
    customer.ca.expires = START - timedelta(seconds=1)
    customer.ca.challenge_error = problem("dns", "no such name")
    with pytest.raises(RemoteError):
        customer.obtain()
    kept = customer.order
    customer.ca.challenge_error = None
    customer.obtain(resume=kept)
    assert "it has expired" in customer.notes
    assert [path for path, _ in customer.ca.asked].count("/order/0") == 0


def test_an_order_that_the_ca_has_forgotten_is_replaced(customer: Customer) -> None:
    customer.obtain()
    kept = customer.order
    customer.ca.answers["/order/0"] = [(404, problem("malformed", "no such order"), {})]
    customer.obtain(resume=kept)
    assert len(customer.ca.new_orders()) == 2


@pytest.mark.parametrize("answer", ["<html>a portal</html>", {"hello": "world"}], ids=["a page", "another API"])
def test_what_is_no_acme_directory_is_told(customer: Customer, answer: object) -> None:
    customer.ca.answers["/dir"] = [(200, answer, {})]
    with pytest.raises(RemoteError) as caught:
        customer.obtain()
    assert caught.value.token == "AcmeServerUnfit"


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["no file", "no roots in it"])
def test_roots_that_cannot_be_read_are_told_as_such(customer: Customer, tmp_path: Path, content: str | None) -> None:
    customer.ca.ca_file = tmp_path / "roots.pem"
    if content is not None:
        customer.ca.ca_file.write_text(content)
    with pytest.raises(InputError, match=r"roots\.pem is no PEM file of roots"):
        customer.obtain()


@pytest.mark.parametrize(
    "body",
    [{}, {"challenges": "x"}, {"challenges": ["x", {}]}, {"identifier": 7, "status": "pending"}, {"status": 3}],
)
def test_an_authorization_that_makes_no_sense_is_an_error_of_the_ca(
    customer: Customer, body: dict[str, object]
) -> None:
    customer.ca.answers["/authz/0"] = [(200, body, {})]
    with pytest.raises(RemoteError):
        customer.obtain()


@pytest.mark.parametrize("change", [{"authorizations": 3}, {"finalize": None}, {"certificate": 5, "status": "valid"}])
def test_an_order_that_makes_no_sense_is_an_error_of_the_ca(customer: Customer, change: dict[str, object]) -> None:
    order = {"status": "ready", "authorizations": [], "finalize": f"{customer.ca.url}/x", **change}
    customer.ca.answers["/new-order"] = [(201, order, {"Location": f"{customer.ca.url}/order/0"})]
    customer.ca.answers["/order/0"] = [(200, order, {})] * 3
    with pytest.raises(RemoteError):
        customer.obtain()


def test_an_address_that_is_not_https_is_refused(customer: Customer) -> None:
    customer.ca.url = "http://localhost"
    with pytest.raises(InputError, match="no https address"):
        customer.obtain()


def test_names_that_no_ca_can_be_asked_for_are_told_at_once(customer: Customer) -> None:
    with pytest.raises(InputError) as caught:
        obtain(
            AcmeOptions(directory_url=f"{customer.ca.url}/dir", ca_file=str(customer.ca.ca_file)),
            customer.key,
            [
                "localhost",
                "bücher.example",
                "10.0.0.4",
                "a.*.example",
                f"{'x' * 64}.example",
                "a..example",
                "good.example",
            ],
            customer.csr,
            lambda name: customer.solver,
            clock=customer.clock,
            emit=customer.events.append,
        )
    assert len(caught.value.faults) == 6
    assert customer.ca.new_orders() == []
