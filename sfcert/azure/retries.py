"""Which failures are tried again, how often, for how long? The one table, and the one loop. Floor 5.

    what                                   a read or a harmless write    a write that must not be sent twice
    429, 503                               yes                           yes: it was not accepted
    409 with a code of `_BUSY`, or with    yes                           yes: it was not accepted
    Retry-After
    401 that says: this token is over      yes, twice                    yes: it was not accepted
    no token for the moment (`sign_in`)    yes                           yes: nothing was sent
    408, 500, 502, 504, broken connection  yes                           no: the caller looks first what became of it
    no such host, refused by the proxy     yes, not for long             the same: nothing was sent
    everything else                        no                            no

Waits go by the Clock port. Retry-After is obeyed but capped; without it the wait doubles. `PATIENCE_S` caps the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sfcert.errors import RemoteError
from sfcert.ports import Clock

T = TypeVar("T")

PATIENCE_S = 300.0
#: For a host that nobody knows, or that the proxy refuses: long enough for a network that is coming up.
NO_WAY_PATIENCE_S = 20.0
RETRY_AFTER_CAP_S = 120.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
_NOT_ACCEPTED = frozenset({429, 503})
_AMBIGUOUS = frozenset({408, 500, 502, 504})
#: What a service says of a token that was good when it was sent: the next request brings a new one.
_TOKEN_OVER = frozenset({"expiredauthenticationtoken", "tokenissuedbeforerevocationtimestamp"})
_NEW_TOKENS = 2
#: Conflicts that say: something else is at work, come again.
_BUSY = frozenset(
    {
        "anotheroperationinprogress",
        "concurrentoperation",
        "conflict",
        "conflictingoperation",
        "operationnotallowedwhileanotherisinprogress",
        "retryableerror",
        "retryableerrorduetoanotheroperation",
    }
)


def may_retry(error: RemoteError, *, is_repeatable: bool) -> bool:
    """Whether the table lets this failure be tried again.

    Args:
        is_repeatable: reads, and writes that do the same when they are done twice.
    """
    if error.token == "SignInUnavailable":
        # without a token nothing was sent
        return error.transient is True
    if error.status is None:
        return error.token == "RemoteUnreachable" and (is_repeatable or _has_no_way(error))
    if error.status in _NOT_ACCEPTED or is_token_over(error):
        return True
    if error.status == 409:
        return error.retry_after_s is not None or (error.remote_code or "").lower() in _BUSY
    return is_repeatable and error.status in _AMBIGUOUS


def is_token_over(error: RemoteError) -> bool:
    """Whether the service refuses a token that has expired or was revoked, not the caller."""
    return error.status == 401 and (error.remote_code or "").lower() in _TOKEN_OVER


def _has_no_way(error: RemoteError) -> bool:
    """Whether there is no such host, or the proxy leads nobody there; see `failures.unreachable`."""
    return error.token == "RemoteUnreachable" and error.transient is False


def wait_s(error: RemoteError, attempt: int) -> float:
    """How long to wait before attempt `attempt + 1` (the first attempt is 1)."""
    if error.retry_after_s is not None and error.retry_after_s > 0:
        return min(error.retry_after_s, RETRY_AFTER_CAP_S)
    return min(_FIRST_WAIT_S * 2.0 ** (attempt - 1), _LONGEST_WAIT_S)


class Retries:
    """The loop. `on_retry` is told each passing failure in one line (it ends up in `Applied`)."""

    def __init__(
        self, clock: Clock, *, patience_s: float = PATIENCE_S, on_retry: Callable[[str], None] | None = None
    ) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._on_retry = on_retry

    @property
    def clock(self) -> Clock:
        return self._clock

    def _patience_with(self, error: RemoteError) -> float:
        return min(self._patience_s, NO_WAY_PATIENCE_S) if _has_no_way(error) else self._patience_s

    def call(self, send: Callable[[], T], *, is_repeatable: bool) -> T:
        """What `send` gives, tried again as the table says.

        Raises:
            RemoteError: the failure itself where it may not be tried again; RetriesExhausted once patience has run out.

        Effects: `send`, once or more; sleeps by the Clock port.
        """
        waited, attempt, new_tokens = 0.0, 1, 0
        while True:
            try:
                return send()
            except RemoteError as error:
                if not may_retry(error, is_repeatable=is_repeatable):
                    raise
                new_tokens += is_token_over(error)
                if new_tokens > _NEW_TOKENS:
                    raise
                pause = wait_s(error, attempt)
                if waited + pause > self._patience_with(error):
                    raise _exhausted(error, attempt, waited) from error
                if self._on_retry is not None:
                    said = error.status if error.status is not None else error.token
                    self._on_retry(f"{error.operation}: {said}, again in {pause:.0f} s")
                self._clock.sleep(pause)
                waited, attempt = waited + pause, attempt + 1


def _exhausted(error: RemoteError, attempts: int, waited_s: float) -> RemoteError:
    return RemoteError(
        "RetriesExhausted",
        f"Given up after {attempts} attempts in {waited_s:.0f} s. The last answer: {error.message}",
        service=error.service,
        operation=error.operation,
        status=error.status,
        remote_code=error.remote_code,
        correlation_id=error.correlation_id,
        retry_after_s=error.retry_after_s,
        transient=True,
    )
