"""What is one Service Fabric node? Its place, the declaration that it runs with, and the credentials that it loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfcert.sim.nodes.manifest import Manifest
from sfcert.sim.nodes.store import Held, Store


@dataclass(slots=True, eq=False)
class Node:
    """One node. `presented` is what its transports show to peers, `served` what its gateway shows to clients: two
    monitors of the same period look at the store at different minutes (reference 2.4)."""

    name: str
    node_type: str
    scale_set_id: str
    instance_id: str
    ip_address: str
    upgrade_domain: int
    fault_domain: int
    store: Store
    manifest: Manifest
    boot_id: int
    up_at: datetime
    seed: bool = False
    presented: Held | None = None
    served: Held | None = None
    proxied: Held | None = None
    why_nothing: tuple[str, ...] = ()
    started: bool = False
    in_ring: bool = False
    removed: bool = False
    down_at: datetime | None = None

    @property
    def running(self) -> bool:
        """Able to speak at all: the host runs and there is something to show."""
        return self.started and not self.removed and self.presented is not None
