"""Was the emergency setting that accepts an expired certificate left on? Floor 3. Source: service-fabric.md 1.3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, cluster_body, open_value

SETTING = "AcceptExpiredPinnedClusterCertificate"


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    settings = cluster_body(observation)
    sections = [one for one in settings.items("fabricSettings") if (one.text("name") or "").lower() == "security"]
    named = [value for one in sections for value in one.items("parameters") if value.text("name") == SETTING]
    if settings.is_symbolic("fabricSettings") or any(value.is_symbolic("value") for value in named):
        yield cannot_tell(cluster.id, open_value(f"Security/{SETTING}"), "an expired certificate is accepted")
    for section, values in cluster.settings.items():
        for key, value in values.items():
            if section.lower() == "security" and key.lower() == SETTING.lower() and value.strip().lower() == "true":
                yield fail_at(
                    cluster.id,
                    "LeftOn",
                    f"Security/{SETTING} is on: an expired self-signed certificate goes on being accepted, "
                    "so nobody notices that it expired.",
                    "Replace the certificate, then remove the setting; sfcert plan --playbook recover-expired does "
                    "both, where it has set it.",
                    {f"properties.fabricSettings[name='{section}'].{key}": value},
                )


RULE = Rule(
    id="expired-certificate-accepted",
    severity="warning",
    reasons={"LeftOn": "The setting is true."},
    check=check,
)
