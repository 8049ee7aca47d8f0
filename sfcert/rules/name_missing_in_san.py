"""Is the common name also among the alternative names? Floor 3. Source: service-fabric.md 2.7; RFC 9525 section 6.3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from unread_deliveries(observation, "its common name is among its alternative names")
    for delivery, _, _, leaf in serving(observation):
        name = leaf.common_name
        if name is None or name.lower() in (one.lower() for one in leaf.dns_names):
            continue
        yield fail(
            delivery.subject,
            "OnlyInSubject",
            f"{leaf.thumbprint} has {name} in its subject only: browsers and newer TLS clients look at the alternative "
            "names alone, and refuse the management endpoint.",
            "Put the common name into the policy's dns_names before the next renewal.",
            common_name=name,
            dns_names=list(leaf.dns_names),
        )


RULE = Rule(
    id="name-missing-in-san",
    severity="info",
    reasons={"OnlyInSubject": "The alternative names do not hold the subject CN."},
    check=check,
)
