"""Do node type and node extension agree on durability? Floor 3. Source: service-fabric.md 5."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation, ScaleSet
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, cluster_body, extension_body, open_durability

#: The provider wants at least this many machines for Silver and Gold.
LEAST_MACHINES = 5


def same_durability(observation: Observation, scale_set: ScaleSet) -> bool:
    """Whether both places hold one and the same text, expression or not: then they agree, whatever it gives."""
    theirs = extension_body(observation, scale_set, scale_set.node_extension.name).raw("settings", "durabilityLevel")
    listed = cluster_body(observation).items("nodeTypes")
    return any(one.raw("durabilityLevel") == theirs and theirs is not None for one in listed)


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    types = {one.name.lower(): one for one in observation.cluster.node_types}
    for scale_set in observation.scale_sets:
        node_type = types.get((scale_set.node_type or "").lower())
        if node_type is None:
            continue
        missing = open_durability(observation, scale_set)
        if missing is not None and not same_durability(observation, scale_set):
            yield cannot_tell(scale_set.id, missing, "node type and node extension agree on it")
        # what neither states is Bronze
        ours, theirs = node_type.durability or "Bronze", scale_set.node_extension.durability or "Bronze"
        known = node_type.durability is not None and scale_set.node_extension.durability is not None
        if known and ours.lower() != theirs.lower():
            yield fail(
                scale_set.id,
                "LevelsDiffer",
                f"The node type {node_type.name} is {ours}, the node extension of {scale_set.name} says {theirs}: "
                "the next deployment may be refused, or its updates go unguarded.",
                "Write the same durabilityLevel in both.",
                node_type=ours,
                node_extension=theirs,
            )
        alone = len(observation.scale_sets_of(node_type.name)) == 1
        count = scale_set.capacity
        if alone and count is not None and count < LEAST_MACHINES and ours.lower() in ("silver", "gold"):
            yield fail(
                scale_set.id,
                "TooFewMachines",
                f"{scale_set.name} is {ours} with {count} machines; the provider wants {LEAST_MACHINES} and may refuse "
                "any change of the scale set, a certificate's too.",
                f"Scale out to {LEAST_MACHINES} machines.",
                capacity=count,
            )


RULE = Rule(
    id="durability-mismatch",
    severity="warning",
    reasons={
        "LevelsDiffer": "Node type and node extension state different levels.",
        "TooFewMachines": "Silver or Gold with fewer than five machines.",
    },
    check=check,
)
