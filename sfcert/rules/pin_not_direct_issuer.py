"""Is the pinned certificate the one that signs, rather than the leaf or the root? Floor 3.

Source: service-fabric.md 1.1 (direct issuer), 11 A03.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.pki import direct_issuers
from sfcert.rules.delivery import name_of, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    pinned = tuple(name for name in observation.cluster.certificate.names if name.issuers)
    yield from undecided(observation, "the pins name its direct issuer")
    if not pinned:
        return
    yield from unread_deliveries(observation, "the pins name its direct issuer")
    known = observation.known_certificates()
    for delivery, _, version, leaf in serving(observation):
        name = name_of(delivery, pinned)
        if name is None or leaf.is_self_signed:
            continue
        direct = {one.thumbprint for one in direct_issuers(leaf, known)}
        if direct & set(name.issuers):
            continue
        above = {one.thumbprint for one in version.chain} - direct
        wrong = sorted(set(name.issuers) & (above | {leaf.thumbprint}))
        if not wrong:
            continue  # a pin of another authority: issuer-not-pinned speaks of it
        is_leaf = wrong[0] == leaf.thumbprint
        yield fail(
            delivery.subject,
            "LeafPinned" if is_leaf else "AncestorPinned",
            f"{name.common_name} is pinned to {wrong[0]}, which is "
            + ("the certificate itself" if is_leaf else "above its issuer")
            + ": only the thumbprint of the certificate that signed it counts.",
            "Pin the direct issuer.",
            pinned=list(name.issuers),
            direct_issuers=sorted(direct),
        )


RULE = Rule(
    id="pin-not-direct-issuer",
    severity="error",
    reasons={
        "LeafPinned": "The pin is the thumbprint of the certificate itself.",
        "AncestorPinned": "The pin is the thumbprint of a root or another authority above the issuer.",
    },
    check=check,
)
