"""Can a new machine fetch what its extension observes? Floor 3.

An address without a version means the newest version; where that one is disabled or expired, the vault does not fall
back to an older one. Source: service-fabric.md 6.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import all_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for delivery in all_deliveries(observation):
        if delivery.how != "extension":
            continue
        if delivery.certificate is None:
            if delivery.missing is not None:
                yield cannot_tell(delivery.subject, delivery.missing, "its newest version can be fetched")
            continue
        version = delivery.version
        if version is None or version.enabled:
            continue
        yield fail(
            delivery.subject,
            "Disabled",
            f"The newest version of {delivery.certificate.name} is disabled, and the vault falls back to no other: "
            "a machine that is made or re-imaged now cannot start.",
            "Issue a new version from a pinned issuer; it may carry the same name.",
            version=version.version,
            thumbprint=version.thumbprint,
        )


RULE = Rule(
    id="latest-version-disabled",
    severity="error",
    reasons={"Disabled": "The newest version, which a versionless address means, is disabled."},
    check=check,
)
