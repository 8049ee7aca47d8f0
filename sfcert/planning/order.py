"""In which order are the scale sets touched? Smallest non-primary first as canary, primary last. Floor 4."""

from __future__ import annotations

import re

from sfcert.model.observation import Observation, ScaleSet


def canary_order(observation: Observation) -> tuple[ScaleSet, ...]:
    """The scale sets, least loss first: those of non-primary node types before primary ones, small before large.

    A size that is not known counts as largest; ties go by resource id, so that equal worlds give equal plans.

    Effects: none.
    """
    primary = {one.name.lower() for one in observation.cluster.node_types if one.is_primary}

    def rank(one: ScaleSet) -> tuple[bool, float, str]:
        size = float("inf") if one.capacity is None else float(one.capacity)
        return ((one.node_type or "").lower() in primary, size, one.id.lower())

    return tuple(sorted(observation.scale_sets, key=rank))


def scale_set_labels(observation: Observation) -> dict[str, str]:
    """A short name for each scale set, by id: its node type's, and the scale set's own where that is shared."""
    labels: dict[str, str] = {}
    for one in observation.scale_sets:
        shared = len(observation.scale_sets_of(one.node_type)) > 1 if one.node_type else False
        label = f"{one.node_type}-{one.name}" if shared else one.node_type or one.name
        labels[one.id] = slug(label)
    return labels


def slug(text: str) -> str:
    """A text as part of a stage id: letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "x"
