"""Is checking of certificate chains switched off? Floor 3. Source: service-fabric.md 1.3, CrlCheckingFlag."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, cluster_body, open_value

SETTING = "CrlCheckingFlag"


def _is_nought(text: str) -> bool:
    try:
        return int(text.strip(), 0) == 0
    except ValueError:
        return False


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    if cluster.os == "Linux":
        return  # nought is the default there
    settings = cluster_body(observation)
    sections = [one for one in settings.items("fabricSettings") if (one.text("name") or "").lower() == "security"]
    named = [value for one in sections for value in one.items("parameters") if value.text("name") == SETTING]
    if settings.is_symbolic("fabricSettings") or any(value.is_symbolic("value") for value in named):
        yield cannot_tell(cluster.id, open_value(f"Security/{SETTING}"), "chains are checked")
    for section, values in cluster.settings.items():
        for key, value in values.items():
            if section.lower() == "security" and key.lower() == SETTING.lower() and _is_nought(value):
                yield fail_at(
                    cluster.id,
                    "SwitchedOff",
                    f"Security/{SETTING} is {value}: errors of the chain are ignored, revocation among them.",
                    "Remove the setting; where revocation lists cannot be reached, use the cached ones (0x80000000).",
                    {f"properties.fabricSettings[name='{section}'].{key}": value},
                )


RULE = Rule(
    id="trust-errors-ignored",
    severity="warning",
    reasons={"SwitchedOff": "CrlCheckingFlag is nought on a Windows cluster."},
    check=check,
)
