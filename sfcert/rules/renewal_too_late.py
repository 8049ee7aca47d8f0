"""Does renewal begin early enough for the new certificate to reach every node? Floor 3.

It needs one poll of the extension, one look of the monitor, the life of a session, and a week for a person to mend what
went wrong. Source: service-fabric.md 2.4, 9, 11 A20; the week is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sfcert.dated import timing_s
from sfcert.model.observation import LifetimeAction, Observation
from sfcert.rules.delivery import is_by_name, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail

PERSON_S = 7 * 86400


def needed_s() -> int:
    """Seconds between a new version and the last node that may still use the old one, with a week to mend things."""
    return (
        timing_s("extension_polling_s") + timing_s("certificate_monitor_s") + timing_s("session_lifetime_s") + PERSON_S
    )


def left_after_trigger(action: LifetimeAction, lifetime: timedelta) -> timedelta | None:
    """How much of a certificate's life is left when this action is taken; None where the trigger says nothing."""
    if action.days_before_expiry is not None:
        return timedelta(days=action.days_before_expiry)
    if action.percentage is not None:
        return lifetime * (100 - action.percentage) / 100
    return None


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from undecided(observation, "it is renewed early enough")
    if not is_by_name(observation):
        return
    yield from unread_deliveries(observation, "it is renewed early enough")
    for delivery, certificate, _, leaf in serving(observation):
        lifetime = leaf.not_after_utc - leaf.not_before_utc
        for action in certificate.lifetime_actions:
            left = left_after_trigger(action, lifetime)
            if action.action.lower() != "autorenew" or left is None or left.total_seconds() >= needed_s():
                continue
            yield fail(
                delivery.subject,
                "TooLate",
                f"{certificate.name} renews {left.days} days before it expires; until every node has let go of the old "
                f"one, up to {needed_s() // 86400} days may pass.",
                "Renew earlier: a lower lifetime_percentage, or more days_before_expiry.",
                lifetime_days=lifetime.days,
                lifetime_percentage=action.percentage,
                days_before_expiry=action.days_before_expiry,
            )


RULE = Rule(
    id="renewal-too-late",
    severity="warning",
    reasons={"TooLate": "Less is left after the trigger than the way to the last node may take."},
    check=check,
)
