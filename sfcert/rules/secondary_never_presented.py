"""Is a secondary thumbprint declared that no node will ever present? Floor 3.

Source: service-fabric.md 1.3, UseSecondaryIfNewer: true is what Azure has where it is not set.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, cluster_body, open_value

SETTING = "UseSecondaryIfNewer"


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    if len(cluster.certificate.thumbprints) < 2:
        return
    settings = cluster_body(observation)
    sections = [one for one in settings.items("fabricSettings") if (one.text("name") or "").lower() == "security"]
    named = [value for one in sections for value in one.items("parameters") if value.text("name") == SETTING]
    if settings.is_symbolic("fabricSettings") or any(value.is_symbolic("value") for value in named):
        yield cannot_tell(cluster.id, open_value(f"Security/{SETTING}"), "nodes ever present the secondary")
    for section, values in cluster.settings.items():
        for key, value in values.items():
            is_it = section.lower() == "security" and key.lower() == SETTING.lower()
            if is_it and value.strip().lower() == "false":
                yield fail_at(
                    cluster.id,
                    "SwitchedOff",
                    f"Security/{SETTING} is {value}: nodes present the primary for as long as it is declared, "
                    "however near its expiry, and a newer secondary is only accepted.",
                    "Remove the setting, or make the newer certificate the primary in time.",
                    {f"properties.fabricSettings[name='{section}'].{key}": value},
                )


RULE = Rule(
    id="secondary-never-presented",
    severity="warning",
    reasons={"SwitchedOff": "A secondary is declared, and UseSecondaryIfNewer is false."},
    check=check,
)
