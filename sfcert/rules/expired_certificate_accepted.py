"""Was the emergency setting that accepts an expired certificate left on? Floor 3. Source: service-fabric.md 1.3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail_at

SETTING = "AcceptExpiredPinnedClusterCertificate"


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    for section, values in cluster.settings.items():
        for key, value in values.items():
            if section.lower() == "security" and key.lower() == SETTING.lower() and value.strip().lower() == "true":
                yield fail_at(
                    cluster.id,
                    "LeftOn",
                    f"Security/{SETTING} is on: an expired self-signed certificate goes on being accepted, "
                    "so nobody notices that it expired.",
                    "Replace the certificate, then remove the setting.",
                    {f"properties.fabricSettings[name='{section}'].{key}": value},
                )


RULE = Rule(
    id="expired-certificate-accepted",
    severity="warning",
    reasons={"LeftOn": "The setting is true."},
    check=check,
)
