"""Which node presents what, and how is that known? The table that `watch` shows. Floor 3.

Three kinds of evidence, the strongest first: a TLS handshake with the node; the newest `Certificate_cluster` health
event, which names what the node presents; inference from what its store holds. An inference is shown, never counted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import NodeSighting, Observation

Evidence = Literal["tls", "health", "inferred", "none"]


class NodeRow(Value):
    """One node. `presents` is a thumbprint or None; `issuer` the direct issuer's thumbprint where TLS showed it.

    `instance` is the scale set's instance that the node runs on, where names tell it.
    """

    node: str
    node_type: str | None
    upgrade_domain: str | None
    status: str | None
    presents: str | None
    evidence: Evidence
    issuer: str | None
    expires_utc: datetime | None
    instance: str | None


class NodeTable(Value):
    """Every node seen or inferred, by node type, then name. `level`: the best evidence that any row rests on."""

    at_utc: datetime
    rows: tuple[NodeRow, ...]
    level: Evidence

    def presenting(self, thumbprint: str) -> int:
        """How many nodes were *seen* (not inferred) to present this certificate."""
        return sum(row.presents == thumbprint and row.evidence in ("tls", "health") for row in self.rows)


def presents_now(node: NodeSighting) -> tuple[str | None, Evidence]:
    """What one node presents and how that is known. A handshake wins over a health event, which may lag behind it."""
    if node.served:
        return node.served[0].thumbprint, "tls"
    if node.presents:
        return node.presents, "health"
    return None, "none"


def node_table(observation: Observation) -> NodeTable:
    """The table of one look: the nodes that Service Fabric names, or else the instances that carry nodes.

    Effects: none.
    """
    known = {one.thumbprint: one for one in observation.known_certificates()}
    instances = {
        (one.name or "").lower(): one.id for scale_set in observation.scale_sets for one in scale_set.instances or ()
    }
    rows: list[NodeRow] = []
    if observation.runtime and observation.runtime.nodes is not None:
        for node in observation.runtime.nodes:
            thumbprint, evidence = presents_now(node)
            rows.append(
                NodeRow(
                    node=node.name,
                    node_type=node.node_type,
                    upgrade_domain=node.upgrade_domain,
                    status=node.status,
                    presents=thumbprint,
                    evidence=evidence,
                    issuer=_issuer(node),
                    expires_utc=_expiry(known, thumbprint),
                    instance=instances.get(node.name.lower().lstrip("_")),
                )
            )
    else:
        rows.extend(_inferred(observation, known))
    ordered = tuple(sorted(rows, key=lambda row: (row.node_type or "", row.node)))
    order: tuple[Evidence, ...] = ("tls", "health", "inferred", "none")
    return NodeTable(
        at_utc=observation.observed_at_utc,
        rows=ordered,
        level=next((level for level in order if any(row.evidence == level for row in ordered)), "none"),
    )


def _inferred(observation: Observation, known: dict[str, Certificate]) -> list[NodeRow]:
    rows: list[NodeRow] = []
    for scale_set in observation.scale_sets:
        for instance in scale_set.instances or ():
            thumbprint = _likely(observation, instance.store, known)
            rows.append(
                NodeRow(
                    node=instance.name or f"{scale_set.name}_{instance.id}",
                    node_type=scale_set.node_type,
                    upgrade_domain=None if instance.update_domain is None else str(instance.update_domain),
                    status=None,
                    presents=thumbprint,
                    evidence="inferred" if thumbprint else "none",
                    issuer=None,
                    expires_utc=_expiry(known, thumbprint),
                    instance=instance.id,
                )
            )
    return rows


def _likely(observation: Observation, store: tuple[str, ...] | None, known: dict[str, Certificate]) -> str | None:
    """What a node would present by the cluster's declaration if its store is all that counts: newest NotBefore first.

    Only from stores that were seen; private keys, access to them and the node's own pace are not known here.
    """
    if store is None:
        return None
    declared = observation.cluster.certificate
    names = {one.common_name for one in declared.names}
    candidates = [
        known[one]
        for one in store
        if one in known
        and (one in declared.thumbprints or known[one].common_name in names)
        and known[one].not_after_utc > observation.observed_at_utc
    ]
    return max(candidates, key=lambda one: one.not_before_utc).thumbprint if candidates else None


def _issuer(node: NodeSighting) -> str | None:
    return node.served[1].thumbprint if node.served and len(node.served) > 1 else None


def _expiry(known: dict[str, Certificate], thumbprint: str | None) -> datetime | None:
    return known[thumbprint].not_after_utc if thumbprint in known else None
