"""What does Service Fabric's own REST interface answer? Nodes, health, upgrade progress, manifest, version.

Pure reads of a cluster's state; who may ask and on which listener is `sfcert.sim.nodes.endpoints`. Source: reference 8
and the models of the vendor's runtime SDK (api-version 6.0) for names and shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sfcert.sim.front.listing import is_shuffled, shuffled_list, shuffled_page
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.nodes.node import Node
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.health import (
    event,
    events_of,
    health_of,
    unhealthy_events,
    unhealthy_nodes,
    worst_of,
)
from sfcert.sim.servicefabric.manifest_xml import manifest_xml
from sfcert.sim.servicefabric.walk import Upgrade

PAGE = 100
_NEVER = "0001-01-01T00:00:00.000Z"


#: `NodeStatusFilter`: what each lets through; the default leaves out nodes that are unknown or removed, which there are
#: none of here.
_STATUSES = {"default": ("Up", "Down"), "all": ("Up", "Down"), "up": ("Up",), "down": ("Down",)}
_NO_STATUS = ("enabling", "disabling", "disabled", "unknown", "removed")
NO_CONTENT = object()


class NoSuchThing(Exception):
    """The request cannot be answered; code and HTTP status are Service Fabric's."""

    def __init__(self, code: str, message: str, status: str = "404 Not Found") -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def answer(azure: Azure, cluster: Cluster, path: str, query: dict[str, str]) -> Any:
    """What a GET of this path returns, as a JSON value.

    Args:
        path: without host, as sent; case does not matter.
        query: `api-version` is not looked at; `ContinuationToken` and `MaxResults` page the node list,
            `NodeStatusFilter`, `EventsHealthStateFilter` and `NodesHealthStateFilter` leave out what is not asked for.

    Returns:
        The value, or `NO_CONTENT` for a single node that is not there: a query without a result is no error.

    Raises:
        NoSuchThing: for a path that is not there, a node whose health nobody knows, a filter that is none.
    """
    now = azure.clock.now
    asked = {key.lower(): value for key, value in query.items()}
    parts = [part for part in path.split("/") if part]
    lowered = [part.lower() for part in parts]
    if lowered == ["$", "getclusterhealth"]:
        return cluster_health(cluster, now, asked)
    if lowered == ["$", "getupgradeprogress"]:
        return upgrade_progress(cluster, now)
    if lowered == ["$", "getclustermanifest"]:
        return {"Manifest": _manifest(azure, cluster)}
    if lowered == ["$", "getclusterversion"]:
        return {"Version": cluster.manifest.code_version}
    if lowered == ["nodes"]:
        return _nodes(azure, cluster, now, asked)
    if lowered[:1] == ["nodes"] and len(parts) in (2, 4):
        node = cluster.nodes.get(parts[1])
        if len(parts) == 2:
            return NO_CONTENT if node is None else node_info(cluster, node, now)
        if lowered[2:] == ["$", "gethealth"]:
            if node is None:
                raise NoSuchThing("FABRIC_E_HEALTH_ENTITY_NOT_FOUND", f"The health store knows no node {parts[1]}.")
            return node_health(cluster, node, now, asked)
    raise NoSuchThing("FABRIC_E_INVALID_ADDRESS", f"Nothing answers at {path}.")


def _nodes(azure: Azure, cluster: Cluster, now: datetime, asked: dict[str, str]) -> dict[str, Any]:
    wanted = asked.get("nodestatusfilter", "default").lower()
    if wanted not in _STATUSES and wanted not in _NO_STATUS:
        raise NoSuchThing("E_INVALIDARG", f"NodeStatusFilter '{wanted}' is not known.", "400 Bad Request")
    statuses = _STATUSES.get(wanted, ())
    names = sorted(name for name, node in cluster.nodes.items() if _status(node) in statuses)
    after = asked.get("continuationtoken", "")
    most = int(asked["maxresults"]) if asked.get("maxresults", "").isdigit() else PAGE
    left = [name for name in names if name > after]
    page = left[: most or PAGE]
    token = page[-1] if len(left) > len(page) else ""
    if is_shuffled(azure, "nodes"):
        page = left[: min(most or PAGE, shuffled_page(azure))]
        # The token says how far the names are told; in which order a page tells them is left open.
        token = page[-1] if len(left) > len(page) else ""
        page = shuffled_list(azure, f"{cluster.resource_id}/Nodes?{after}", page)
    return {
        "ContinuationToken": token,
        "Items": [node_info(cluster, cluster.nodes[name], now) for name in page],
    }


