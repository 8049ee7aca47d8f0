"""What no Pebble shows when it is asked to: advice and objections, broken chains, CAA refusals, answers without sense.

Against a small server of our own that speaks these. Renewal information, `replaces` and profiles are judged by a real
server in `test_renewal_information`; odd cases are here. Waits are in `test_waits`, what is left in place in
`test_left_answers`.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509

from sfcert.acme.issue import obtain
from sfcert.acme.values import AcmeOptions
from sfcert.errors import InputError, RefusedError, RemoteError
from tests.adapters.acme.small_customer import NAME, Customer
from tests.fakes import START
from tests.servers.small_acme import problem


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
