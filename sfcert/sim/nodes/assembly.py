"""How do the machines come alive? The handlers of the two extensions that matter, and the nodes' listeners."""

from __future__ import annotations

from sfcert.sim.kernel.azure import Azure


def install(azure: Azure) -> None:
    """Teach machines the Key Vault and the node extensions, and offer the nodes' TLS listeners.

    Needs `servicefabric` and `compute` installed before. Effects: handlers and services of `azure`.
    """
    # These sit above the pure modules of this package, which the other two packages stand on.
    from sfcert.sim.compute.scale_sets import ScaleSets
    from sfcert.sim.nodes import agent, bootstrap
    from sfcert.sim.nodes.endpoints import Endpoints
    from sfcert.sim.nodes.view import NodesStatus
    from sfcert.sim.servicefabric.clusters import Clusters

    clusters = azure.service("clusters", Clusters)
    scale_sets = azure.service("compute", ScaleSets)
    key_vault = agent.KeyVaultExtension(azure, scale_sets)
    for kind in (agent.WINDOWS, agent.LINUX):
        scale_sets.add_handler(agent.PUBLISHER, kind, key_vault)
    node = bootstrap.NodeExtension(azure, clusters)
    for kind in bootstrap.TYPES:
        scale_sets.add_handler(bootstrap.PUBLISHER, kind, node)
    azure.faults.watch("clock-skew", clusters.clocks_moved)
    azure.add_service("endpoints", Endpoints(azure, clusters))
    azure.add_service("nodes", NodesStatus(azure))
