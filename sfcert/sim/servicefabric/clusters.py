"""Which clusters run? The service "clusters": from a resource id, a cluster id or a node's settings to the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.servicefabric.cluster import SEEDS, Cluster
from sfcert.sim.servicefabric.declared import manifest_of


class Clusters:
    """All running clusters of one embedded Azure, by resource id without regard to case."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._by_key: dict[str, Cluster] = {}

    def open(
        self,
        resource_id: str,
        properties: Mapping[str, Any],
        *,
        cluster_id: str | None = None,
        made_by_azure: bool = True,
    ) -> Cluster:
        """Begin a cluster with no nodes; it waits for them."""
        cluster = Cluster(
            self._azure,
            resource_id,
            cluster_id or self._azure.new_guid(),
            manifest_of(properties, version="1", made_by_azure=made_by_azure),
            seed_target=SEEDS["silver"],
        )
        cluster.made_by_azure = made_by_azure
        self._by_key[resource_id.lower()] = cluster
        self.adopt_shape(cluster, properties)
        return cluster

    def adopt_shape(self, cluster: Cluster, properties: Mapping[str, Any]) -> None:
        """Take over which node types are primary and how many seed nodes there shall be.

        A primary node type smaller than its reliability level asks for gives as many seeds as it has machines."""
        primary = [item for item in properties.get("nodeTypes") or [] if item.get("isPrimary")]
        wanted = SEEDS.get(str(properties.get("reliabilityLevel") or "Silver").lower(), SEEDS["silver"])
        machines = sum(int(item.get("vmInstanceCount") or 0) for item in primary)
        cluster.primary_types = frozenset(str(item.get("name")) for item in primary)
        cluster.seed_target = min(wanted, machines) if machines else wanted

    def close(self, resource_id: str) -> None:
        cluster = self._by_key.pop(resource_id.lower(), None)
        if cluster is not None:
            for name in list(cluster.nodes):
                cluster.keepers[name].stop()
                cluster.nodes[name].removed = True

    def get(self, resource_id: str) -> Cluster | None:
        return self._by_key.get(resource_id.rstrip("/").lower())

    def all(self) -> Iterator[Cluster]:
        return iter(list(self._by_key.values()))

    def clocks_moved(self) -> None:
        """Some node's clock was put forward or back."""
        for cluster in self.all():
            cluster.clocks_moved()

    def by_endpoint(self, text: str) -> Cluster | None:
        """The cluster whose id stands in a `clusterEndpoint`, as node extensions name it."""
        lowered = text.lower()
        return next((cluster for cluster in self._by_key.values() if cluster.cluster_id.lower() in lowered), None)

    def of_node_at(self, scale_set_id: str, instance_id: str) -> tuple[Cluster, str] | None:
        """The cluster and the node name of a machine, or None when it carries no node."""
        key = (scale_set_id.lower(), instance_id)
        for cluster in self._by_key.values():
            name = cluster.by_machine.get(key)
            if name is not None:
                return cluster, name
        return None
