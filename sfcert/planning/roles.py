"""Whose declaration moves, and what else goes by a thumbprint that the same certificate may serve? Floor 4.

What else is found keeps its vm secrets and its renewal frozen. Source: reference 1.1, 1.3, 1.4.
"""

from __future__ import annotations

import re
from typing import Literal

from sfcert.model.ids import same_id
from sfcert.model.observation import Declaration, Observation, ScaleSet

#: Whose certificate a playbook moves.
Role = Literal["cluster", "reverse-proxy", "clients"]
_THUMBPRINT = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{40}(?![0-9A-Fa-f])")


def role_declaration(observation: Observation, role: Role) -> Declaration:
    """How the cluster resource declares the certificate of a role; that of its own nodes for client certificates, which
    nodes only judge."""
    cluster = observation.cluster
    return cluster.reverse_proxy if role == "reverse-proxy" else cluster.certificate


def extension_declaration(scale_set: ScaleSet, role: Role) -> Declaration:
    """How the node extension of a scale set declares the certificate of a role."""
    extension = scale_set.node_extension
    return extension.reverse_proxy if role == "reverse-proxy" else extension.certificate


def role_thumbprints(observation: Observation, role: Role) -> frozenset[str]:
    """Every thumbprint that a role is declared by, on the cluster or on any node extension."""
    if role == "clients":
        return frozenset(one.value for one in observation.cluster.clients if one.kind == "thumbprint")
    found = set(role_declaration(observation, role).thumbprints)
    for one in observation.scale_sets:
        found |= set(extension_declaration(one, role).thumbprints)
    return frozenset(found)


def thumbprint_uses(
    observation: Observation, scale_set: ScaleSet | None = None, *, role: Role = "cluster"
) -> tuple[tuple[str, str], ...]:
    """(thumbprint, where) of every declaration by thumbprint but that of one role, in stable order.

    Args:
        scale_set: only what matters to its machines: the cluster's own declarations and that scale set's.
        role: whose declaration is left out.

    Effects: none.
    """
    cluster = observation.cluster
    found: list[tuple[str, str]] = []
    if role != "cluster":
        found += [(one, "the cluster's own certificate") for one in cluster.certificate.thumbprints]
        found += _on_nodes(observation, scale_set, "cluster", "the cluster certificate of")
    if role != "reverse-proxy":
        found += [(one, "the cluster's reverse proxy certificate") for one in cluster.reverse_proxy.thumbprints]
        found += _on_nodes(observation, scale_set, "reverse-proxy", "the reverse proxy certificate of")
    if role != "clients":
        found += [(one.value, "a client certificate") for one in cluster.clients if one.kind == "thumbprint"]
    for section, parameters in cluster.settings.items():
        for name, value in parameters.items():
            where = f"the setting {section}/{name}"
            found += [(match.upper(), where) for match in _THUMBPRINT.findall(value)]
    return tuple(dict.fromkeys(found))


def _on_nodes(observation: Observation, scale_set: ScaleSet | None, role: Role, where: str) -> list[tuple[str, str]]:
    return [
        (thumbprint, f"{where} {one.name}")
        for one in observation.scale_sets
        if scale_set is None or same_id(scale_set.id, one.id)
        for thumbprint in extension_declaration(one, role).thumbprints
    ]
