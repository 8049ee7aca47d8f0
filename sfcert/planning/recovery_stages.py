"""What is done, and by whom, where a certificate has ended or is about to? The own stages of `recover-expired`.

Floor 4. The rotation between them is that of other playbooks, with secrets of its own (`recovery_secrets`). Leaves out
when any of it applies (`recovery`). Source: reference 1.3, 7 rows 11 and 12; Azure/Service-Fabric-Troubleshooting-
Guides, "How to recover from an Expired Cluster Certificate" (seed nodes first, 5 to 10 minutes, the setting in ARM
before any other change).
"""

from __future__ import annotations

import base64
from typing import Any

from sfcert.model.certificate import Certificate
from sfcert.model.ids import parse_resource_id
from sfcert.planning.cluster import cluster_step_facts, declared_facts
from sfcert.planning.expired_setting import PARAMETER, SECTION, SETTING, as_it_was, expired_counts, value_before
from sfcert.planning.order import slug
from sfcert.planning.reasons import Reasons
from sfcert.planning.recovery import Recovery
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import StageDefinition
from sfcert.trust.mending import ExpiredCounts, VersionBrought
from sfcert.trust.moves import Move, Together, UpdateInstances

#: How long nodes take to go by the setting once it is there, in seconds. Source: the vendor's guide, 5 to 10 minutes.
SETTLES_S = 600


def mend_nodes(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step that people do on the nodes; none where the cluster is reached, or the setting is of no use.

    Effects: none.
    """
    recovery = _recovery(situation)
    if not recovery.is_out_of_reach or not recovery.setting_helps or recovery.phase != "ended":
        return []
    return [
        _of_cluster(
            situation,
            definition,
            facts={
                "by_hand": (
                    "# On every node, seed nodes first: let FixExpiredCert-AEPCC.ps1 of the vendor's guides set",
                    f"# {SETTING} in the node's own settings and restart its host.",
                    "# Scale, re-image and deploy nothing until this plan is done: a new machine cannot join before.",
                    "# Some 5 to 10 minutes later the cluster is reached again; the next stage waits for that.",
                )
            },
            move=ExpiredCounts(stage_id="", deadline_s=0, counts=True, declared=False),
        )
    ]


def accept_expired(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step that sets it, alone in its update; none where it is on, or of no use.

    Effects: adds to `reasons`, where the definition cannot be edited.
    """
    recovery, cluster = _recovery(situation), situation.observation.cluster
    if not recovery.sets:
        return []
    found = expired_counts(situation.observation, situation.owner)
    if found is None:
        reasons.add(
            "The cluster's fabricSettings or tags are given by an expression, so that nobody can say what to put "
            "beside them. Plan from the live cluster or a bundle."
        )
        return []
    edits, owned = found
    before = value_before(situation.observation, by_this_plan=True)
    return [
        _of_cluster(
            situation,
            definition,
            facts={"settings": _setting("true"), "seconds": SETTLES_S},
            edits={cluster.id: edits},
            owned={cluster.id: owned},
            move=ExpiredCounts(stage_id="", deadline_s=0, counts=True),
            undo={"setting": SETTING, "was": before},
        )
    ]


def restore_setting(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step that takes it back, exactly as it was; none where somebody else has set it, or where it is still needed.

    Effects: adds to `reasons`, where the tag that tells how it was is gone.
    """
    recovery, cluster = _recovery(situation), situation.observation.cluster
    sets = recovery.sets
    if not (sets or recovery.is_ours) or not (recovery.has_newer or recovery.phase == "lives"):
        return []
    found = as_it_was(situation.observation, by_this_plan=sets)
    if found is None:
        reasons.add(
            f"{SETTING} was set by an earlier run of this playbook, and the tag of the cluster that tells how it was "
            "before is gone. Take it out of fabricSettings by hand, with the tag that is left, and plan again."
        )
        return []
    edits, owned = found
    before = value_before(situation.observation, by_this_plan=sets)
    return [
        _of_cluster(
            situation,
            definition,
            facts=cluster_step_facts(situation)
            | {"declares": declared_facts(situation), "settings": _setting(before), "seconds": SETTLES_S},
            edits={cluster.id: edits},
            owned={cluster.id: owned},
            move=ExpiredCounts(stage_id="", deadline_s=0, counts=(before or "").strip().lower() == "true"),
            undo={"setting": SETTING, "was": "true"},
        )
    ]


def bring_version(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step by people for each certificate of the declared name that has no valid version.

    Effects: none.
    """
    recovery = _recovery(situation)
    if not recovery.by_name or recovery.phase != "ended" or recovery.has_newer:
        return []
    one_name = situation.goal.common_name
    pins = {pin: None for name in situation.observation.cluster.certificate.names for pin in name.issuers}
    return [
        Step(
            definition=definition,
            subject=one.url,
            scope=one.vault_url,
            names={
                "certificate": slug(one.name),
                "vault": one.vault_url.removeprefix("https://"),
                "name": situation.goal.common_name,
            },
            facts={
                "certificate_url": one.url,
                "common_name": situation.goal.common_name,
                "issuers": list(pins),
                "known": [_der(issuer) for issuer in situation.goal.issuers.verified if issuer.thumbprint in pins],
                "by_hand": (
                    f"sfcert renew {one.name} --vault {one.vault_url}   # where sfcert has enrolled it",
                    "# Where not, with the vault's own issuer whose certificate is pinned in the place of ISSUER:",
                    f"sfcert enrol {one.name} --vault {one.vault_url} --subject CN={one_name} --issuer ISSUER",
                ),
            },
            move=VersionBrought(stage_id="", deadline_s=0, certificate_urls=(one.url,)),
            undo={"certificate": one.url},
        )
        for one in situation.goal.certificates
    ]


def await_return(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step in which nodes by name take up a newer version and the cluster is reached again.

    Effects: none.
    """
    recovery = _recovery(situation)
    if not recovery.by_name or recovery.phase != "ended":
        return []
    urls = tuple(one.url for one in situation.goal.certificates)
    moves: tuple[Move, ...] = (
        VersionBrought(stage_id="", deadline_s=0, certificate_urls=urls, is_there=True),
        *(UpdateInstances(stage_id="", deadline_s=0, scale_set_id=one.id) for one in situation.scale_sets),
    )
    return [_of_cluster(situation, definition, facts={}, move=Together(stage_id="", deadline_s=0, moves=moves))]


def _der(one: Certificate) -> str:
    return base64.b64encode(one.der).decode()


def _recovery(situation: Situation) -> Recovery:
    assert situation.recovery is not None, "these stages are those of a recovery"
    return situation.recovery


def _of_cluster(situation: Situation, definition: StageDefinition, **more: Any) -> Step:
    cluster = situation.observation.cluster
    ends = max(one.not_after_utc for one in _recovery(situation).leaves)
    return Step(
        definition=definition,
        subject=cluster.id,
        scope=parse_resource_id(cluster.id).group_scope,
        names={
            "cluster": cluster.name,
            "name": situation.goal.common_name,
            "goal_short": f"{situation.goal.thumbprint[:8]}…",
            "setting": SETTING,
            "ends": f"{ends:%Y-%m-%d %H:%M} UTC",
        },
        group="cluster",
        **more,
    )


def _setting(value: str | None) -> dict[str, str | None]:
    return {"section": SECTION, "parameter": PARAMETER, "value": value}