def node_info(cluster: Cluster, node: Node, now: datetime) -> dict[str, Any]:
    """One node of the list."""
    up_s = max(0, int((now - node.up_at).total_seconds())) if node.in_ring else 0
    down_at = None if node.in_ring else node.down_at
    down_s = 0 if down_at is None else max(0, int((now - down_at).total_seconds()))
    return {
        "Name": node.name,
        "IpAddressOrFQDN": node.ip_address,
        "Type": node.node_type,
        "CodeVersion": node.manifest.code_version,
        "ConfigVersion": node.manifest.version,
        "NodeStatus": _status(node),
        "NodeUpTimeInSeconds": str(up_s),
        "HealthState": health_of(node, cluster.time_at(node)),
        "IsSeedNode": node.seed,
        "UpgradeDomain": str(node.upgrade_domain),
        "FaultDomain": f"fd:/{node.fault_domain}",
        "Id": {"Id": f"{abs(hash_of(node.name)):032x}"},
        "InstanceId": str(node.boot_id),
        "NodeDeactivationInfo": {
            "NodeDeactivationIntent": "Invalid",
            "NodeDeactivationStatus": "None",
            "NodeDeactivationTask": [],
            "PendingSafetyChecks": [],
        },
        "IsStopped": False,
        "NodeDownTimeInSeconds": str(down_s),
        "NodeUpAt": _stamp(node.up_at),
        "NodeDownAt": _NEVER if node.down_at is None else _stamp(node.down_at),
    }


def _status(node: Node) -> str:
    return "Up" if node.in_ring else "Down"


def hash_of(name: str) -> int:
    """A stable number for a node's name, as node ids are made from names."""
    number = 0
    for character in name:
        number = (number * 1_000_003 + ord(character)) % (1 << 128)
    return number


def _passes(asked: dict[str, str], name: str) -> Callable[[str], bool]:
    """A filter of health states by flags: 0 and 65535 all, 1 none, 2 Ok, 4 Warning, 8 Error, added together.

    Raises:
        NoSuchThing: 400 for anything but a number.
    """
    text = asked.get(name.lower(), "0")
    if not text.isdigit():
        raise NoSuchThing("E_INVALIDARG", f"{name} '{text}' is no number.", "400 Bad Request")
    flags = int(text) or 65535
    return lambda state: bool(flags & {"Ok": 2, "Warning": 4, "Error": 8}[state])


def node_health(cluster: Cluster, node: Node, now: datetime, asked: dict[str, str]) -> dict[str, Any]:
    """A node's health. All events are weighed; the filter is about which are shown."""
    there = cluster.time_at(node)
    state, shown = health_of(node, there), _passes(asked, "EventsHealthStateFilter")
    events = events_of(node, there)
    return {
        "Name": node.name,
        "AggregatedHealthState": state,
        "HealthEvents": [one for one in events if shown(one["HealthState"])],
        "UnhealthyEvaluations": unhealthy_events(events, state),
    }


def cluster_health(cluster: Cluster, now: datetime, asked: dict[str, str]) -> dict[str, Any]:
    """The whole cluster's health: the worst node, and what the upgrade service says of its contact with Azure."""
    nodes = sorted(cluster.nodes.values(), key=lambda item: item.name)
    states = [health_of(node, cluster.time_at(node)) for node in nodes]
    events: list[dict[str, Any]] = []
    if cluster.poll_refusal is not None:
        shown = ",".join(
            sorted({node.presented.thumbprint for node in cluster.nodes.values() if node.seed and node.presented})
        )
        text = f"Certificates {shown} not authorized to access URL {cluster.cluster_id}."
        events.append(event("UpgradeService.Primary", "SFRPPoll", "Error", text, now, now))
    worst = worst_of([*states, *[one["HealthState"] for one in events]])
    of_nodes = unhealthy_nodes(
        [
            (node.name, state, unhealthy_events(events_of(node, cluster.time_at(node)), state) if state != "Ok" else [])
            for node, state in zip(nodes, states, strict=True)
        ]
    )
    event_shown, node_shown = _passes(asked, "EventsHealthStateFilter"), _passes(asked, "NodesHealthStateFilter")
    return {
        "AggregatedHealthState": worst,
        "HealthEvents": [one for one in events if event_shown(one["HealthState"])],
        "UnhealthyEvaluations": [*unhealthy_events(events, worst), *of_nodes],
        "NodeHealthStates": [
            {"Name": node.name, "Id": {"Id": f"{hash_of(node.name):032x}"}, "AggregatedHealthState": state}
            for node, state in zip(nodes, states, strict=True)
            if node_shown(state)
        ],
        "ApplicationHealthStates": [{"Name": "fabric:/System", "AggregatedHealthState": worst}],
        "HealthStatistics": {"HealthStateCountList": [_count("Node", states)]},
    }


