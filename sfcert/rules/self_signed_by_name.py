"""Is a self-signed certificate declared by name without being pinned to itself? Floor 3.

Its own issuer is itself, so only its own thumbprint counts as a pin. Source: service-fabric.md 2.3, 11 A23.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import name_of, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    names = observation.cluster.certificate.names
    yield from undecided(observation, "it is self-signed")
    if not names:
        return
    yield from unread_deliveries(observation, "it is self-signed")
    for delivery, _, _, leaf in serving(observation):
        name = name_of(delivery, names)
        if name is None or not leaf.is_self_signed:
            continue
        is_pinned = leaf.thumbprint in name.issuers
        yield fail(
            delivery.subject,
            "PinnedToItself" if is_pinned else "NotPinnedToItself",
            f"{leaf.thumbprint} is self-signed and declared by the name {name.common_name}"
            + (
                ", pinned to itself: the next one will have another thumbprint and be refused."
                if is_pinned
                else ": no machine accepts it."
            ),
            "Take a certificate from an authority; by name a self-signed one never renews.",
            thumbprint=leaf.thumbprint,
            pinned=list(name.issuers),
        )


RULE = Rule(
    id="self-signed-by-name",
    severity="error",
    reasons={
        "NotPinnedToItself": "The self-signed certificate is not among the pins.",
        "PinnedToItself": "It is, which holds until it is renewed.",
    },
    severity_of={"PinnedToItself": "warning"},
    check=check,
)
