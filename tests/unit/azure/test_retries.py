"""The one table of retries: what is tried again, how long, and what is never sent twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.azure.retries import PATIENCE_S, RETRY_AFTER_CAP_S, Retries, may_retry, wait_s
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
