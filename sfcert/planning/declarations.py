"""Which edits declare these thumbprints, or this name, on a cluster or a node extension? Floor 4.

Removal is explicit: what is no longer declared goes in the same update. Source: reference 1.1, 1.2, 1.5.
"""

from __future__ import annotations

from typing import Any

from sfcert.arm import get_at
from sfcert.model.observation import Declaration, PinnedName, ScaleSet
from sfcert.planning.bodies import below
from sfcert.planning.situation import Situation
from sfcert.planning.step import Edit, removed, set_to

CERTIFICATE = "properties.certificate"
NAMES = "properties.certificateCommonNames"


def cluster_thumbprints(situation: Situation, thumbprints: tuple[str, ...]) -> tuple[Edit, ...]:
    """The cluster resource with these thumbprints, primary first."""
    value: dict[str, Any] = {"thumbprint": thumbprints[0]}
    if len(thumbprints) > 1:
        value["thumbprintSecondary"] = thumbprints[1]
    return (set_to(CERTIFICATE, value | {"x509StoreName": situation.store}),)


def cluster_name(situation: Situation, pins: tuple[str, ...] | None = None) -> tuple[Edit, ...]:
    """The cluster resource by the goal's name with its pins, or these; the thumbprints go with the same update.

    Other common names that are declared already stay as they are.
    """
    goal = situation.goal
    others = [one for one in situation.observation.cluster.certificate.names if one.common_name != goal.common_name]
    names = [
        {"certificateCommonName": one.common_name, "certificateIssuerThumbprint": one.issuers_text} for one in others
    ]
    names.append(
        {"certificateCommonName": goal.common_name, "certificateIssuerThumbprint": ",".join(pins or goal.pins)}
    )
    # removed whether or not it stands there now: an earlier stage may have put it there
    return (set_to(NAMES, {"commonNames": names, "x509StoreName": situation.store}), removed(CERTIFICATE))


def declared_name(situation: Situation, pins: tuple[str, ...] | None = None) -> Declaration:
    """The cluster's declaration once the goal's name is declared with its pins, or with these."""
    goal, now = situation.goal, situation.observation.cluster.certificate
    others = tuple(one for one in now.names if one.common_name != goal.common_name)
    name = PinnedName(common_name=goal.common_name, issuers=pins or goal.pins, issuers_text=",".join(pins or goal.pins))
    return Declaration(kind="common-name", path=NAMES, names=(*others, name), store=situation.store)


def extension_thumbprints(
    situation: Situation, scale_set: ScaleSet, body: dict[str, Any], thumbprints: tuple[str, ...]
) -> tuple[Edit, ...]:
    """The node extension with these thumbprints: the secondary as a sibling, never inside `certificate`."""
    settings = below(scale_set.node_extension.path, "settings")
    store = _store(body, settings, situation.store)
    first = set_to(below(settings, "certificate"), {"thumbprint": thumbprints[0], "x509StoreName": store})
    second = below(settings, "certificateSecondary")
    if len(thumbprints) > 1:
        return (first, set_to(second, {"thumbprint": thumbprints[1], "x509StoreName": store}))
    return (first, removed(second))


def extension_name(situation: Situation, scale_set: ScaleSet, body: dict[str, Any]) -> tuple[Edit, ...]:
    """The node extension by the names that the cluster declares in the end; no issuer can be given there."""
    settings = below(scale_set.node_extension.path, "settings")
    names = [one.common_name for one in declared_name(situation).names]
    value = {"commonNames": names, "x509StoreName": _store(body, settings, situation.store)}
    return (set_to(below(settings, "certificate"), value), removed(below(settings, "certificateSecondary")))


def extension_owned(scale_set: ScaleSet) -> tuple[str, ...]:
    settings = below(scale_set.node_extension.path, "settings")
    return (below(settings, "certificate"), below(settings, "certificateSecondary"))


def _store(body: dict[str, Any], settings: str, otherwise: str) -> str:
    found = get_at(body, below(settings, "certificate", "x509StoreName"))
    return found if isinstance(found, str) and found else otherwise
