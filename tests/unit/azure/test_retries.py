"""The one table of retries: what is tried again, how long, and what is never sent twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.azure.failures import unreachable
from sfcert.azure.retries import NO_WAY_PATIENCE_S, PATIENCE_S, RETRY_AFTER_CAP_S, Retries, may_retry, wait_s
from sfcert.errors import RemoteError
from tests.fakes import FakeClock


def error(status: int | None, code: str | None = None, *, wait: float | None = None) -> RemoteError:
    token = "RemoteUnreachable" if status is None else "RemoteFailed"
    return RemoteError(
        token, "no", service="s", operation="o", status=status, remote_code=code, retry_after_s=wait, transient=True
    )


@pytest.mark.parametrize("status", [429, 503], ids=["throttled", "unavailable"])
def test_what_was_surely_not_accepted_is_sent_again_even_when_it_must_not_be_sent_twice(status: int) -> None:
    assert may_retry(error(status), is_repeatable=False)


@pytest.mark.parametrize("status", [408, 500, 502, 504, None])
def test_an_answer_that_may_hide_an_acceptance_is_repeated_only_where_that_does_no_harm(status: int | None) -> None:
    assert may_retry(error(status), is_repeatable=True)
    assert not may_retry(error(status), is_repeatable=False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412])
def test_a_refusal_is_not_tried_again(status: int) -> None:
    assert not may_retry(error(status), is_repeatable=True)


@pytest.mark.parametrize("code", ["ExpiredAuthenticationToken", "TokenIssuedBeforeRevocationTimestamp"])
def test_a_token_that_is_over_is_renewed_twice_and_no_more(code: str) -> None:
    over = error(401, code)
    assert may_retry(over, is_repeatable=False)
    assert Retries(FakeClock()).call(failing(2, over), is_repeatable=False) == "done"
    with pytest.raises(RemoteError) as caught:
        Retries(FakeClock()).call(failing(3, over), is_repeatable=True)
    assert caught.value.status == 401


def test_without_a_token_nothing_was_sent_so_that_anything_is_tried_again() -> None:
    busy = RemoteError("SignInUnavailable", "HTTP 503", service="s", operation="o", transient=True)
    assert may_retry(busy, is_repeatable=False)
    nobody = RemoteError("SignInUnavailable", "refused", service="s", operation="o", transient=False)
    assert not may_retry(nobody, is_repeatable=True)


def test_a_conflict_that_says_come_again_is() -> None:
    assert may_retry(error(409, "AnotherOperationInProgress"), is_repeatable=False)
    assert may_retry(error(409, "Conflict"), is_repeatable=False)
    assert not may_retry(error(409, "RoleAssignmentExists"), is_repeatable=False)


@given(st.integers(1, 40), st.one_of(st.none(), st.floats(0, 1e6)))
def test_every_wait_is_positive_and_capped(attempt: int, asked: float | None) -> None:
    assert 0 < wait_s(error(429, wait=asked), attempt) <= RETRY_AFTER_CAP_S


def failing(times: int, with_error: RemoteError) -> Callable[[], str]:
    left = [times]

    def send() -> str:
        if left[0]:
            left[0] -= 1
            raise with_error
        return "done"

    return send


def test_retry_after_is_obeyed_by_the_clock_and_every_retry_is_told() -> None:
    clock, told = FakeClock(), []
    retries = Retries(clock, on_retry=told.append)
    assert retries.call(failing(2, error(429, wait=7.0)), is_repeatable=True) == "done"
    assert clock.slept == [7.0, 7.0]
    assert len(told) == 2


def test_patience_ends_with_the_last_answer_in_the_message() -> None:
    clock = FakeClock()
    with pytest.raises(RemoteError) as caught:
        Retries(clock).call(failing(1000, error(503)), is_repeatable=True)
    assert caught.value.token == "RetriesExhausted"
    assert caught.value.status == 503
    assert sum(clock.slept) <= PATIENCE_S


@pytest.mark.parametrize(
    "code",
    [
        "AnotherOperationInProgress",
        "ConcurrentOperation",
        "Conflict",
        "ConflictingOperation",
        "OperationNotAllowedWhileAnotherIsInProgress",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
    ],
)
def test_each_conflict_with_another_operation_is_waited_for_whatever_its_spelling(code: str) -> None:
    assert may_retry(error(409, code), is_repeatable=False)
    assert may_retry(error(409, code.lower()), is_repeatable=False)
    assert not may_retry(error(400, code), is_repeatable=True)


def test_a_conflict_is_waited_for_where_the_service_says_when_to_come_again() -> None:
    assert may_retry(error(409, "Anything", wait=5.0), is_repeatable=False)
    assert may_retry(error(409, "Anything", wait=0.0), is_repeatable=False)
    assert not may_retry(error(400, "Anything", wait=5.0), is_repeatable=True)


def test_a_token_is_over_only_by_the_services_401() -> None:
    assert not may_retry(error(403, "ExpiredAuthenticationToken"), is_repeatable=True)


def test_a_failure_without_an_answer_that_is_no_broken_connection_is_not_tried_again() -> None:
    odd = RemoteError("RemoteFailed", "no", service="s", operation="o", transient=True)
    assert not may_retry(odd, is_repeatable=True)


def test_waits_double_from_a_second_to_half_a_minute_and_what_the_service_asks_is_capped() -> None:
    assert [wait_s(error(503), attempt) for attempt in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert wait_s(error(503, wait=0.0), 1) == 1
    assert [wait_s(error(503, wait=asked), 1) for asked in (0.5, 120.0, 121.0)] == [0.5, 120.0, 120.0]


def test_what_is_told_of_a_retry_names_the_status_or_else_the_token_and_the_wait() -> None:
    told: list[str] = []
    retries = Retries(FakeClock(), on_retry=told.append)
    retries.call(failing(2, error(503)), is_repeatable=True)
    retries.call(failing(1, error(None)), is_repeatable=True)
    assert told == ["o: 503, again in 1 s", "o: 503, again in 2 s", "o: RemoteUnreachable, again in 1 s"]


@pytest.mark.parametrize(("patience", "slept"), [(15.0, 4), (14.9, 3), (0.0, 0)], ids=["just enough", "less", "none"])
def test_patience_is_spent_to_its_last_second_and_the_answer_keeps_what_it_carried(patience: float, slept: int) -> None:
    clock = FakeClock()
    with pytest.raises(RemoteError) as caught:
        Retries(clock, patience_s=patience).call(failing(9, error(503, "Busy")), is_repeatable=True)
    assert clock.slept == [1.0, 2.0, 4.0, 8.0][:slept]
    assert f"after {slept + 1} attempts in {sum(clock.slept):.0f} s" in caught.value.message
    assert (caught.value.status, caught.value.remote_code, caught.value.transient) == (503, "Busy", True)


def test_what_may_not_be_tried_again_is_raised_as_it_is_after_one_call() -> None:
    refused, clock = error(403), FakeClock()
    with pytest.raises(RemoteError) as caught:
        Retries(clock).call(failing(1, refused), is_repeatable=True)
    assert caught.value is refused
    assert clock.slept == []


@pytest.mark.parametrize(
    "why",
    [
        "Failed to resolve 'kv-typo.vault.azure.net' ([Errno -2] Name or service not known)",
        "('Unable to connect to proxy', OSError('Tunnel connection failed: 403 Forbidden'))",
    ],
    ids=["nobody-knows-the-host", "the-proxy-leads-nobody-there"],
)
def test_a_name_that_was_mistyped_is_told_soon_and_a_broken_connection_is_borne(why: str) -> None:
    def waited(error: RemoteError) -> float:
        clock = FakeClock()
        began = clock.now()
        with pytest.raises(RemoteError) as caught:
            Retries(clock).call(failing(1000, error), is_repeatable=True)
        assert caught.value.token == "RetriesExhausted"
        return (clock.now() - began).total_seconds()

    no_way = unreachable("Key Vault", "GET /certificates", why)
    assert may_retry(no_way, is_repeatable=False)  # nothing was sent
    assert 10 <= waited(no_way) <= NO_WAY_PATIENCE_S
    assert waited(unreachable("Key Vault", "GET /certificates", "[Errno 104] Connection reset by peer")) > 200
