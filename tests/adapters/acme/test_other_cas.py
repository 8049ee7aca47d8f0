"""What CAs do that Pebble does not: shared orders and authorizations, relative addresses, states that no RFC knows, web
pages of proxies, addresses that lead nowhere. Against the small CA."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from sfcert.acme.account import open_account
from sfcert.acme.issue import obtain_on
from sfcert.acme.session import AcmeSession
from sfcert.acme.solvers.solver import Kind
from sfcert.acme.values import AcmeEvent, AcmeOptions, Placed
from sfcert.errors import RemoteError
from tests.adapters.acme.small_customer import NAME, Customer, Recording
from tests.fakes import START, FakeClock
from tests.servers.requests import Pending
from tests.servers.small_acme import PREFIX, problem


class Meanwhile(Recording):
    """A solver while whose first wait something else happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self.happens = happens

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        super().settle(name, token, key_authorization, until_utc=until_utc)
        if self.asked.count("settle") == 1:
            self.happens()


def authorization(customer: Customer, **change: Any) -> dict[str, Any]:
    challenge = {"type": "dns-01", "url": f"{customer.ca.url}/challenge/0", "token": "a-token", "status": "pending"}
    return {
        "status": "pending",
        "identifier": {"type": "dns", "value": NAME},
        "challenges": [{**challenge, **change.pop("challenge", {})}],
        **change,
    }


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_addresses_relative_to_what_was_asked_are_taken(customer: Customer) -> None:
    customer.ca.located_at = ""
    customer.obtain()
    assert customer.order.order_url == f"{customer.ca.url}/order/0"
    assert customer.order.account_url == f"{customer.ca.url}/account/1"


@pytest.mark.parametrize(
    "address",
    ["http://localhost/order/0", "https://[", "https://x:y/", "https://" + "a" * 70 + ".test/", "", "order/0"],
    ids=["in the clear", "half an address", "no port", "a label too long", "empty", "relative in a body"],
)
def test_an_address_that_cannot_be_asked_is_the_cas_fault(customer: Customer, address: str) -> None:
    order = {"status": "pending", "authorizations": [address], "finalize": address}
    customer.ca.answers["/new-order"] = [(201, order, {"Location": f"{customer.ca.url}/order/0"})]
    with pytest.raises(RemoteError, match="does not speak ACME as expected") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeServerUnfit"


def test_a_signed_request_is_not_sent_where_a_redirect_leads(customer: Customer) -> None:
    customer.ca.answers["/new-order"] = [(307, {}, {"Location": f"{customer.ca.url}/elsewhere"})]
    with pytest.raises(RemoteError, match=r"newOrder is answered by a redirect \(HTTP 307\)") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeServerUnfit"
    assert all(path != "/elsewhere" for path, _ in customer.ca.asked)


def test_a_directory_is_not_followed_into_the_clear(customer: Customer) -> None:
    customer.ca.answers["/dir"] = [(302, {}, {"Location": "http://localhost/dir"})]
    with pytest.raises(RemoteError) as caught:
        customer.obtain()
    assert caught.value.token == "AcmeServerUnfit"


@pytest.mark.parametrize("address", ["http://localhost/order/0", "https://x.test/a\x1b[2J"])
def test_a_location_that_cannot_be_asked_is_not_kept(customer: Customer, address: str) -> None:
    customer.ca.located_at = address
    with pytest.raises(RemoteError, match="is no https address") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeServerUnfit"
    assert "\x1b" not in str(caught.value)


# -- authorizations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["other.test", "sub.sf.example.test", "test", "", "-", None, 7])
def test_no_record_is_written_for_a_name_that_was_not_ordered(customer: Customer, name: object) -> None:
    odd = authorization(customer, identifier={"type": "dns", "value": name})
    customer.ca.answers["/authz/0"] = [(200, odd, {})]
    with pytest.raises(RemoteError, match="not for a name of the order") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeServerUnfit"
    assert customer.solver.asked == []


def test_an_authorization_for_the_name_above_is_answered(customer: Customer) -> None:
    """RFC 8555, section 7.1.3: which authorizations an order needs is the CA's to say."""
    above = authorization(customer, identifier={"type": "dns", "value": "Example.Test"})
    customer.ca.answers["/authz/0"] = [(200, above, {})]
    customer.obtain()
    assert next(one.placed for one in customer.events if one.placed)[0].name == "example.test"


@pytest.mark.parametrize(
    "token",
    ["../../etc/passwd", "\u00e9", "a b", "", 7, "x" * 300],
    ids=["path", "letter", "blank", "none", "number", "long"],
)
def test_a_token_that_is_none_is_never_put_in_place(customer: Customer, token: object) -> None:
    customer.ca.answers["/authz/0"] = [(200, authorization(customer, challenge={"token": token}), {})]
    with pytest.raises(RemoteError) as caught:
        customer.obtain()
    assert caught.value.token in ("AcmeServerUnfit", "AcmeOrderRefused")
    assert customer.solver.asked == []


