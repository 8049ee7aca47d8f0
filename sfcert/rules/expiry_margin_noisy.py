"""Will Service Fabric warn of expiry during ordinary life? Floor 3. Source: service-fabric.md 1.3, 7 row 26."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sfcert.dated import timing_s
from sfcert.model.observation import Observation
from sfcert.rules.delivery import is_by_name, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.renewal_too_late import left_after_trigger


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    security = {key.lower(): value for key, value in cluster.settings.get("Security", {}).items()}
    yield from undecided(observation, "it is renewed before Service Fabric warns")
    if not is_by_name(observation) or "certificateexpirysafetymargin" in security:
        return  # a margin that somebody set: its unit is not documented well enough to judge
    yield from unread_deliveries(observation, "it is renewed before Service Fabric warns")
    margin = timedelta(seconds=timing_s("expiry_warning_s"))
    for delivery, certificate, _, leaf in serving(observation):
        for action in certificate.lifetime_actions:
            left = left_after_trigger(action, leaf.not_after_utc - leaf.not_before_utc)
            if action.action.lower() == "autorenew" and left is not None and left < margin:
                yield fail(
                    delivery.subject,
                    "MarginBeforeRenewal",
                    f"{certificate.name} renews {left.days} days before it expires, and Service Fabric warns "
                    f"{margin.days} days before: every rotation begins with a health warning that means nothing.",
                    "Lower Security/CertificateExpirySafetyMargin, or renew earlier.",
                    renews_days_before=left.days,
                    warns_days_before=margin.days,
                )


RULE = Rule(
    id="expiry-margin-noisy",
    severity="info",
    reasons={"MarginBeforeRenewal": "The warning comes before the renewal does."},
    check=check,
)
