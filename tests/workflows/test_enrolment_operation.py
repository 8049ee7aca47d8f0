"""Whose operation stands in the vault, and what a run writes down of its own: by the record and the vault alone."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from sfcert.errors import RefusedError, RemoteError
from sfcert.model.enrolment import Advice, EnrolmentPolicy, Issuer, Record
from sfcert.model.frozen import OWNER_TAG
from sfcert.workflows.enrolment.notebook import Notebook
from sfcert.workflows.enrolment.operation import Operation
from sfcert.workflows.enrolment.request import AcmeAnswer, Means, Request
from tests import make
from tests.fakes import FakeClock, refusal
from tests.workflows.enrolment_site import Notebook as Memory

Json = dict[str, Any]
POLICY = EnrolmentPolicy(subject=f"CN={make.COMMON_NAME}", dns_names=(make.COMMON_NAME,), issuer=Issuer(name="Unknown"))
OTHER = msgspec.structs.replace(POLICY, validity_months=5)


class Vault:
    """Answers with what stands there, and keeps a list of what was asked of it."""

    def __init__(self, pending: Json | None = None, error: RemoteError | None = None) -> None:
        self.pending, self.error = pending, error
        self.asked: list[str] = []

    def fetch_pending(self, vault_url: str, name: str) -> Json | None:
        self.asked.append("fetch_pending")
        return self.pending

    def start_create(self, vault_url: str, name: str, policy: Json, tags: Json) -> Json:
        self.asked.append("start_create")
        self.tags = tags
        if self.error is not None:
            raise self.error
        return {"status": "inProgress", "request_id": "fresh"}

    def put_cancel(self, vault_url: str, name: str) -> None:
        self.asked.append("put_cancel")
        if self.error is not None:
            raise self.error

    def put_pending_gone(self, vault_url: str, name: str) -> None:
        self.asked.append("put_pending_gone")


class Desk:
    """One request with its memory; `told` and `noted` are what came out."""

    def __init__(self, vault: Vault | None = None, record: Record | None = None, **asked: Any) -> None:
        self.vault, self.memory = vault or Vault(), Memory()
        self.memory.record = record
        self.told: list[str] = []
        self.noted: list[str] = []
        policy = asked.pop("policy", POLICY)
        request = Request(vault_url=make.VAULT_URL, name="c", policy=policy, **asked)
        means = Means(vault=self.vault, memory=self.memory, clock=FakeClock(), emit=lambda _: None)  # type: ignore[arg-type]  # a fake
        self.notebook = Notebook(request, means)
        self.operation = Operation(
            request, means, self.notebook, tell=lambda kind, **_: self.told.append(kind), note=self.noted.append
        )

    @property
    def saved(self) -> Record:
        assert self.memory.record is not None
        return self.memory.record


DIGEST = Desk().notebook.digest


def record(step: Any = "pending", **changes: Any) -> Record:
    given: Json = {"vault_url": make.VAULT_URL, "name": "c", "step": step, "policy_digest": DIGEST}
    return Record(**(given | {"request_id": "ours"} | changes))


def standing(status: str = "inProgress", request_id: str | None = "ours", **more: Any) -> Json:
    return {"status": status, "request_id": request_id, **more}


def csr(*names: str) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    )
    general = [x509.DNSName(one) for one in names]
    signed = builder.add_extension(x509.SubjectAlternativeName(general), critical=False).sign(
        make.key("csr"), hashes.SHA256()
    )
    return base64.b64encode(signed.public_bytes(serialization.Encoding.DER)).decode()


@pytest.mark.parametrize(
    ("pending", "known", "goes_on"),
    [
        (standing(), record(), True),
        (standing(), record(policy_digest="another"), False),
        (standing(), record("idle"), False),
        (standing(request_id="theirs"), record(), False),
        (standing(), None, False),
        (standing(request_id="x", csr=csr(make.COMMON_NAME)), record("requesting", request_id=None), True),
        (standing(request_id="x", csr=csr("other.example.com")), record("requesting", request_id=None), False),
        (standing(request_id="x", csr="no request"), record("requesting", request_id=None), False),
        (standing(request_id="x"), record("requesting", request_id=None), False),
    ],
    ids=[
        "by its id",
        "for another policy",
        "after an end",
        "another id",
        "nothing is remembered",
        "by its names, where the id was never written",
        "other names",
        "no request that can be read",
        "no request",
    ],
)
def test_an_operation_is_gone_on_with_only_where_it_is_known_as_ours(
    pending: Json, known: Record | None, goes_on: bool
) -> None:
    desk = Desk(record=known)
    if goes_on:
        assert desk.operation.settle({"pending": pending})
        assert (desk.saved.step, desk.saved.request_id, desk.told) == ("pending", pending["request_id"], ["resumed"])
        return
    with pytest.raises(RefusedError) as caught:
        desk.operation.settle({"pending": pending})
    assert caught.value.token == "PendingForeign"
    assert desk.vault.asked == []


@pytest.mark.parametrize("mine", [True, False], ids=["ours", "theirs"])
def test_an_operation_is_ended_only_where_that_is_asked_for_and_not_by_a_dry_run(mine: bool) -> None:
    pending = standing(request_id="ours" if mine else "theirs")
    dry = Desk(record=record(), cancel_pending=True, dry_run=True)
    assert not dry.operation.settle({"pending": pending})
    assert (dry.vault.asked, len(dry.noted)) == ([], 1)
    wet = Desk(record=record(), cancel_pending=True)
    assert not wet.operation.settle({"pending": pending})
    assert wet.vault.asked == ["put_cancel", "put_pending_gone"]
    assert (wet.saved.step, wet.saved.request_id, wet.told) == ("idle", None, ["cancelled"])


@pytest.mark.parametrize("body", [None, {}, {"pending": None}, {"pending": standing("completed")}])
def test_where_nothing_is_in_progress_there_is_nothing_to_settle(body: Json | None) -> None:
    desk = Desk(record=record())
    assert not desk.operation.settle(body)
    assert (desk.vault.asked, desk.noted, desk.told) == ([], [], [])


def test_how_the_operation_before_ended_is_told_once_in_its_own_words() -> None:
    for pending, why in (
        (standing("failed", error={"message": "no\n money"}), "failed: no money."),
        (standing("cancelled", status_details="by  hand"), "cancelled: by hand."),
        (standing("cancelled"), "no reason is given"),
    ):
        desk = Desk(record=record())
        assert not desk.operation.settle({"pending": pending})
        assert why in desk.noted[0]


@pytest.mark.parametrize(
    ("pending", "known", "completed"),
    [
        (standing("completed"), record(), True),
        (standing("completed"), record(previous_request_id="ours"), False),
        (standing("completed"), record("idle"), False),
        (standing("completed"), record("ordering"), False),
        (standing("completed", request_id="theirs"), record(), False),
        (standing("inProgress"), record(), False),
        (None, record(), False),
    ],
    ids=["ours", "the one before ours", "after an end", "only ordered", "theirs", "still open", "none"],
)
def test_only_our_own_operation_that_has_ended_well_is_not_asked_for_again(
    pending: Json | None, known: Record, completed: bool
) -> None:
    assert Desk(record=known).operation.has_completed(pending) is completed


@pytest.mark.parametrize(
    ("tags", "asked", "refused"),
    [
        ({OWNER_TAG: "plan"}, {}, True),
        ({OWNER_TAG: "plan"}, {"frozen_by": "another"}, True),
        ({OWNER_TAG: "plan"}, {"frozen_by": "plan"}, False),
        ({OWNER_TAG: "plan"}, {"holds_renewal": True}, False),
        ({}, {}, False),
        (None, {}, False),
    ],
)
def test_what_a_plan_has_frozen_is_renewed_by_that_plan_alone(tags: Json | None, asked: Json, refused: bool) -> None:
    operation = Desk(**asked).operation
    if refused:
        with pytest.raises(RefusedError) as caught:
            operation.refuse_frozen({"tags": tags})
        assert caught.value.token == "AnotherRunActive"
    else:
        operation.refuse_frozen({"tags": tags})
        operation.refuse_frozen(None)


OURS_UNSEEN = standing(request_id="late", csr=csr(make.COMMON_NAME))


@pytest.mark.parametrize(
    ("status", "found", "taken"),
    [
        (500, OURS_UNSEEN, True),
        (500, None, False),
        (500, standing("completed", "late", csr=csr(make.COMMON_NAME)), False),
        (500, standing(request_id="late", csr=csr("other.example.com")), False),
        (409, OURS_UNSEEN, False),
        (403, OURS_UNSEEN, False),
    ],
    ids=["the answer was lost", "nothing came of it", "it has ended", "somebody else's", "a conflict", "forbidden"],
)
def test_a_request_whose_answer_was_lost_is_found_in_the_vault_and_nobody_elses_is_taken(
    status: int, found: Json | None, taken: bool
) -> None:
    desk = Desk(Vault(found, refusal(status)))
    if taken:
        assert desk.operation.begin(None) == found
        assert (desk.saved.step, desk.saved.request_id) == ("pending", "late")
    else:
        with pytest.raises(RemoteError) as caught:
            desk.operation.begin(None)
        assert caught.value.status == status
        assert (desk.saved.step, desk.saved.request_id) == ("requesting", None)
    assert ("fetch_pending" in desk.vault.asked) is (status != 403)


def test_what_stood_there_before_is_written_down_before_the_vault_is_asked() -> None:
    desk = Desk(Vault(standing("completed", "old")))
    assert desk.operation.fetch_ours() is None
    desk.operation.begin(None)
    assert (desk.saved.previous_request_id, desk.saved.request_id, desk.saved.policy) == ("old", "fresh", POLICY)


def test_tags_that_stand_there_stay_and_those_of_the_policy_come_beside_them() -> None:
    """A new version takes the tags of its request in the place of all others, a plan's mark among them."""
    desk = Desk(policy=msgspec.structs.replace(POLICY, tags={"owner": "us"}))
    desk.operation.begin({"tags": {OWNER_TAG: "plan", "owner": "them"}})
    assert desk.vault.tags == {OWNER_TAG: "plan", "owner": "us"}
    assert desk.told == ["requested"]


