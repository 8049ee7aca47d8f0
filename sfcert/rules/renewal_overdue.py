"""Should there be a new version by now? Floor 3. Source: service-fabric.md 6.3, 7 row 25."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.renewal_too_late import left_after_trigger

#: Between the trigger and a new version: authorities answer within hours, people within days.
GRACE = timedelta(days=3)


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from unread_deliveries(observation, "its renewal is overdue")
    for delivery, certificate, version, leaf in serving(observation):
        if certificate.latest is not version:
            continue  # there is a newer one already
        status = (certificate.pending_status or "").lower()
        if status == "failed":
            yield fail(
                delivery.subject,
                "RequestFailed",
                f"The last request for a new version of {certificate.name} failed: nothing will come by itself.",
                "Read the pending operation's error in the vault, mend it and request again.",
                pending=certificate.pending_status,
            )
            continue
        for action in certificate.lifetime_actions:
            left = left_after_trigger(action, leaf.not_after_utc - leaf.not_before_utc)
            if action.action.lower() != "autorenew" or left is None:
                continue
            due = leaf.not_after_utc - left
            if now > due + GRACE:
                yield fail(
                    delivery.subject,
                    "Overdue",
                    f"{certificate.name} should have been renewed on {due:%Y-%m-%d}, and there is no new version.",
                    "Look at the authority's account and at the pending operation in the vault; "
                    "request a new version by hand if need be.",
                    due_utc=due.isoformat(),
                    pending=certificate.pending_status,
                )


RULE = Rule(
    id="renewal-overdue",
    severity="error",
    reasons={
        "Overdue": "The day of the renewal trigger is past and nothing came.",
        "RequestFailed": "The pending request ended as failed.",
    },
    check=check,
)
