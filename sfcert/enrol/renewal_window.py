"""Between which two moments should a certificate be replaced? Floor 3.

The policy's trigger opens the window; the last moment at which asking is still in time closes it. Leaves out: what the
time in between is needed for (`way_to_nodes`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sfcert.model.base import Value
from sfcert.model.observation import LifetimeAction


class Window(Value):
    """Half-open [opens, closes), both inside the validity period. `slack_s` is from the trigger to the last moment
    without any clipping: negative where the trigger comes too late, and the window is then empty."""

    opens_utc: datetime
    closes_utc: datetime
    slack_s: int


#: A century: a trigger beyond that is before any beginning.
MOST_DAYS = 36500


def left_after_trigger(action: LifetimeAction, life: timedelta) -> timedelta | None:
    """How much of a life is left when this action is taken, 0 to all of it; None where the action names no trigger.

    Source: Key Vault certificate policies, lifetime_actions (`lifetime_percentage`, `days_before_expiry`).
    """
    if action.days_before_expiry is not None:
        left = timedelta(days=min(max(action.days_before_expiry, 0), MOST_DAYS))
    elif action.percentage is not None:
        left = life * (100 - min(max(action.percentage, 0), 100)) / 100
    else:
        return None
    return timedelta(seconds=int(min(max(left, timedelta()), life).total_seconds()))


def trigger_says(action: LifetimeAction) -> str:
    """The trigger in words; the policy's own figure."""
    if action.days_before_expiry is not None:
        return f"{action.days_before_expiry} days before its end"
    return f"at {action.percentage} % of its life"


def renewal_window(begins: datetime, ends: datetime, left: timedelta, needed_s: int) -> Window:
    """When a certificate of this validity should be replaced.

    Args:
        begins, ends: NotBefore and NotAfter, aware UTC, `begins < ends`.
        left: how much of its life is left at the trigger (`left_after_trigger`).
        needed_s: seconds from asking for a new version to the last use of the old one.

    Returns:
        `begins <= opens <= closes <= ends`.

    Effects: none.
    """
    trigger = min(max(ends - left, begins), ends)
    last = ends - timedelta(seconds=needed_s)
    closes = min(max(last, begins), ends)
    return Window(
        opens_utc=min(trigger, closes), closes_utc=closes, slack_s=int((last - (ends - left)).total_seconds())
    )
