"""Do the nodes themselves show it? Health events, the manifest in force, TLS handshakes. Floor 3.

Without a look at the nodes all of these are unknown, never passed.
Source: service-fabric.md 2.4 (a store is scanned about hourly) and 8.
"""

from __future__ import annotations

from sfcert.converge.look import Look
from sfcert.converge.node_table import presents_now
from sfcert.converge.role_declared import differs_in_manifest
from sfcert.model.certificate import Certificate
from sfcert.model.ids import normal_thumbprint
from sfcert.model.observation import NodeSighting
from sfcert.model.progress import GateVerdict
from sfcert.pki import direct_issuers

#: Nodes scan their stores about hourly: looking more often than this only costs calls.
NODES_LOOK_S = 300.0


def _nodes(look: Look) -> tuple[NodeSighting, ...] | None:
    return look.observation.runtime.nodes if look.observation.runtime else None


def nodes_present(look: Look) -> GateVerdict:
    if look.gate.expects.get("thumbprint") is None:
        return look.unknown("NotRead", f"Which certificate nodes ought to present is not known: {look.gate.says}")
    wanted = normal_thumbprint(str(look.gate.expects["thumbprint"]))
    nodes = _nodes(look)
    if not nodes:
        return look.unknown("NotRead", "No node was listed.", NODES_LOOK_S)
    down = [one.name for one in nodes if (one.status or "").lower() != "up"]
    if down:
        return look.open("NodeDown", f"Not up: {', '.join(down)}.", NODES_LOOK_S)
    # a node's transport and its gateway follow the store each at its own hour, and either may be behind: the health
    # event tells of the one, the handshake of the other, so that both count
    others = [
        f"{one.name} presents {found}"
        for one in nodes
        for found in dict.fromkeys((one.presents, one.served[0].thumbprint if one.served else None))
        if found not in (None, wanted)
    ]
    if others:
        return look.open("PresentsAnother", f"{'; '.join(others)}; {wanted} is expected.", NODES_LOOK_S)
    silent = [one.name for one in nodes if one.presents is None]
    if silent:
        message = f"No health event says what these present to other nodes: {', '.join(silent)}."
        return look.unknown("NotSeen", message, NODES_LOOK_S)
    return look.passed(f"All {len(nodes)} nodes are up and present {wanted}.")


def manifest_declares(look: Look) -> GateVerdict:
    manifest = look.observation.runtime.manifest if look.observation.runtime else None
    if not manifest:
        return look.unknown("NotRead", "The cluster's manifest could not be read.", NODES_LOOK_S)
    said = differs_in_manifest(manifest, look.gate.expects)
    if said is None:
        return look.passed("The manifest that the nodes run with says what it should.")
    return look.open("DeclaredDifferently", f"The manifest that the nodes run with differs: {said}.", NODES_LOOK_S)


def nodes_serve(look: Look) -> GateVerdict:
    """Whether each node serves the certificate in a handshake, from a pinned direct issuer.

    A node that cannot be reached counts by its health event; one that shows neither leaves the gate unknown.
    """
    wanted = normal_thumbprint(str(look.gate.expects["thumbprint"]))
    pins = {normal_thumbprint(one) for one in look.gate.expects.get("issuers") or ()}
    nodes = _nodes(look)
    if not nodes:
        return look.unknown("NotRead", "No node was listed.", NODES_LOOK_S)
    known = look.observation.known_certificates()
    for node in nodes:
        thumbprint, evidence = presents_now(node)
        if thumbprint is None:
            return look.unknown("NotSeen", f"{node.name} could not be reached and shows no health event.", NODES_LOOK_S)
        if thumbprint != wanted:
            return look.open("PresentsAnother", f"{node.name} serves {thumbprint}, not {wanted}.", NODES_LOOK_S)
        if evidence == "tls" and pins and node.served and not _pinned(node.served, known, pins):
            message = f"{node.name} serves {thumbprint}, whose direct issuer is none of {', '.join(sorted(pins))}."
            return look.failed("UntrustedIssuer", message, NODES_LOOK_S)
    reached = sum(bool(one.served) for one in nodes)
    return look.passed(f"{reached} of {len(nodes)} nodes were reached; all serve or present {wanted}.")


def _pinned(served: tuple[Certificate, ...], known: tuple[Certificate, ...], pins: set[str]) -> bool:
    leaf = served[0]
    if leaf.is_self_signed:
        return leaf.thumbprint in pins
    return any(one.thumbprint in pins for one in direct_issuers(leaf, (*served[1:], *known)))
