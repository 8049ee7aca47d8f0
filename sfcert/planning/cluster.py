"""What makes the cluster go by name? Stage 60, and what blocks any change of the cluster. Floor 4.

Source: reference 1.2 (the provider's own refusals), 3.4, 7 row 21 and 30, 8; design, stage 60.
"""

from __future__ import annotations

from typing import Any

from sfcert import dated
from sfcert.model.ids import parse_resource_id
from sfcert.model.observation import Observation
from sfcert.planning.declarations import CERTIFICATE, NAMES, cluster_name, declared_name
from sfcert.planning.reasons import Reasons
from sfcert.planning.renewal import renewal_lead_s
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import DeclareCluster


def declare_name_on_cluster(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """One step, or none where the cluster declares just this already.

    Effects: none.
    """
    cluster = situation.observation.cluster
    if is_by_name(situation):
        return []
    after = declared_name(situation)
    return [
        Step(
            definition=definition,
            subject=cluster.id,
            scope=parse_resource_id(cluster.id).group_scope,
            names={
                "name": situation.goal.common_name,
                "pins": ", ".join(f"{one[:8]}…" for one in situation.goal.pins),
            },
            facts=cluster_step_facts(situation) | {"declares": declared_facts(situation, situation.goal.pins)},
            edits={cluster.id: cluster_name(situation)},
            owned={cluster.id: (CERTIFICATE, NAMES)},
            move=DeclareCluster(stage_id="", deadline_s=0, declaration=after),
            undo={"declaration": list(cluster.certificate.thumbprints), "resource": cluster.id},
            group="cluster",
        )
    ]


def is_by_name(situation: Situation) -> bool:
    """Whether the cluster declares the goal's name with all its pins, and no thumbprint."""
    now = situation.observation.cluster.certificate
    if now.kind != "common-name":
        return False
    one = next((name for name in now.names if name.common_name == situation.goal.common_name), None)
    return one is not None and bool(one.issuers) and set(situation.goal.pins) <= set(one.issuers)


def declared_facts(situation: Situation, pins: tuple[str, ...] | None = None) -> dict[str, Any]:
    """What the declaration gates of the role that moves expect once the plan is done; with `pins`, once these are the
    goal's."""
    if situation.declares is not None:
        return dict(situation.declares)
    if situation.aim == "thumbprint":
        return {"thumbprints": [situation.goal.thumbprint]}
    names = declared_name(situation, pins if pins is not None else situation.final_pins).names
    return {
        "common_names": [one.common_name for one in names],
        "issuers": {one.common_name: list(one.issuers) for one in names},
    }


def cluster_step_facts(situation: Situation) -> dict[str, Any]:
    """What every cluster stage's gates expect."""
    return {
        "thumbprint": situation.goal.thumbprint,
        "certificate_urls": [one.url for one in situation.goal.certificates],
        "issuers": list(situation.goal.pins),
        "lead_s": max((renewal_lead_s(one, one.versions[0]) for one in situation.goal.certificates), default=0),
    }


def check_at_rest(observation: Observation, reasons: Reasons, *, may_be_out_of_reach: bool = False) -> None:
    """No change may begin while the cluster, a scale set or an upgrade is on its way, or out of reach.

    Args:
        may_be_out_of_reach: the plan begins with people's hands, and waits until the cluster is reached again.

    Effects: adds to `reasons`.
    """
    cluster = observation.cluster
    state, provisioning = (cluster.state or "").lower(), (cluster.provisioning_state or "").lower()
    is_authored = observation.source == "template"
    if state == "upgradeserviceunreachable":
        if not may_be_out_of_reach:
            reasons.add(
                "The cluster is UpgradeServiceUnreachable: the resource provider cannot reach it, so that every change "
                "of it would hang. Bring it back first (expired or refused certificate, seed nodes without a quorum, "
                "port 443 closed), then plan again."
            )
    elif not is_authored and (state != "ready" or provisioning != "succeeded"):
        reasons.add(
            f"The cluster is not at rest (clusterState {cluster.state or 'not read'}, provisioningState "
            f"{cluster.provisioning_state or 'not read'}). Wait until it is Ready and Succeeded, then plan again."
        )
    upgrade = (observation.runtime.upgrade_state or "") if observation.runtime else ""
    if upgrade in ("RollingForwardInProgress", "RollingForwardPending", "RollingBackInProgress"):
        reasons.add(f"A cluster upgrade is running ({upgrade}). Wait until it has ended, then plan again.")
    for one in observation.scale_sets:
        if not is_authored and (one.provisioning_state or "").lower() != "succeeded":
            reasons.add(
                f"The scale set {one.name} is not at rest (provisioningState {one.provisioning_state or 'not read'}). "
                "Wait until it is Succeeded, then plan again."
            )
    for node_type in cluster.node_types:
        if not observation.scale_sets_of(node_type.name):
            reasons.add(
                f"No scale set of the node type {node_type.name} was read; every node type has to change. Capture "
                "with access to its resource group."
            )
    _check_known_faults(cluster.runtime, reasons)


def _check_known_faults(runtime: str | None, reasons: Reasons) -> None:
    try:
        version = dated.runtime_key(runtime or "")
    except ValueError:
        return
    for fault in dated.table("runtime").get("known_faults", []):
        if dated.runtime_key(fault["from"]) <= version < dated.runtime_key(fault["below"]):
            reasons.add(
                f"The runtime {runtime} has a known fault: {fault['what']}. Upgrade it to {fault['below']} or later "
                f"first. Source: {fault['source']}."
            )
