"""What is left to do by hand where only a reboot makes a node present its new certificate? Printed steps. Floor 3.

The lease driver runs in the kernel: existing sessions keep the old certificate until they end or the machine restarts.
sfcert never reboots a machine by itself.
Source: service-fabric.md 2.4.
"""

from __future__ import annotations

from sfcert.converge.node_table import NodeRow, NodeTable


def reboot_walk(table: NodeTable, thumbprint: str, cluster_endpoint: str | None) -> tuple[str, ...]:
    """Manual steps that restart the nodes which still present another certificate, one upgrade domain at a time.

    Args:
        table: the newest look.
        thumbprint: what every node should present.
        cluster_endpoint: the management endpoint, for the commands; None: left to the reader.

    Returns:
        Lines in order; empty where no node was *seen* to present another certificate.

    Effects: none.
    """
    behind = [row for row in table.rows if row.presents != thumbprint and row.evidence in ("tls", "health")]
    if not behind:
        return ()
    steps = [
        f"{len(behind)} of {len(table.rows)} nodes still present another certificate than {thumbprint}.",
        "Restart their machines one upgrade domain at a time; go on only when the cluster is healthy again.",
        f"Connect: sfctl cluster select --endpoint {cluster_endpoint or '<management endpoint>'} --pem <client.pem>",
    ]
    domains: dict[str, list[NodeRow]] = {}
    for row in behind:
        domains.setdefault(row.upgrade_domain or "?", []).append(row)
    for domain in sorted(domains):
        steps.append(f"Upgrade domain {domain}:")
        for row in domains[domain]:
            steps.append(f"  sfctl node disable --node-name {row.node} --deactivation-intent Restart")
            steps.append(
                f"  wait until {row.node} is Disabled, then restart its machine (az vmss restart"
                f" --instance-ids {row.instance or '<instance>'} of node type {row.node_type or '?'})"
            )
            steps.append(f"  sfctl node enable --node-name {row.node}; wait until it is Up")
        steps.append("  wait until the cluster's health is Ok: sfctl cluster health")
    return tuple(steps)