def test_an_operation_without_a_request_to_sign_has_failed() -> None:
    assert Desk().operation.signing_request(OURS_UNSEEN) == base64.b64decode(OURS_UNSEEN["csr"])
    with pytest.raises(RemoteError) as caught:
        Desk().operation.signing_request(standing())
    assert caught.value.token == "EnrolmentFailed"


def test_an_operation_that_somebody_began_meanwhile_is_told() -> None:
    assert Desk(Vault(standing()), record()).operation.fetch_ours() == standing()
    with pytest.raises(RefusedError):
        Desk(Vault(standing(request_id="theirs")), record()).operation.fetch_ours()


def test_a_refusal_to_cancel_does_not_hide_the_error_that_is_on_its_way() -> None:
    assert Desk().operation.can_cancel()
    refused = Desk(Vault(error=refusal(403)))
    assert not refused.operation.can_cancel()
    assert refused.told == ["waiting"]


# -- what is written down ----------------------------------------------------------------------------------------------


def test_an_order_of_this_policy_is_gone_on_with_and_one_of_another_is_dropped() -> None:
    order = {"url": "https://ca/order/1"}
    for known, kept in (
        (record("ordering", order=order), order),
        (record("ordering", order=order, policy_digest="another"), None),
        # after a refusal that was not the authority's
        (record("idle", order=order), order),
        (record("idle", order=order, policy_digest="another"), None),
    ):
        desk = Desk(record=known)
        desk.notebook.is_ordering()
        assert (desk.notebook.record.step, desk.notebook.record.order) == ("ordering", kept)
        assert desk.notebook.record.policy_digest == DIGEST


