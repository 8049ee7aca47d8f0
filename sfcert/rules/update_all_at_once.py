"""Would a change of the scale set hit all its machines at once? Floor 3. Source: service-fabric.md 5, 7 row 29."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, is_open, open_durability, open_value, resource_body


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    durability = {one.name.lower(): one.durability for one in observation.cluster.node_types}
    for scale_set in observation.scale_sets:
        missing = open_durability(observation, scale_set)
        if is_open(resource_body(observation, scale_set.id), "properties", "upgradePolicy", "mode"):
            missing = open_value(f"upgradePolicy.mode of {scale_set.name}")
        if missing is not None:
            yield cannot_tell(scale_set.id, missing, "a change reaches its machines one after another")
            continue
        level = scale_set.node_extension.durability or durability.get((scale_set.node_type or "").lower())
        if (level or "").lower() == "bronze" and (scale_set.upgrade_mode or "").lower() == "automatic":
            yield fail(
                scale_set.id,
                "BronzeAutomatic",
                f"{scale_set.name} is Bronze with automatic upgrades: any change of its extensions runs on all "
                "machines at the same time, with nothing to hold it back.",
                "Go to Silver durability with five machines, or set the upgrade policy to Manual for the change.",
                durabilityLevel=level,
                upgradePolicy=scale_set.upgrade_mode,
            )


RULE = Rule(
    id="update-all-at-once",
    severity="warning",
    reasons={"BronzeAutomatic": "Durability Bronze together with the upgrade mode Automatic."},
    check=check,
)
