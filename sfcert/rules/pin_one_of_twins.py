"""Where an authority has two certificates over one key, are both pinned? Floor 3.

A chain engine may pick either of them at any time. Twins that are published count also where no vault shows the other
one. Source: service-fabric.md 7 row 2; dated.toml, twin_issuers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import rows
from sfcert.model.observation import Observation
from sfcert.pki import direct_issuers
from sfcert.rules.delivery import name_of, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    pinned = tuple(name for name in observation.cluster.certificate.names if name.issuers)
    yield from undecided(observation, "its issuer has a twin that is not pinned")
    if not pinned:
        return
    for one in pinned:
        for row in rows("twin_issuers"):
            both = set(row["thumbprints"])
            if len(both & set(one.issuers)) == 1:
                (lacks,) = both - set(one.issuers)
                yield fail(
                    observation.cluster.id,
                    "KnownTwinNotPinned",
                    f"{one.common_name} is pinned to one certificate of {row['authority']}; there is another over the "
                    f"same key, {lacks}, through which a machine may build its chain.",
                    "Pin both, or distrust the other on every machine.",
                    pinned=list(one.issuers),
                    twins=sorted(both),
                    source=row["source"],
                )
    yield from unread_deliveries(observation, "its issuer has a twin that is not pinned")
    known = observation.known_certificates()
    for delivery, _, _, leaf in serving(observation):
        name = name_of(delivery, pinned)
        twins = {one.thumbprint for one in direct_issuers(leaf, known) if one.not_after_utc > now}
        if name is None or len(twins) < 2 or not twins & set(name.issuers) or twins <= set(name.issuers):
            continue
        lacking = sorted(twins - set(name.issuers))
        yield fail(
            delivery.subject,
            "TwinNotPinned",
            f"The issuer of {leaf.thumbprint} has another certificate over the same key, {lacking[0]}, which is not "
            "pinned: a machine that builds its chain through it refuses its peers, without any rotation.",
            "Pin both, or distrust the other on every machine.",
            pinned=list(name.issuers),
            twins=sorted(twins),
        )


RULE = Rule(
    id="pin-one-of-twins",
    severity="error",
    reasons={
        "TwinNotPinned": "Another certificate of the issuer's key is known and not pinned.",
        "KnownTwinNotPinned": "One of two published certificates of an authority's key is pinned.",
    },
    severity_of={"KnownTwinNotPinned": "warning"},
    check=check,
)
