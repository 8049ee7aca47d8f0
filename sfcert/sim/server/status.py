"""How does the embedded Azure stand? One JSON value for `GET /status` and for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfcert.sim.front import Tempo
from sfcert.sim.kernel.azure import Azure

if TYPE_CHECKING:
    from sfcert.sim.server.server import Server

_NOTHING: dict[str, Any] = {"clusters": [], "scale_sets": []}
#: What it says of itself is what clusters and scale sets say already.
_SHOWN_ABOVE = frozenset({"nodes"})
#: The journal keeps everything; a status shows the newest.
_NEWEST = 50


def describe(server: Server) -> dict[str, Any]:
    """Clock, tempo, clusters, refusals, requests, writes, faults, and what each service says of itself."""
    azure = server.azure
    tempo = azure.service("tempo", Tempo)
    journal = azure.journal
    next_event = azure.clock.next_event_at()
    return {
        "now": azure.clock.now.isoformat(),
        "next_event": next_event.isoformat() if next_event else None,
        "seed": azure.seed,
        "tempo": {"mode": tempo.mode, "factor": tempo.factor, "looks": tempo.looks},
        "tenant_id": azure.tenant_id,
        "subscription_id": azure.subscription_id,
        **_world(azure),
        "page": server.control.url,
        "services": {name: said for name, said in azure.describe_services().items() if name not in _SHOWN_ABOVE},
        "operations_running": [
            {"id": operation.id, "subject": operation.subject, "started": operation.started.isoformat()}
            for operation in azure.operations.values()
            if not operation.done
        ],
        "refused_between_nodes": len(journal.refusals),
        "newest_refusals": [
            {
                "at": refusal.at.isoformat(),
                "cluster": refusal.cluster,
                "caller": refusal.caller,
                "refuser": refusal.refuser,
                "thumbprint": refusal.thumbprint,
                "reason": refusal.reason,
            }
            for refusal in journal.refusals[-_NEWEST:]
        ],
        "refused_by_proxy": [
            {"at": refused.at.isoformat(), "target": refused.target, "reason": refused.reason}
            for refused in (server.proxy.refused if server.proxy else [])
        ],
        "requests": journal.by_kind(),
        "requests_total": len(journal.requests),
        "writes": len(journal.writes),
        "newest_writes": journal.writes[-_NEWEST:],
        "notes": [{"at": at.isoformat(), "note": note} for at, note in journal.notes[-_NEWEST:]],
        "faults_armed": azure.faults.armed(),
        "faults_struck": dict(sorted(azure.faults.struck.items())),
        "faults_known": azure.faults.catalogue(),
    }


def _world(azure: Azure) -> dict[str, Any]:
    """Clusters with their nodes and what these hold and present, scale sets with their machines."""
    if azure.find_service("clusters") is None or azure.find_service("compute") is None:
        return dict(_NOTHING)
    # Imported late: a server over a world without nodes does not pay for them.
    from sfcert.sim.worlds import snapshot

    seen = snapshot(azure)
    return {name: seen[name] for name in _NOTHING}