def test_an_order_that_is_given_up_leaves_the_operation_ours() -> None:
    desk = Desk(record=record(order={"url": "x"}))
    desk.notebook.gives_order_up()
    assert (desk.saved.order, desk.saved.step, desk.saved.request_id) == (None, "pending", "ours")


def test_once_done_what_the_authority_said_takes_the_place_of_what_it_said_before() -> None:
    window = (make.NOW, make.NOW + timedelta(days=1))
    old = record(
        ari_id="old",
        renewal_start_utc=make.NOW,
        renewal_end_utc=make.NOW,
        renewal_ask_again_utc=make.NOW,
        order={"a": 1},
    )
    for advice in (Advice(ari_id="new", window=window, ask_again_utc=window[1]), Advice(), None):
        desk = Desk(record=old)
        desk.notebook.is_merging((make.authority().der,), AcmeAnswer(der=(), advice=advice) if advice else None)
        assert desk.saved.step == "merging"
        assert (desk.saved.chain_pem or "").count("BEGIN CERTIFICATE") == 1
        desk.notebook.has_failed(refusal(500))
        desk.notebook.is_done("AB")
        said = advice or Advice()
        assert desk.saved.ari_id == said.ari_id
        assert (desk.saved.renewal_start_utc, desk.saved.renewal_end_utc) == (said.window or (None, None))
        assert desk.saved.renewal_ask_again_utc == said.ask_again_utc
        assert (desk.saved.step, desk.saved.order, desk.saved.request_id) == ("idle", None, None)
        assert (desk.saved.failures, desk.saved.merging, desk.saved.policy) == ((), None, POLICY)


