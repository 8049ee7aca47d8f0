"""What does somebody do on the nodes themselves, past Azure? The control port's way to `servicefabric.mending`."""

from __future__ import annotations

from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters


def mend(azure: Azure, order: dict[str, Any]) -> dict[str, Any]:
    """Touch nodes of one cluster: `nodes` by name (none: all), with `accept_expired` the setting is set on them.

    Returns:
        The nodes that were touched, in order.

    Raises:
        AzureFailure: 400 or 404 for an order that names no cluster, no node, or is not of that shape.
    """
    names, accept = order.get("nodes") or [], order.get("accept_expired", False)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or not isinstance(accept, bool):
        raise AzureFailure(400, "BadOrder", "Say 'nodes' as a list of names, 'accept_expired' as true or false.")
    return {"touched": _cluster(azure, order.get("cluster")).mending.act(names, accept_expired=accept)}


def _cluster(azure: Azure, wanted: Any) -> Cluster:
    found = azure.find_service("clusters")
    every = list(found.all()) if isinstance(found, Clusters) else []
    if wanted is None and len(every) == 1:
        return every[0]
    for one in every:
        if one.resource_id.lower() == str(wanted or "").rstrip("/").lower():
            return one
    listed = ", ".join(one.resource_id for one in every) or "none"
    raise AzureFailure(404, "NoSuchCluster", f"Say which cluster. There are: {listed}.")
