"""Who is no node and yet depends on what nodes run with? Clients at the gateways, and the reverse proxy's callers.

    a client     whose certificate lies in some vault and was declared by thumbprint keeps calling every node; one that
                 is refused, or let in with another role than it had, is told as a refused connection
    the proxy    once it has served on every running node, each that finds nothing more to present is told so too

The embedded Azure's own reading of reference 2.3: the highest role among the rules that match, and cluster certificates
are admin clients. A client whose certificate has expired calls no more. Leaves out clients that nobody declared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.nodes.certificate import Certificate, read
from sfcert.sim.nodes.manifest import Manifest
from sfcert.sim.nodes.node import Node
from sfcert.sim.nodes.validation import Judge, refusal

if TYPE_CHECKING:
    from sfcert.sim.servicefabric.cluster import Cluster

PROXY_CALLER = "a caller of the reverse proxy"


def role_in(manifest: Manifest, certificate: Certificate, judge: Judge) -> tuple[str | None, str]:
    """(`admin`, `user` or None, why not) of a client with this certificate at a node with this manifest."""
    own = refusal(certificate, manifest.trusts, judge)
    if own is None:
        return "admin", ""
    reasons = [own]
    for role, rule in (("admin", manifest.admin_clients), ("user", manifest.user_clients)):
        if not rule.thumbprints and not rule.names:
            continue
        why = refusal(certificate, rule, judge)
        if why is None:
            return role, ""
        reasons.append(why)
    return None, reasons[-1]


class Bystanders:
    """Asks, whenever the ring is looked at, whether those who were served still are."""

    def __init__(self, azure: Azure, cluster: Cluster) -> None:
        self._azure, self._cluster = azure, cluster
        self._clients: dict[str, tuple[Certificate, str]] = {}
        self._proxy_served = False

    def ask(self) -> None:
        """Every client at every node that is up. Effects: refusals in the journal, each once."""
        standing = [node for node in self._cluster.nodes.values() if node.in_ring]
        if not standing:
            return
        self._meet(standing[0])
        seen: dict[Manifest, Node] = {}
        for node in standing:
            seen.setdefault(node.manifest, node)
        for manifest, node in seen.items():
            judge = self._cluster.judge_for(node)
            for certificate, before in self._clients.values():
                self._ask_for(certificate, before, manifest, node, judge)
        self._ask_proxies()

    def _meet(self, node: Node) -> None:
        """Take in the clients that this node lets in by thumbprint and that nobody has met yet."""
        listed = node.manifest.admin_clients.thumbprints | node.manifest.user_clients.thumbprints
        for thumbprint in sorted(listed - self._clients.keys()):
            vaults = self._azure.find_service("vaults")
            kept = vaults.version_of(thumbprint) if vaults is not None else None
            if kept is None:
                continue
            certificate = read(kept.leaf, kept.chain)
            role, _ = role_in(node.manifest, certificate, self._cluster.judge_for(node))
            if role is not None:
                self._clients[thumbprint] = (certificate, role)

    def _ask_for(self, certificate: Certificate, before: str, manifest: Manifest, node: Node, judge: Judge) -> None:
        if not certificate.not_before <= judge.now < certificate.not_after:
            return
        role, why = role_in(manifest, certificate, judge)
        if role == before:
            return
        told = why if role is None else f"RoleChanged: let in as {role}, was {before}"
        self._cluster.tell_bystander(f"client {certificate.subject_cn}", node.name, certificate.thumbprint, told)

    def _ask_proxies(self) -> None:
        wanted = [
            (node, rule)
            for node in self._cluster.nodes.values()
            if node.running and (rule := node.manifest.reverse_proxy) is not None
        ]
        # what never served everywhere was broken before anybody touched it
        if wanted and all(node.proxied is not None for node, _ in wanted):
            self._proxy_served = True
        for node, rule in wanted:
            if node.proxied is None and self._proxy_served:
                told = f"ReverseProxyCertificateNotFound: '{rule.primary}' by {rule.by} in store '{rule.store}'"
                self._cluster.tell_bystander(PROXY_CALLER, node.name, "", told)
