"""Is anything under way in the cluster, or is it cut off from its resource provider? Floor 3.

Source: service-fabric.md 8 (states), 7 row 30.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import Missing, cannot_tell, is_authored, not_in_template

_UNDER_WAY = {"rollingforwardinprogress", "rollingforwardpending", "rollingbackinprogress"}


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    if is_authored(observation):
        yield cannot_tell(cluster.id, not_in_template("The state of the cluster"), "it is at rest")
        return
    if cluster.state is None:
        missing = Missing(reason="ResourceUnread", what="The state of the cluster", why="is not in what was read")
        yield cannot_tell(cluster.id, missing, "it is at rest")
    elif cluster.state == "UpgradeServiceUnreachable":
        yield fail(
            cluster.id,
            "UpgradeServiceUnreachable",
            "The resource provider cannot reach the cluster's upgrade service: no change would arrive, "
            "and updates of Silver and Gold scale sets may hang.",
            "Find out why first: a refused certificate, lost seed nodes, a closed way out on port 443, or one that has "
            "expired (then sfcert plan --playbook recover-expired).",
            clusterState=cluster.state,
        )
    elif cluster.state != "Ready":
        yield fail(
            cluster.id,
            "UnderWay",
            f"The cluster is {cluster.state}: another change is under way.",
            "Wait until the cluster is Ready, then plan again.",
            clusterState=cluster.state,
        )
    if cluster.provisioning_state in ("Failed", "Canceled"):
        yield fail(
            cluster.id,
            "LastChangeFailed",
            "The last change of the cluster ended as "
            f"{cluster.provisioning_state}: what it declares may not be what its nodes run with.",
            "Compare the declaration with the cluster manifest, and repeat or take back the change that failed.",
            provisioningState=cluster.provisioning_state,
        )
    elif cluster.provisioning_state not in (None, "Succeeded") and cluster.state == "Ready":
        yield fail(
            cluster.id,
            "UnderWay",
            f"The cluster's provisioning state is {cluster.provisioning_state}: another change is under way.",
            "Wait until it has succeeded, then plan again.",
            provisioningState=cluster.provisioning_state,
        )
    upgrade = observation.runtime.upgrade_state if observation.runtime else None
    if upgrade is not None and upgrade.lower() in _UNDER_WAY:
        yield fail(
            cluster.id,
            "UnderWay",
            f"Service Fabric itself reports {upgrade}: an upgrade walks its domains.",
            "Wait until it has completed, then plan again.",
            UpgradeState=upgrade,
        )
    for scale_set in observation.scale_sets:
        if scale_set.provisioning_state not in (None, "Succeeded"):
            yield fail(
                scale_set.id,
                "ScaleSetUnderWay",
                f"The scale set {scale_set.name} is {scale_set.provisioning_state}.",
                "Wait for it, or mend what failed, then plan again; if a plan's stage failed, apply that plan again.",
                provisioningState=scale_set.provisioning_state,
            )


RULE = Rule(
    id="cluster-not-at-rest",
    severity="error",
    blocks_plan=True,
    reasons={
        "UpgradeServiceUnreachable": "The resource provider has lost the cluster.",
        "UnderWay": "An upgrade or another change is running.",
        "LastChangeFailed": "The last change ended as failed or cancelled.",
        "ScaleSetUnderWay": "A scale set is being changed, or its last change failed.",
    },
    check=check,
)
