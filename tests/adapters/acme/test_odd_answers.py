"""A CA that answers whatever comes to its mind: a chain comes of it, or an error of ours, soon, and nothing is left in
place that was not told. Laws of enrolment by ACME, over a small CA whose answers are changed at random."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfcert.acme.account import open_account
from sfcert.acme.issue import obtain_on
from sfcert.acme.keys import AccountKey
from sfcert.acme.session import AcmeSession
from sfcert.acme.solvers.solver import Kind, dns_validation
from sfcert.acme.values import AcmeChain, AcmeEvent, AcmeOptions, Placed
from sfcert.errors import TOKENS, RemoteError, SfcertError
from tests.adapters.acme.in_process import bring_in
from tests.fakes import FakeClock
from tests.search import examples
from tests.servers.requests import Pending
from tests.servers.small_acme import PREFIX, SmallAcme

URL = "https://odd.test"
NAMES = ["sf.example.test", "*.sf.example.test"]
TIMEOUT_S = 600.0
#: Made once: keys cost more than all else here.
KEY, REQUEST = AccountKey.generate(), Pending(NAMES)

Change = tuple[str, int, str, Any]

words = st.sampled_from(
    [
        *("pending", "ready", "processing", "valid", "invalid", "deactivated", "expired", "revoked", "", "dns-01"),
        *(
            "https://odd.test/order/0",
            "http://odd.test/plain",
            "/order/0",
            "https://odd.test/a\x1b[2J",
            "https://[",
            "https://odd.test:0/",
            "//",
        ),
        *("https://" + "a" * 70 + ".test/", "../../etc/passwd", "é", "\ud800", "\x1b[2J", "a-token", "x" * 300),
        *("2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-12-01"),
        *(f"{PREFIX}{one}" for one in ("badNonce", "rateLimited", "orderNotReady", "malformed", "unauthorized", "caa")),
        *("sf.example.test", "*.sf.example.test", "example.test", "other.test", "test"),
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    [
        *("status", "authorizations", "finalize", "certificate", "expires", "identifiers", "error", "orders"),
        *("challenges", "identifier", "wildcard", "newNonce", "newAccount", "newOrder", "renewalInfo", "meta"),
        *("suggestedWindow", "explanationURL", "type", "detail", "subproblems", "instance", "token", "url"),
    ]
)
headers = st.tuples(
    st.sampled_from(["Location", "Link", "Retry-After", "Replay-Nonce"]),
    words.filter(str.isascii)
    | st.none()
    | st.sampled_from(
        [
            *("0", "5", "-1", "9" * 400, "86400", "Sun, 22 Nov 2026 10:00:30 GMT", "Sun, 22 Nov 99999 10:00:30 GMT"),
            *("Sunday, 22-Nov-26 10:00:30", '<https://[>;rel="alternate"', "<x>;rel=alternate, <y>;rel", "<;>;=", ","),
        ]
    ),
)
paths = st.sampled_from(
    ["dir", "nonce", "account", "new-order", "authz", "challenge", "order", "finalize", "certificate", "renewal"]
)
changes = st.lists(
    st.one_of(
        st.tuples(
            paths,
            st.sampled_from([1, 3, 10**6]),
            st.just("status"),
            st.sampled_from([200, 204, 301, 302, 307, 400, 401, 403, 404, 409, 410, 429, 500, 503]),
        ),
        st.tuples(paths, st.sampled_from([1, 3, 10**6]), st.just("field"), st.tuples(fields, values)),
        st.tuples(paths, st.sampled_from([1, 3, 10**6]), st.just("within"), st.tuples(fields, values)),
        st.tuples(paths, st.sampled_from([1, 3, 10**6]), st.just("body"), values | st.just("[" * 100_000)),
        st.tuples(paths, st.sampled_from([1, 3, 10**6]), st.just("header"), headers),
    ),
    min_size=1,
    max_size=5,
)


class OddAcme(SmallAcme):
    """The small CA, some of whose answers are changed on their way out."""

    def __init__(self, wanted: list[Change]) -> None:
        super().__init__()
        self.url = URL
        self._wanted = [list(one) for one in wanted]

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        try:
            status, answer, sent = super().handle(method, path, body)
        except (IndexError, ValueError, KeyError):
            # led astray by its own answers
            status, answer, sent = 404, {"type": f"{PREFIX}malformed", "detail": "no such thing"}, {}
        for one in self._wanted:
            kind, left, what, value = one
            if path.strip("/").split("/")[0] != kind or left == 0:
                continue
            one[1] = left - 1
            if what == "status":
                status = value
            elif what == "body":
                answer = value
            elif what == "header":
                sent = {**sent, value[0]: value[1]}
            elif isinstance(answer, dict):
                answer = _changed(answer, value, is_within=what == "within")
        return status, answer, sent


def _changed(answer: dict[str, Any], change: tuple[str, Any], *, is_within: bool) -> dict[str, Any]:
    inner = answer.get("challenges")
    if is_within and isinstance(inner, list) and inner and isinstance(inner[0], dict):
        return {**answer, "challenges": [{**inner[0], change[0]: change[1]}]}
    return {**answer, change[0]: change[1]}


class Standing:
    """A solver that knows what stands in place."""

    kind: Kind = "dns-01"

    def __init__(self, *, is_closed: bool) -> None:
        self.values: set[tuple[str, str]] = set()
        self.is_closed = is_closed

    def present(self, name: str, token: str, key_authorization: str) -> None:
        self.values.add((name, dns_validation(key_authorization)))

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        """It is seen at once."""

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        if self.is_closed:
            raise RemoteError("DnsUpdateRefused", "the zone is closed", service="DNS", operation="update")
        self.values.discard((name, dns_validation(key_authorization)))


def order_from(ca: OddAcme, solver: Standing, events: list[AcmeEvent], clock: FakeClock) -> AcmeChain:
    options = AcmeOptions(directory_url=f"{URL}/dir", preferred_chain="Small Root")
    with AcmeSession(options, KEY, clock) as session:
        way = bring_in(session, ca)
        try:
            open_account(session, None)
            return obtain_on(
                session,
                NAMES,
                REQUEST,
                lambda name: solver,
                emit=events.append,
                replaces="abc.def",
                placed=(Placed(kind="dns-01", name=NAMES[0], token="old", key_authorization="old.x"),),
                timeout_s=TIMEOUT_S,
            )
        finally:
            assert way.sent < 3000


@settings(max_examples=examples(400))
@given(changes, st.booleans())
def test_whatever_a_ca_answers_a_chain_comes_of_it_or_an_error_of_ours(wanted: list[Change], is_closed: bool) -> None:
    solver, clock = Standing(is_closed=is_closed), FakeClock()
    events: list[AcmeEvent] = []
    refused: SfcertError | None = None
    try:
        assert len(order_from(OddAcme(wanted), solver, events, clock).der) >= 2
    except SfcertError as error:
        refused = error
    if refused is not None:
        assert refused.token in TOKENS
        assert all(one.isprintable() or one == "\n" for one in str(refused)), str(refused)
    # the account is opened before the order's time begins
    assert sum(clock.slept) < TIMEOUT_S + 6 * 90 * 3
    told = next((one.placed for one in reversed(events) if one.placed is not None), ())
    assert solver.values <= {(one.name, dns_validation(one.key_authorization)) for one in told}
    for event in events:
        assert all(one.isprintable() for one in event.message), event.message


def test_without_a_change_a_chain_comes_of_it() -> None:
    """So that the law above is about the changes."""
    solver, events = Standing(is_closed=False), list[AcmeEvent]()
    assert len(order_from(OddAcme([]), solver, events, FakeClock()).der) >= 2
    assert solver.values == set()
