"""Do the nodes say that checking certificate chains is slow, or that revocation lists cannot be had? Floor 3.

Only where node health was captured. Source: service-fabric.md 7 row 18, 8 (codes 104 and 105).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.health_events import health_events
from sfcert.rules.reading import Missing, cannot_tell


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for event in health_events(observation):
        is_list = event.about.startswith("CertificateRevocationList_")
        if not is_list and not event.about.startswith("SecurityApi_CertGetCertificateChain"):
            continue
        said = event.said.rstrip(".") or "it gives no reason"
        if event.is_bad and is_list:
            yield fail(
                event.subject,
                "ListOffline",
                f"{event.where} cannot reach a revocation list ({event.about}): {said}.",
                "Open the way from the nodes to the authority's revocation lists (port 80), or use cached ones only.",
                HealthState=event.state,
                said=event.said,
            )
        elif event.is_bad:
            yield fail(
                event.subject,
                "ChainSlow",
                f"{event.where} takes long to build certificate chains: {said}.",
                "Open the way from the nodes to the authority's revocation lists and issuer certificates (port 80), "
                "or use cached ones only.",
                HealthState=event.state,
                said=event.said,
            )
        elif not event.is_fine:
            what = f"The health state of {event.about} of {event.where}"
            missing = Missing(reason="ResourceUnread", what=what, why=f"is {event.state or 'not given'}")
            yield cannot_tell(event.subject, missing, "its chains can be checked in time")


RULE = Rule(
    id="revocation-unreachable",
    severity="warning",
    reasons={
        "ListOffline": "A node reports a revocation list as offline.",
        "ChainSlow": "A node reports that building certificate chains is slow.",
    },
    check=check,
)
