"""What does Service Fabric say of a node's certificates? Health events in the vendor's wording.

Pure. Source: reference 8 (source, properties, wording, time to live), 1.3 (the safety margin).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sfcert.sim.nodes.node import Node
from sfcert.sim.nodes.store import Held

SOURCE = "System.FabricNode"
DEFAULT_MARGIN = timedelta(days=30)
INFINITE = "P10675199DT02H48M05.4775807S"
_NEVER = "0001-01-01T00:00:00.000Z"


def events_of(node: Node, now: datetime) -> list[dict[str, Any]]:
    """The node's events, certificates first; empty for a node that is not running.

    `thumbprint` in the description is what the transport presents now, which is the best sign of a rotation.
    """
    if not node.started:
        return []
    events = [_certificate_event(node, role, held, now) for role, held in _shown(node)]
    state = event("System.FM", "State", "Ok" if node.in_ring else "Error", "", node.up_at, now)
    state["Description"] = "Fabric node is up." if node.in_ring else "Fabric node is down."
    return [*events, state]


def health_of(node: Node, now: datetime) -> str:
    """The worst of the node's events; a node outside the ring is in error. Without their wording: it is asked often."""
    if not node.in_ring:
        return "Error"
    return worst_of(_state_of(node, held, now) for _, held in _shown(node)) if node.started else "Ok"


def _shown(node: Node) -> list[tuple[str, Held]]:
    """What a node shows in each role, where it shows something."""
    roles = (("cluster", node.presented), ("server", node.served), ("client", node.presented))
    return [(role, held) for role, held in roles if held is not None]


def _state_of(node: Node, held: Held, now: datetime) -> str:
    return "Warning" if held.certificate.not_after - now < _margin(node) else "Ok"


def worst_of(states: Iterable[str]) -> str:
    found = set(states)
    return next((state for state in ("Error", "Warning") if state in found), "Ok")


def unhealthy_events(events: list[dict[str, Any]], state: str) -> list[dict[str, Any]]:
    """Why an entity is in this state: the events that are as bad, each as an evaluation of kind Event."""
    if state == "Ok":
        return []
    return [
        {
            "HealthEvaluation": {
                "Kind": "Event",
                "AggregatedHealthState": state,
                "Description": f"'{one['SourceId']}' reported {state} for property '{one['Property']}'.",
                "ConsiderWarningAsError": False,
                "UnhealthyEvent": one,
            }
        }
        for one in events
        if one["HealthState"] == state
    ]


def unhealthy_nodes(nodes: list[tuple[str, str, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """The evaluation of kind Nodes, given (name, state, evaluations) of each; none where all are well."""
    state = worst_of([one[1] for one in nodes])
    if state == "Ok":
        return []
    bad = [
        {
            "HealthEvaluation": {
                "Kind": "Node",
                "AggregatedHealthState": state,
                "Description": f"Node '{name}' is in {state}.",
                "NodeName": name,
                "UnhealthyEvaluations": evaluations,
            }
        }
        for name, of_node, evaluations in nodes
        if of_node == state
    ]
    return [
        {
            "HealthEvaluation": {
                "Kind": "Nodes",
                "AggregatedHealthState": state,
                "Description": f"{100 * len(bad) // len(nodes)}% ({len(bad)}/{len(nodes)}) nodes are in {state}.",
                "MaxPercentUnhealthyNodes": 0,
                "TotalCount": len(nodes),
                "UnhealthyEvaluations": bad,
            }
        }
    ]


def event(source: str, prop: str, state: str, text: str, since: datetime, now: datetime) -> dict[str, Any]:
    """One health event in the shape of the REST interface."""
    times = {f"Last{level}TransitionAt": _NEVER for level in ("Ok", "Warning", "Error")}
    times[f"Last{state}TransitionAt"] = _stamp(since)
    return {
        "SourceId": source,
        "Property": prop,
        "HealthState": state,
        "TimeToLiveInMilliSeconds": INFINITE,
        "Description": text,
        "SequenceNumber": str(int(since.timestamp() * 10_000_000)),
        "RemoveWhenExpired": False,
        "IsExpired": False,
        "SourceUtcTimestamp": _stamp(since),
        "LastModifiedUtcTimestamp": _stamp(min(since, now)),
        **times,
    }


def _certificate_event(node: Node, role: str, held: Held, now: datetime) -> dict[str, Any]:
    margin = _margin(node)
    expires = held.certificate.not_after
    left = expires - now
    text = (
        f"Certificate expiration: thumbprint = {held.thumbprint.lower()}, "
        f"expiration = {expires.strftime('%Y-%m-%d %H:%M:%S')}.000, "
        f"remaining lifetime is {_span(left)}, please refresh ahead of time to avoid catastrophic failure. "
        f"Warning threshold Security/CertificateExpirySafetyMargin is configured at {_span(margin)}, "
        "if needed, you can adjust it to fit your refresh process."
    )
    since = max(node.up_at, held.installed_at)
    return event(SOURCE, f"Certificate_{role}", _state_of(node, held, now), text, since, now)


def _margin(node: Node) -> timedelta:
    given = node.manifest.setting("Security", "CertificateExpirySafetyMargin")
    # A plain number is read as seconds, the usual rule for such settings (reference 1.3, unverified).
    return timedelta(seconds=float(given)) if given is not None and given.strip().isdigit() else DEFAULT_MARGIN


def _span(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    days, rest = divmod(seconds, 86400)
    return f"{days}:{rest // 3600}:{rest // 60 % 60:02d}:{rest % 60:02d}.000"


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"
