"""Do two certificates of the vault bear the cluster's name on the same machines? Floor 3.

The newest NotBefore wins, whatever it is for. Source: service-fabric.md 7 row 13, 11 A29.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import deliveries, name_of, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    names = observation.cluster.certificate.names
    yield from undecided(observation, "it bears the cluster's name too")
    if not names:
        return
    yield from unread_deliveries(observation, "it bears the cluster's name too")
    for scale_set in observation.scale_sets:
        holders: dict[str, dict[str, None]] = {}
        for delivery in deliveries(observation, scale_set):
            name = name_of(delivery, names)
            if name is not None and delivery.certificate is not None:
                holders.setdefault(name.common_name, {})[delivery.certificate.url] = None
        for common_name, urls in holders.items():
            if len(urls) > 1:
                yield fail(
                    scale_set.id,
                    "SeveralSources",
                    f"Machines of {scale_set.name} get {common_name} from {len(urls)} certificates of the vault: "
                    "whichever was issued last is presented, whatever it was meant for.",
                    "Give the cluster a name that no other certificate bears.",
                    certificates=sorted(urls),
                )


RULE = Rule(
    id="name-shared",
    severity="error",
    reasons={"SeveralSources": "Several vault certificates with the cluster's name reach the same machines."},
    check=check,
)