def test_the_last_twenty_failures_are_kept() -> None:
    desk = Desk()
    for status in range(400, 425):
        desk.notebook.has_failed(refusal(status))
    assert len(desk.saved.failures) == 20
    assert "405" in desk.saved.failures[0].message
    assert "424" in desk.saved.failures[-1].message


def test_a_policy_is_remembered_where_none_is_and_for_renewals_where_it_changed() -> None:
    fresh, known = Desk(record=record(policy=None)), Desk(record=record(policy=OTHER))
    fresh.notebook.knows_policy()
    known.notebook.knows_policy()
    assert (fresh.saved.policy, known.saved.policy) == (POLICY, OTHER)
    for begin, saves in (
        (record("idle", policy=POLICY), 0),
        (record("idle", policy=OTHER), 1),
        (record("idle", policy=POLICY, order={"url": "of no more use"}), 1),
        (record(policy=POLICY), 1),
    ):
        desk = Desk(record=begin)
        desk.notebook.remembers_policy()
        assert desk.memory.saves == saves
        assert (desk.saved.policy, desk.saved.step, desk.saved.order) == (POLICY, "idle", None)


def test_a_request_without_an_id_is_remembered_as_one_without() -> None:
    for request_id, kept in (("r", "r"), ("", None), (None, None)):
        desk = Desk()
        desk.notebook.is_pending({"request_id": request_id})
        assert (desk.saved.step, desk.saved.request_id) == ("pending", kept)


def test_what_another_run_has_written_down_meanwhile_stays() -> None:
    """Two runs of one record: what the second learned of the certificate is not lost by what the first one notes."""
    desk = Desk(record=record())
    request = Request(vault_url=make.VAULT_URL, name="c", policy=POLICY)
    means = Means(vault=desk.vault, memory=desk.memory, clock=FakeClock(), emit=lambda _: None)  # type: ignore[arg-type]  # a fake
    other = Notebook(request, means)
    other.is_merging((make.leaf().chain[0].der,), AcmeAnswer(der=(), advice=Advice(ari_id="a.b")))
    other.is_done("AB")
    desk.notebook.has_failed(refusal(404))
    assert desk.saved.chain_pem is not None
    assert (desk.saved.ari_id, desk.saved.step) == ("a.b", "idle")
    assert len(desk.saved.failures) == 1
