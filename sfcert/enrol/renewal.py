"""When is a certificate renewed, and when is a failed renewal tried again? Arithmetic over instants. Floor 3.

    issued ----------- trigger ------ (wait for a window) ------ last moment --- NotAfter
                       due            renewal                    windows no longer count

Leaves out: asking the authority for its advice (it comes in as a window).
Source: RFC 9773 for the advice; the shape of the back-off as cert-manager's: doubling from an hour, at most 32 hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sfcert.enrol.windows import next_opening
from sfcert.model.base import Value
from sfcert.model.enrolment import Failure, Renewal, Window

FIRST_WAIT = timedelta(hours=1)
LONGEST_WAIT = timedelta(hours=32)
DEFAULT_PERCENTAGE = 75
#: Before expiry, windows no longer hold a renewal back: the share of the whole life, and at least a day.
_LAST_SHARE = 10


class Timing(Value):
    """`due_utc`: the trigger. `renewal_utc`: when a renewal begins, windows and back-off counted. `notes` say why they
    differ. All aware UTC, whole seconds, never after `not_after_utc`."""

    due_utc: datetime
    renewal_utc: datetime
    notes: tuple[str, ...]

    def is_due(self, now: datetime) -> bool:
        return now >= self.renewal_utc


def renewal_timing(
    not_before: datetime,
    not_after: datetime,
    renewal: Renewal,
    *,
    now: datetime,
    advice: tuple[datetime, datetime] | None = None,
    identity: str = "",
    failures: Sequence[Failure] = (),
) -> Timing:
    """When a certificate is renewed.

    Args:
        not_before, not_after: aware UTC.
        now: aware UTC. Only used to tell a window that is over from one that is open: what has missed its window,
            because the timer stood still or an attempt failed in it, waits for the next one.
        advice: the authority's suggested window (RFC 9773), None where there is none. It wins over the policy's
            trigger; a moment inside it is taken by `identity`, the same one each time.
        identity: what tells this certificate from others, such as its thumbprint.
        failures: of this renewal, oldest first.

    Effects: none.
    """
    life = not_after - not_before
    notes: list[str] = []
    if advice is not None and not_before <= advice[0] < advice[1] <= not_after:
        due = advice[0] + (advice[1] - advice[0]) * _share(identity)
        notes.append("the authority's own advice (RFC 9773)")
    else:
        if advice is not None:
            notes.append("the authority's advice lies outside the validity and is not followed")
        due = not_after - left_at_trigger(life, renewal)
        if _is_longer_than_life(life, renewal):
            notes.append(
                f"it does not live for {renewal.days_before_expiry} days, so {DEFAULT_PERCENTAGE} % of its life count"
            )
    due = min(max(due, not_before), not_after).replace(microsecond=0)
    last = not_after - max(life / _LAST_SHARE, min(timedelta(days=1), life / 2))
    begin = due
    attempt = next_attempt(failures)
    if attempt is not None and attempt > due:
        begin = attempt if attempt < last else max(due, min(attempt, last))
        notes.append(f"waits after {len(failures)} failure{'s' if len(failures) > 1 else ''}")
    opening = _window_for(renewal.windows, begin, now)
    if opening is None or (opening > begin and opening > last):
        begin = max(begin, min(last, not_after))
        notes.append("no window opens in time, so it begins outside of them rather than let the certificate expire")
    elif opening > begin:
        begin = opening
        notes.append("waits for its window")
    return Timing(
        due_utc=due,
        renewal_utc=min(begin, not_after).replace(microsecond=0),
        notes=tuple(notes),
    )


def _window_for(windows: tuple[Window, ...], begin: datetime, now: datetime) -> datetime | None:
    """Where the first window from `begin` on that is not over yet opens; `begin` where it is open then. None where none
    opens within a year."""
    first = next_opening(windows, begin)
    if first is None or first >= now:
        return first
    following = next_opening(windows, now)
    return first if following == now else following


def next_attempt(failures: Sequence[Failure]) -> datetime | None:
    """When the next attempt may be made after these failures, oldest first; None where none failed."""
    if not failures:
        return None
    doubled: int = 1 << min(len(failures) - 1, 10)
    return failures[-1].at_utc + min(FIRST_WAIT * doubled, LONGEST_WAIT)


def left_at_trigger(life: timedelta, renewal: Renewal) -> timedelta:
    """How much of its life a certificate has left when its renewal falls due.

    Days that the whole life does not have would make it due from its first moment on, and each renewal the next one:
    where an authority gives less than was asked for, the default share counts instead.

    Source: cert-manager 1.21, pkg/util/pki/renewaltime.go, which goes by the life as issued in the same way.
    """
    days = renewal.days_before_expiry
    if days is not None and timedelta(days=days) < life:
        return timedelta(days=days)
    share = DEFAULT_PERCENTAGE if days is not None else renewal.lifetime_percentage or DEFAULT_PERCENTAGE
    return life * (100 - share) / 100


def _is_longer_than_life(life: timedelta, renewal: Renewal) -> bool:
    return renewal.days_before_expiry is not None and timedelta(days=renewal.days_before_expiry) >= life


def _share(identity: str) -> float:
    """A number in [0, 1) that is the same for the same certificate and spread over many."""
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:6], "big") / 2**48