def _count(kind: str, states: list[str]) -> dict[str, Any]:
    return {
        "EntityKind": kind,
        "HealthStateCount": {
            "OkCount": states.count("Ok"),
            "WarningCount": states.count("Warning"),
            "ErrorCount": states.count("Error"),
        },
    }


def upgrade_progress(cluster: Cluster, now: datetime) -> dict[str, Any]:
    """The running upgrade, or how the last one ended. Each phase of a certificate change is an upgrade of its own here:
    `RollingForwardCompleted` between two phases is not the end."""
    upgrade = cluster.upgrade or cluster.last_upgrade
    domains = sorted({node.upgrade_domain for node in cluster.nodes.values()})
    between = upgrade is not None and upgrade.state == "RollingForwardCompleted"
    leg = upgrade.leg if upgrade is not None and not between else None
    done = leg.done if leg is not None else domains
    running = upgrade.domain if upgrade is not None and cluster.upgrade is not None else None
    config = leg.manifest.version if leg is not None else cluster.manifest.version
    left = [domain for domain in domains if domain not in done and domain != running]
    shown: dict[str, Any] = {
        "CodeVersion": cluster.manifest.code_version,
        "ConfigVersion": config,
        "UpgradeDomains": [{"Name": str(domain), "State": _domain_state(domain, done, running)} for domain in domains],
        "UpgradeUnits": [],
        "UpgradeState": upgrade.state if upgrade is not None else "RollingForwardCompleted",
        "NextUpgradeDomain": str(left[0]) if left else "",
        "RollingUpgradeMode": "Monitored",
        "UpgradeDescription": {
            "CodeVersion": cluster.manifest.code_version,
            "ConfigVersion": config,
            "UpgradeKind": "Rolling",
            "RollingUpgradeMode": "Monitored",
        },
        "UpgradeDurationInMilliseconds": "PT0S",
        "UpgradeDomainDurationInMilliseconds": "PT0S",
        "UnhealthyEvaluations": [],
        "CurrentUpgradeDomainProgress": {"DomainName": "", "NodeUpgradeProgressList": []},
        "StartTimestampUtc": _NEVER,
        "FailureTimestampUtc": _NEVER,
        "FailureReason": "None",
    }
    if upgrade is not None:
        _add_times(shown, cluster, upgrade, running, now)
    return shown


def _add_times(shown: dict[str, Any], cluster: Cluster, upgrade: Upgrade, running: int | None, now: datetime) -> None:
    shown["StartTimestampUtc"] = _stamp(upgrade.started_at)
    shown["UpgradeDurationInMilliseconds"] = f"PT{max(0, int((now - upgrade.started_at).total_seconds()))}S"
    shown["FailureReason"] = upgrade.failure_reason
    if upgrade.failed_at is not None:
        shown["FailureTimestampUtc"] = _stamp(upgrade.failed_at)
    if running is not None:
        in_domain_s = max(0, int((now - upgrade.domain_since).total_seconds()))
        shown["UpgradeDomainDurationInMilliseconds"] = f"PT{in_domain_s}S"
        shown["CurrentUpgradeDomainProgress"] = {
            "DomainName": str(running),
            "NodeUpgradeProgressList": [
                {"NodeName": node.name, "UpgradePhase": "Upgrading", "PendingSafetyChecks": []}
                for node in sorted(cluster.nodes.values(), key=lambda item: item.name)
                if node.upgrade_domain == running
            ],
        }


def _domain_state(domain: int, done: list[int], running: int | None) -> str:
    if domain == running:
        return "InProgress"
    return "Completed" if domain in done else "Pending"


def _manifest(azure: Azure, cluster: Cluster) -> str:
    resource = azure.resources.get(cluster.resource_id)
    properties = resource.body.get("properties", {}) if resource is not None else {}
    location = str(resource.body.get("location", "") if resource is not None else "").replace(" ", "").lower()
    endpoint = f"https://{location}.servicefabric.azure.com/runtime/clusters/{cluster.cluster_id}"
    return manifest_xml(cluster.cluster_id, cluster.manifest, properties, endpoint)


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"