def test_a_wildcard_that_the_ca_does_not_mark_is_known_by_the_order(customer: Customer) -> None:
    wild, solver = f"*.{NAME}", Recording()
    events: list[AcmeEvent] = []
    options = AcmeOptions(directory_url=f"{customer.ca.url}/dir", ca_file=str(customer.ca.ca_file))
    customer.ca.answers["/authz/0"] = [(200, authorization(customer), {})]
    with AcmeSession(options, customer.key, customer.clock) as session:
        open_account(session, None)
        obtain_on(session, [wild], Pending([wild]), lambda name: solver, emit=events.append)
    assert next(one.placed for one in events if one.placed)[0].name == wild


def test_an_authorization_that_is_processing_is_waited_for(customer: Customer) -> None:
    busy = (200, authorization(customer, status="processing"), {})
    customer.ca.answers["/authz/0"] = [busy, busy, busy]
    customer.obtain()
    assert [path for path, _ in customer.ca.asked].count("/authz/0") == 4


def test_where_another_order_has_had_the_ca_look_its_objection_is_no_failure(customer: Customer) -> None:
    """Boulder says `malformed` of an authorization that is no longer pending; both orders share it."""

    def another_was_first() -> None:
        customer.ca.answers["/challenge/0"] = [(400, problem("malformed", "authorization must be pending"), {})]
        customer.ca.orders[0].update(authz="valid", status="ready")

    customer.solver = Meanwhile(another_was_first)
    assert len(customer.obtain().der) >= 2


def test_an_objection_to_a_challenge_that_is_still_open_is_told(customer: Customer) -> None:
    customer.ca.answers["/challenge/0"] = [(400, problem("malformed", "no such thing as a dns-01"), {})]
    with pytest.raises(RemoteError, match="no such thing as a dns-01") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeOrderFailed"
    assert customer.solver.asked == ["present", "settle", "cleanup"]


def test_a_lost_answer_to_a_challenge_is_asked_for_again(customer: Customer) -> None:
    customer.ca.answers["/challenge/0"] = [(502, "<html><title>Bad Gateway</title></html>", {})]
    customer.obtain()
    assert [path for path, _ in customer.ca.asked].count("/challenge/0") == 2


class Zone:
    """Texts in place, by value alone, as one record set has them."""

    kind: Kind = "dns-01"

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.looked = threading.Event()
        self.may_go_on = threading.Event()

    def present(self, name: str, token: str, key_authorization: str) -> None:
        self.texts.add(key_authorization)

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        if not self.looked.is_set():
            self.looked.set()
            assert self.may_go_on.wait(30)
        assert key_authorization in self.texts

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        self.texts.discard(key_authorization)


def test_an_order_that_is_done_leaves_an_answer_that_another_still_needs(customer: Customer) -> None:
    """Two orders of one account that were given one pending authorization have one token, and one text."""
    zone, said = Zone(), {"slow": list[AcmeEvent](), "quick": list[AcmeEvent]()}
    options = AcmeOptions(directory_url=f"{customer.ca.url}/dir", ca_file=str(customer.ca.ca_file))
    with AcmeSession(options, customer.key, FakeClock()) as session:
        open_account(session, None)

        def order(who: str, placed: tuple[Placed, ...] = ()) -> None:
            obtain_on(session, [NAME], Pending([NAME]), lambda name: zone, emit=said[who].append, placed=placed)

        slow = threading.Thread(target=order, args=("slow",))
        slow.start()
        try:
            assert zone.looked.wait(30)
            order("quick")
            assert len(zone.texts) == 1
            # nor does a run that comes to take away what one before it left
            customer.ca.reuses_authorizations = True
            left = next(one.placed for one in said["quick"] if one.placed)
            order("quick", left)
            assert len(zone.texts) == 1
        finally:
            zone.may_go_on.set()
            slow.join(30)
    assert any(one.kind == "issued" for one in said["slow"])
    assert zone.texts == set()
    for events in said.values():
        assert [one.placed for one in events if one.placed is not None][-1] == ()


# -- orders ------------------------------------------------------------------------------------------------------------


def test_an_order_that_another_request_was_signed_for_is_followed_by_a_new_one(customer: Customer) -> None:
    """A CA may give two orders for the same names as one; the first request that comes has it."""

    class Late(Pending):
        """A request that comes to an order that was signed just before."""

        def __call__(self) -> bytes:
            if self.asked == 0:
                customer.ca.sign_for_another(0)
                customer.ca.answers["/finalize/0"] = [(403, problem("orderNotReady", "the order is valid"), {})]
            return super().__call__()

    customer.csr = Late([NAME])
    assert len(customer.obtain().der) >= 2
    assert len(customer.ca.new_orders()) == 2
    assert "signed for another request; a new one is made" in customer.notes


def test_an_order_that_begins_as_ended_asks_the_vault_for_nothing(customer: Customer) -> None:
    ended = {"status": "invalid", "error": problem("rejectedIdentifier", "not that one")}
    customer.ca.answers["/new-order"] = [(201, ended, {"Location": f"{customer.ca.url}/order/0"})]
    with pytest.raises(RemoteError, match="not that one") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeOrderRefused"
    assert customer.csr.asked == 0


