"""What do people do on the nodes of a cluster that is down, and does it come back by that?

    down ── people set the setting on the nodes, or restart their host ──▶ the nodes load and judge anew
         ── a quorum of such seed nodes accept each other for eight minutes ──▶ up

Source: reference 7 row 11 and 9 (5 to 10 minutes after the surgery); Azure/Service-Fabric-Troubleshooting-Guides, "How
to recover from an Expired Cluster Certificate" (seed nodes first, the host restarts, the cluster is connected to again
before anything is set in ARM). What is set on a node alone goes with the next upgrade. Guessed: that nodes which nobody
touched do not form a ring again by themselves, even when they would accept each other (switch `quorum-heals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sfcert.sim.kernel.clock import Event
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.nodes.node import Node
from sfcert.sim.nodes.switches import is_on

if TYPE_CHECKING:
    from sfcert.sim.servicefabric.cluster import Cluster

ACCEPTS_EXPIRED = ("Security", "AcceptExpiredPinnedClusterCertificate")
COMES_BACK_S = 480


class Mending:
    """The hands on one cluster's nodes."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._touched: set[str] = set()
        self._return: Event | None = None

    def act(self, names: Iterable[str], *, accept_expired: bool) -> list[str]:
        """Go to these nodes (none: to all, seed nodes first), set the setting where told, and restart their host.

        Returns:
            The nodes in the order in which they were visited.

        Raises:
            AzureFailure: 404 for a node that is not there; nothing was touched then.
        """
        nodes = self._cluster.nodes
        wanted = list(names) or sorted(nodes, key=lambda name: (not nodes[name].seed, name))
        for name in wanted:
            if name not in nodes:
                known = ", ".join(sorted(nodes)) or "none"
                raise AzureFailure(404, "NoSuchNode", f"There is no node '{name}'. There are: {known}.")
        for name in wanted:
            node = nodes[name]
            if accept_expired:
                settings = (*node.manifest.settings, (*ACCEPTS_EXPIRED, "true"))
                node.manifest = replace(node.manifest, settings=settings)
            self._touched.add(name)
            self._cluster.halt(name)
            self._cluster.restart(name)
        azure, did = self._cluster.azure, "accept what has expired" if accept_expired else "restart"
        azure.journal.notes.append((azure.clock.now, f"people let {', '.join(wanted)} {did}"))
        return wanted

    def look(self, members: Sequence[Node]) -> None:
        """The cluster is down; these nodes would hold together. Begin, go on with, or give up its return."""
        heals = is_on(self._cluster.azure, "quorum-heals")
        seeds = [node for node in self._cluster.nodes.values() if node.seed]
        standing = sum(node.seed and (heals or node.name in self._touched) for node in members)
        if standing * 2 <= len(seeds):
            if self._return is not None:
                self._return.cancel()
                self._return = None
        elif self._return is None:
            clock = self._cluster.azure.clock
            self._return = clock.after(COMES_BACK_S, self._up, f"return of {self._cluster.name}")

    def _up(self) -> None:
        cluster = self._cluster
        self._return = None
        self._touched.clear()
        cluster.down = False
        cluster.azure.journal.notes.append((cluster.azure.clock.now, f"{cluster.name} is up again"))
        cluster.settle()
        if cluster.calm:
            cluster.tell_rest()
