"""Is every node type's scale set known? Floor 3. Source: rollover, variants; service-fabric.md 1.5 (UPD)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, is_authored, not_in_template, open_value


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    nameless = [one.name for one in observation.scale_sets if not one.node_type]
    for node_type in cluster.node_types:
        if observation.scale_sets_of(node_type.name):
            continue
        if nameless and is_authored(observation):
            missing = open_value(f"The node type of {nameless[0]}")
            yield cannot_tell(cluster.id, missing, f"it carries the node type {node_type.name}")
        elif is_authored(observation):
            missing = not_in_template(f"The scale set of the node type {node_type.name}")
            yield cannot_tell(cluster.id, missing, "it declares what the cluster declares")
        else:
            yield fail(
                cluster.id,
                "NotSeen",
                f"No scale set of the node type {node_type.name} was seen: its nodes would be left behind by every "
                "change, which ends in an outage.",
                "Capture with an identity that can read every resource group of the subscription.",
                node_type=node_type.name,
            )


RULE = Rule(
    id="node-type-without-scale-set",
    severity="error",
    blocks_plan=True,
    reasons={"NotSeen": "The cluster lists a node type and no scale set carries it."},
    check=check,
)
