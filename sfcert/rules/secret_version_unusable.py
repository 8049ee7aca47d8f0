"""Can the platform still fetch every vm secret? Floor 3.

One that is gone or disabled fails every later deployment of the scale set. Source: service-fabric.md 5, 7 row 31.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import deliveries, unknown_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell

REMEDY = "Enable the version again, point the vm secret at one that is enabled, or remove the entry."


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set in observation.scale_sets:
        missing = unknown_deliveries(observation, scale_set)
        if missing is not None:
            yield cannot_tell(scale_set.id, missing, "its vm secrets can be fetched")
        for delivery in deliveries(observation, scale_set):
            if delivery.how != "secret":
                continue
            if delivery.certificate is None:
                if delivery.missing is not None:
                    yield cannot_tell(delivery.subject, delivery.missing, "the vm secret can be fetched")
                continue
            version = delivery.version
            if version is None:
                yield fail(
                    delivery.subject,
                    "VersionMissing",
                    f"The vm secret {delivery.url} of {scale_set.name} names a version that the vault does not have.",
                    REMEDY,
                    url=delivery.url,
                )
            elif not version.enabled:
                yield fail(
                    delivery.subject,
                    "VersionDisabled",
                    f"The vm secret {delivery.url} of {scale_set.name} names a disabled version: every deployment of "
                    "the scale set will fail.",
                    REMEDY,
                    url=delivery.url,
                )


RULE = Rule(
    id="secret-version-unusable",
    severity="error",
    reasons={
        "VersionMissing": "The version is not in the vault.",
        "VersionDisabled": "The version is disabled.",
    },
    check=check,
)
