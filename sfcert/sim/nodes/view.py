"""How does the world of nodes stand? One JSON value: clusters, nodes with what they hold and present, refusals."""

from __future__ import annotations

from typing import Any

from sfcert.sim.compute.scale_sets import ScaleSets
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.nodes.node import Node
from sfcert.sim.nodes.store import Held
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters


class NodesStatus:
    """The service "nodes": what the status page shows of clusters and machines."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def status(self) -> dict[str, Any]:
        """As `snapshot`, without the refusals, which the journal shows."""
        seen = snapshot(self._azure)
        return {name: seen[name] for name in ("clusters", "scale_sets")}


def snapshot(azure: Azure) -> dict[str, Any]:
    """Everything that can be seen of clusters and machines, at this instant of virtual time.

    Returns:
        Plain JSON values; no private keys, no protected settings.
    """
    clusters = azure.service("clusters", Clusters)
    scale_sets = azure.service("compute", ScaleSets)
    return {
        "now": azure.clock.now.isoformat(),
        "clusters": [_cluster(cluster) for cluster in clusters.all()],
        "scale_sets": [
            {
                "id": scale_set.id,
                "machines": [
                    {
                        "instance_id": machine.instance_id,
                        "provisioning": machine.provisioning,
                        "latest_model_applied": scale_set.is_current(machine),
                        "extensions": {
                            state.name: {
                                "status": state.status_code,
                                "message": state.message,
                                "at": state.at.isoformat(),
                            }
                            for state in machine.extensions.values()
                        },
                    }
                    for machine in scale_set.machines.values()
                ],
            }
            for scale_set in scale_sets.all()
        ],
        "refusals": [
            {
                "at": refusal.at.isoformat(),
                "cluster": refusal.cluster,
                "caller": refusal.caller,
                "refuser": refusal.refuser,
                "thumbprint": refusal.thumbprint,
                "reason": refusal.reason,
            }
            for refusal in azure.journal.refusals
        ],
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    upgrade = cluster.upgrade
    return {
        "id": cluster.resource_id,
        "state": cluster.state,
        "down": cluster.down,
        "healthy": cluster.healthy,
        "config_version": cluster.manifest.version,
        "upgrade": None
        if upgrade is None
        else {
            "kind": upgrade.kind,
            "state": upgrade.state,
            "phase": upgrade.phase_index + 1,
            "phases": len(upgrade.phases),
            "domain": upgrade.domain,
            "domains_done": list(upgrade.leg.done) if upgrade.leg is not None else [],
        },
        "resource_provider_refuses": cluster.poll_refusal,
        "nodes": [_node(node) for node in sorted(cluster.nodes.values(), key=lambda item: item.name)],
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "type": node.node_type,
        "upgrade_domain": node.upgrade_domain,
        "seed": node.seed,
        "up": node.in_ring,
        "config_version": node.manifest.version,
        "presents": _thumbprint(node.presented),
        "serves": _thumbprint(node.served),
        "reverse_proxy_serves": _thumbprint(node.proxied),
        "why_nothing": list(node.why_nothing),
        "holds": [
            {
                "thumbprint": held.thumbprint,
                "subject": held.certificate.subject_cn,
                "store": store,
                "route": held.route,
                "key": held.has_key,
                "provider": held.provider,
                "readable": held.readable,
                "renewed_by": held.renewed_by,
                "not_after": held.certificate.not_after.isoformat(),
            }
            for store, held in node.store.all()
        ],
    }


def _thumbprint(held: Held | None) -> str | None:
    return held.thumbprint if held is not None else None
