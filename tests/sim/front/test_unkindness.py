"""What an armed unkindness does to a request, and that nothing else strikes."""

from __future__ import annotations

import pytest

from sfcert.sim.entra import Entra
from sfcert.sim.front.unkind import UNKINDNESS
from sfcert.sim.kernel.strikes import Asked, Strikes
from tests.sim.front.widgets import Client, FakeWidgets, make


@pytest.mark.parametrize(
    ("fault", "status"),
    [("throttling", 429), ("write-conflict", 409), ("server-error", 500), ("unavailable", 503)],
)
def test_an_armed_refusal_comes_as_often_as_asked_and_changes_nothing(arm: Client, fault: str, status: int) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm(fault, {"times": 2, "match": "/disks/"})
    assert [arm("PUT", disk, {}).status for _ in range(3)] == [status, status, 201]
    assert [write["what"] for write in arm.azure.journal.writes if "disks" in write["subject"]] == ["PUT"]


def test_chance_does_not_look_at_what_a_name_carries_of_a_key(arm: Client) -> None:
    """Keys are made anew in every world; by the same seed the same requests have to be struck."""
    arm.azure.faults.arm("server-error", {"chance": 0.5})

    def struck(of_a_key: str) -> list[bool]:
        names = (f"50-{number}-add-{of_a_key[:8].upper()}-nt0-{of_a_key}" for number in range(12))
        return [strikes.strikes("server-error", Asked("arm", "GET", f"/deployments/{name}")) for name in names]

    strikes = Strikes(arm.azure)
    first = struck("8580d5eb4bd7")
    strikes = Strikes(arm.azure)
    assert struck("0c296814cafe") == first
    assert len(set(first)) == 2


def test_a_lost_answer_hides_a_write_that_was_done(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm("answer-lost", {"times": 1})
    assert arm("PUT", disk, {}).status == 500
    assert arm("GET", disk).status == 200


def test_a_cut_answer_hides_a_write_that_was_done(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm("answer-cut", {"times": 1})
    assert arm("PUT", disk, {}).reset
    assert arm("GET", disk).status == 200


def test_reads_lag_behind_a_write_for_the_looks_that_were_asked(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "old"}})
    arm.azure.faults.arm("stale-read", {"looks": 2, "times": 1})
    arm("PUT", disk, {"tags": {"a": "new"}})
    assert [arm("GET", disk).body["tags"]["a"] for _ in range(3)] == ["old", "old", "new"]


def test_an_operation_that_fails_late_stays_failed(arm: Client) -> None:
    arm.azure.register(FakeWidgets(arm.azure))
    arm.azure.faults.arm("operation-fails-late", {"times": 1})
    link = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {}).headers["Azure-AsyncOperation"]
    arm.azure.clock.advance(10)
    assert arm("GET", link).body["status"] == "Failed"
    arm.azure.clock.advance(7200)
    assert arm("GET", link).body["error"]["code"] == "InternalExecutionError"


def test_a_refusal_for_a_moved_condition_comes_before_anything_happens(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm("precondition-failed", {"times": 1})
    refused = arm("PUT", disk, {})
    assert (refused.status, refused.body["error"]["code"]) == (412, "PreconditionFailed")
    assert arm("GET", disk).status == 404


def test_an_etag_that_somebody_moved_after_a_read_fails_the_write(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "1"}})
    arm.azure.faults.arm("etag-moves", {"times": 1})
    etag = arm("GET", disk).headers["ETag"]
    assert arm("PUT", disk, {"tags": {"a": "2"}}, headers={"if-match": etag}).status == 412
    etag = arm("GET", disk).headers["ETag"]
    assert arm("PUT", disk, {"tags": {"a": "2"}}, headers={"if-match": etag}).status == 200


def test_what_was_created_appears_late_alone_and_in_lists(arm: Client) -> None:
    group = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks"
    arm.azure.faults.arm("appears-late", {"looks": 2})
    assert arm("PUT", f"{group}/d", {}).status == 201
    assert [len(arm("GET", group).body["value"]) for _ in range(3)] == [0, 0, 1]
    assert [arm("GET", f"{group}/d").status for _ in range(3)] == [404, 404, 200]
    assert arm("PUT", f"{group}/d", {"tags": {"a": "1"}}).status == 200
    assert arm("GET", f"{group}/d").body["tags"] == {"a": "1"}


def test_a_write_that_was_refused_leaves_no_stale_read(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "1"}})
    arm.azure.faults.arm("stale-read", {"times": 1})
    assert arm("PUT", disk, {}, headers={"if-match": '"999"'}).status == 412
    arm("PUT", disk, {"tags": {"a": "2"}})
    assert [arm("GET", disk).body["tags"]["a"] for _ in range(3)] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("token-expired", "ExpiredAuthenticationToken"),
        ("token-revoked", "TokenIssuedBeforeRevocationTimestamp"),
    ],
)
def test_a_good_token_is_refused_and_another_is_taken(arm: Client, fault: str, code: str) -> None:
    arm.azure.faults.arm(fault, {"times": 1})
    refused = arm("GET", arm.sub)
    assert (refused.status, refused.body["error"]["code"]) == (401, code)
    assert arm("GET", arm.sub).status == (200 if fault == "token-expired" else 401)
    if fault == "token-revoked":
        assert 'error="insufficient_claims", claims="' in refused.headers["WWW-Authenticate"]
    entra = arm.azure.service("entra", Entra)
    other = entra.token_for(entra.default.caller, "https://management.azure.com")
    assert arm("GET", arm.sub, headers={"authorization": f"Bearer {other}"}).status == 200


def test_the_same_seed_strikes_the_same_requests() -> None:
    def strikes() -> list[int]:
        arm = make()
        arm.azure.faults.arm("server-error", {"chance": 0.5})
        return [arm("GET", arm.sub).status for _ in range(30)]

    assert strikes() == strikes()
    assert {200, 500} == set(strikes())


def test_every_unkindness_is_in_the_catalogue_with_a_sentence(arm: Client) -> None:
    catalogue = arm.azure.faults.catalogue()
    assert set(UNKINDNESS) <= set(catalogue)
    assert all(sentence.endswith(".") for sentence in catalogue.values())
    with pytest.raises(KeyError):
        arm.azure.faults.arm("no-such-fault")
