"""What do the nodes show of themselves? Service Fabric's REST answers and TLS handshakes in, `Runtime` out.

Source: service-fabric.md 8; the thumbprint in a `Certificate_cluster` event is the one that the node presents.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from sfcert.model.bundle import RawRuntime
from sfcert.model.certificate import Certificate
from sfcert.model.observation import NodeSighting, Runtime
from sfcert.pki import read_certificate
from sfcert.sources.body import Body

_PRESENTS = re.compile(r"thumbprint = ([0-9A-Fa-f]{40}), expiration = ([0-9-]+ [0-9:.]+)")


def presented_by_health(health: dict[str, Any] | None) -> str | None:
    """The thumbprint that a node's newest, unexpired `Certificate_cluster` event names, or None."""
    newest: tuple[str, str] | None = None
    for event in Body(health, symbolic=False).items("HealthEvents"):
        if event.text("SourceId") != "System.FabricNode" or event.text("Property") != "Certificate_cluster":
            continue
        match = _PRESENTS.search(event.text("Description") or "")
        if match is None or event.flag("IsExpired"):
            continue
        at = event.text("SourceUtcTimestamp") or ""
        if newest is None or at >= newest[0]:
            newest = (at, match[1].upper())
    return newest[1] if newest else None


def _served(presented: dict[str, list[str]] | None, address: str | None) -> tuple[Certificate, ...] | None:
    if presented is None or address is None:
        return None
    wanted = address.lower()
    for target, chain in presented.items():
        if target.lower().rsplit(":", 1)[0] == wanted:
            try:
                return tuple(read_certificate(base64.b64decode(one)) for one in chain)
            except ValueError:
                return None
    return None


def read_runtime(raw: RawRuntime) -> Runtime | None:
    """Everything that the nodes showed, or None where nothing was asked or nothing answered."""
    if raw.nodes is None and raw.cluster_health is None and raw.upgrade_progress is None and not raw.presented:
        return None
    nodes = None
    if raw.nodes is not None:
        sightings: list[NodeSighting] = []
        for entry in raw.nodes:
            node = Body(entry, symbolic=False)
            name, address = node.text("Name") or "", node.text("IpAddressOrFQDN")
            sightings.append(
                NodeSighting(
                    name=name,
                    address=address,
                    node_type=node.text("Type"),
                    status=node.text("NodeStatus"),
                    upgrade_domain=node.text("UpgradeDomain"),
                    is_seed=node.flag("IsSeedNode"),
                    presents=presented_by_health((raw.node_health or {}).get(name)),
                    served=_served(raw.presented, address),
                    health=node.text("HealthState"),
                )
            )
        nodes = tuple(sorted(sightings, key=lambda one: one.name))
    progress = Body(raw.upgrade_progress, symbolic=False)
    domains = list(progress.items("UpgradeDomains"))
    done = sum((one.text("State") or "").lower() == "completed" for one in domains)
    return Runtime(
        nodes=nodes,
        health=Body(raw.cluster_health, symbolic=False).text("AggregatedHealthState"),
        upgrade_state=progress.text("UpgradeState"),
        upgrade_domains_done=done if raw.upgrade_progress else None,
        upgrade_domains=len(domains) if raw.upgrade_progress else None,
        manifest=raw.cluster_manifest,
    )
