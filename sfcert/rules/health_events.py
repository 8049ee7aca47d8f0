"""What do Service Fabric's own health reports say, node by node and of the whole cluster? Floor 3.

Only where health was captured; a cluster whose health nobody asked for has no events here. Leaves out: what an event
means (the rules). Source: service-fabric.md 7 rows 18 and 23, 8.
"""

from __future__ import annotations

from typing import Any

from sfcert.model.base import Value
from sfcert.model.observation import Observation
from sfcert.sources.body import Body


class HealthEvent(Value):
    """One event; `about` is its property.

    `subject` is the cluster's id, or `…/nodes/NAME`; `state` as reported, None where it is not said.
    """

    subject: str
    where: str
    source: str
    about: str
    state: str | None
    said: str

    @property
    def is_bad(self) -> bool:
        return (self.state or "").lower() in ("warning", "error")

    @property
    def is_fine(self) -> bool:
        return (self.state or "").lower() == "ok"


def _of(health: dict[str, Any] | None, subject: str, where: str) -> list[HealthEvent]:
    return [
        HealthEvent(
            subject=subject,
            where=where,
            source=event.text("SourceId") or "",
            about=event.text("Property") or "",
            state=event.text("HealthState"),
            said=(event.text("Description") or "").strip(),
        )
        for event in Body(health, symbolic=False).items("HealthEvents")
    ]


def health_events(observation: Observation) -> tuple[HealthEvent, ...]:
    """Every captured event: the cluster's own first, then by name of node. Empty where no health was captured."""
    raw, cluster = observation.bundle.runtime, observation.cluster
    found = _of(raw.cluster_health, cluster.id, "the cluster")
    for name, health in sorted((raw.node_health or {}).items()):
        found += _of(health, f"{cluster.id}/nodes/{name}", name)
    return tuple(found)