def test_an_alternate_chain_that_cannot_be_read_costs_no_certificate(customer: Customer) -> None:
    customer.ca.certificate_links = f'<{customer.ca.url}/dir>;rel="alternate", <https://[>;rel="alternate"'
    assert len(customer.obtain(preferred_chain="Nobody").der) >= 2
    assert "An alternate chain is left out" in customer.notes


# -- accounts ----------------------------------------------------------------------------------------------------------

MAC = "bWFkZSB1cCBmb3IgYSB0ZXN0LCAzMiBieXRlcyBsb25n"


def test_a_bound_account_is_found_whatever_became_of_its_binding(customer: Customer) -> None:
    """Bindings of Google's CA end after seven days, its accounts do not (certimate issue 588)."""
    customer.obtain(external_account_kid="kid", external_account_mac=MAC)
    assert [payload for path, payload in customer.ca.asked if path == "/account"] == [{"onlyReturnExisting": True}]


def test_an_account_that_is_not_there_yet_is_bound(customer: Customer) -> None:
    customer.ca.answers["/account"] = [(400, problem("accountDoesNotExist", "no account"), {})]
    customer.obtain(external_account_kid="kid", external_account_mac=MAC)
    assert "externalAccountBinding" in [payload for path, payload in customer.ca.asked if path == "/account"][1]


def test_an_account_that_is_found_and_revoked_is_told(customer: Customer) -> None:
    gone = (200, {"status": "revoked"}, {"Location": f"{customer.ca.url}/account/1"})
    customer.ca.answers["/account"] = [gone]
    with pytest.raises(RemoteError, match=r"is revoked.*Name another `account_key`") as caught:
        customer.obtain(external_account_kid="kid", external_account_mac=MAC)
    assert caught.value.token == "AcmeAccountRefused"


# -- waits and proxies -------------------------------------------------------------------------------------------------


def test_a_wait_beyond_every_calendar_is_told_as_a_year(customer: Customer) -> None:
    limited = (429, problem("rateLimited", "too many"), {"Retry-After": "9" * 400})
    customer.ca.answers["/new-order"] = [limited]
    with pytest.raises(RemoteError, match="come again after 2027-11-23") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeRateLimited"


def test_a_wait_of_nothing_is_no_hammering(customer: Customer) -> None:
    customer.ca.answers["/new-order"] = [(503, problem("serverInternal", "busy"), {"Retry-After": "0"})] * 2
    customer.obtain()
    assert customer.clock.slept[:2] == [1.0, 1.0]


@pytest.mark.parametrize(("asked", "hours"), [("1", 1 / 60), ("31536000", 24.0)], ids=["a second", "a year"])
def test_the_wait_between_looks_at_renewal_information_is_kept_in_bounds(
    customer: Customer, asked: str, hours: float
) -> None:
    """RFC 9773, section 4.3.2: a certificate may have to be replaced long before the year is over."""
    customer.ca.asks_again_s = asked
    chain = customer.obtain()
    assert chain.window is not None
    assert chain.window.ask_again_utc is not None
    assert chain.window.ask_again_utc - customer.clock.now() == timedelta(hours=hours)


def test_a_proxys_page_is_told_as_one(customer: Customer) -> None:
    page = "<!DOCTYPE html><html><head><title>Access\n Denied</title><style>x</style></head></html>"
    customer.ca.answers["/new-order"] = [(403, page, {})]
    with pytest.raises(RemoteError, match=r"web page \(Access Denied\), as a proxy on the way does") as caught:
        customer.obtain()
    assert "<" not in str(caught.value)


def test_a_limit_without_a_problem_document_is_a_limit(customer: Customer) -> None:
    customer.ca.answers["/new-order"] = [(429, "<html><title>429 Too Many Requests</title></html>", {})]
    with pytest.raises(RemoteError, match="Wait before asking again") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeRateLimited"


def test_a_directory_that_is_not_there_is_no_refused_order(customer: Customer) -> None:
    customer.ca.answers["/dir"] = [(404, "not found", {})]
    with pytest.raises(RemoteError, match="Check the directory's address") as caught:
        customer.obtain()
    assert caught.value.token == "AcmeServerUnfit"


def test_what_would_move_the_terminals_cursor_is_left_out(customer: Customer) -> None:
    customer.ca.answers["/new-order"] = [(403, {"type": f"{PREFIX}malformed", "detail": "no\x1b[2J\ud800way"}, {})]
    with pytest.raises(RemoteError, match=r"no\?\[2J\?way"):
        customer.obtain()


class SetBack(FakeClock):
    """A clock that is set back by an hour whenever somebody waits."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._now -= timedelta(hours=1)
        assert len(self.slept) < 1000, "the wait has no end"


def test_a_clock_that_is_set_back_makes_no_wait_endless(customer: Customer) -> None:
    customer.clock = SetBack()
    customer.ca.never_looks = True
    with pytest.raises(RemoteError, match=f"has not looked at {NAME}"):
        customer.obtain(patience_s=60.0)
    assert 60 <= sum(customer.clock.slept) < 80
    assert customer.clock.now() < START
