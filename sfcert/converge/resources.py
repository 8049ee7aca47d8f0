"""Is this resource at rest, on its way, or broken? One judge per kind of resource. Floor 3.

    situation                                   cluster            scale set / instance      extension
    (a) at rest                                 Ready + Succeeded  Succeeded, all newest     succeeded everywhere
    (b) on its way                              Updating, …        Updating, some behind     transitioning, not there
    (c) ended as failed                         Failed, Canceled   Failed                    failed somewhere
    (d) lost                                    UpgradeService…    -                         -
    (e) cannot be told                          field absent       instances not read        instances not read

`Ready` alone proves nothing: it also follows a rollback. Hence provisioningState here, the definition read back in
`declared`, the manifest in `manifest`.
Source: service-fabric.md 8; Azure/Service-Fabric-Troubleshooting-Guides on UpgradeServiceUnreachable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sfcert.converge.reasons import convergence
from sfcert.model.observation import ExtensionStatus, Instance, Observation, ScaleSet
from sfcert.model.progress import Convergence

CLUSTER_LOOK_S = 30.0
INSTANCES_LOOK_S = 30.0
_WALKING = frozenset(
    {
        "deploying",
        "baselineupgrade",
        "updatinguserconfiguration",
        "updatingusercertificate",
        "updatinginfrastructure",
        "enforcingclusterversion",
        "autoscale",
    }
)
_ROLLING = frozenset({"rollingbackinprogress", "rollingforwardinprogress", "rollingforwardpending"})


def judge_cluster(observation: Observation) -> Convergence:
    """Whether the cluster is at rest: state, provisioning state, and its own upgrade progress where that was read.

    Returns:
        Current only when ARM says Ready and Succeeded and no upgrade is seen to run. Effects: none.
    """
    cluster = observation.cluster
    state, provisioning = (cluster.state or "").lower(), (cluster.provisioning_state or "").lower()
    said = f"clusterState {cluster.state}, provisioningState {cluster.provisioning_state}"
    subject = cluster.id
    if not state or not provisioning:
        return convergence(subject, "unknown", "StateUnknown", f"The cluster does not report both states: {said}.")
    if state == "upgradeserviceunreachable":
        message = f"The resource provider cannot reach the cluster ({said}); no change of it can be sent."
        return convergence(subject, "failed", "ClusterUnreachable", message, look_again_s=300)
    if provisioning in ("failed", "canceled"):
        message = f"The last change of the cluster ended as {cluster.provisioning_state} ({said})."
        return convergence(subject, "failed", "UpgradeRolledBack", message, look_again_s=CLUSTER_LOOK_S)
    if state == "waitingfornodes":
        message = f"Nodes have not joined yet ({said})."
        return convergence(subject, "in-progress", "WaitingForNodes", message, look_again_s=CLUSTER_LOOK_S)
    if state in _WALKING or provisioning == "updating":
        message = f"An upgrade is running ({said}{_walk(observation)})."
        return convergence(subject, "in-progress", "UpgradeRunning", message, look_again_s=CLUSTER_LOOK_S)
    if state != "ready" or provisioning != "succeeded":
        return convergence(subject, "unknown", "StateUnknown", f"Nobody here knows what this means: {said}.")
    if observation.runtime and (observation.runtime.upgrade_state or "").lower() in _ROLLING:
        message = f"Resource Manager says {said}, but the cluster itself is still rolling{_walk(observation)}."
        return convergence(subject, "in-progress", "UpgradeRunning", message, look_again_s=CLUSTER_LOOK_S)
    return convergence(subject, "current", "Holds", f"The cluster is at rest ({said}).")


def _walk(observation: Observation) -> str:
    runtime = observation.runtime
    if runtime is None or runtime.upgrade_state is None:
        return ""
    return f"; {runtime.upgrade_state}, {runtime.upgrade_domains_done} of {runtime.upgrade_domains} upgrade domains"


def judge_scale_set(scale_set: ScaleSet) -> Convergence:
    """Whether every instance runs with the newest model and none failed.

    An instance whose `latestModelApplied` is absent counts as unknown. Effects: none.
    """
    if (scale_set.provisioning_state or "").lower() in ("failed", "canceled"):
        message = f"{scale_set.name}: the last update ended as {scale_set.provisioning_state}."
        return convergence(scale_set.id, "failed", "UpdateFailed", message, look_again_s=INSTANCES_LOOK_S)
    if scale_set.instances is None:
        message = f"{scale_set.name}: its instances could not be listed."
        return convergence(scale_set.id, "unknown", "NotRead", message, look_again_s=INSTANCES_LOOK_S)
    failed = [one for one in scale_set.instances if (one.provisioning_state or "").lower() in ("failed", "canceled")]
    if failed:
        message = f"{scale_set.name}: instances ended as failed: {_names(failed)}."
        return convergence(scale_set.id, "failed", "UpdateFailed", message, look_again_s=INSTANCES_LOOK_S)
    silent = [one for one in scale_set.instances if one.latest_model is None]
    if silent:
        message = f"{scale_set.name}: it is not known whether these run with the newest model: {_names(silent)}."
        return convergence(scale_set.id, "unknown", "NotRead", message, look_again_s=INSTANCES_LOOK_S)
    behind = [one for one in scale_set.instances if not one.latest_model]
    is_at_work = (scale_set.provisioning_state or "").lower() != "succeeded"
    if behind and not is_at_work:
        message = f"{scale_set.name}: not with the newest model yet: {_names(behind)}."
        if (scale_set.upgrade_mode or "").lower() == "manual":
            message += " Its upgrade policy is Manual: instances move only when they are told to."
        return convergence(scale_set.id, "in-progress", "InstancesBehind", message, look_again_s=INSTANCES_LOOK_S)
    moving = [one for one in scale_set.instances if (one.provisioning_state or "").lower() != "succeeded"]
    if moving or is_at_work:
        message = f"{scale_set.name}: provisioningState {scale_set.provisioning_state}"
        for what, where in (("at work", moving), ("not with the newest model yet", behind)):
            message += f"; {what}: {_names(where)}" if where else ""
        message += "."
        return convergence(scale_set.id, "in-progress", "UpdateRunning", message, look_again_s=INSTANCES_LOOK_S)
    message = f"{scale_set.name}: all {len(scale_set.instances)} instances run with the newest model."
    return convergence(scale_set.id, "current", "Holds", message)


def judge_extension(
    scale_set: ScaleSet, wanted: Callable[[ExtensionStatus], bool], what: str, *, after_utc: datetime | None = None
) -> Convergence:
    """Whether an extension has succeeded on every instance.

    Args:
        wanted: picks the extension's status among those of an instance (none picked: absent there).
        what: the extension, for the message.
        after_utc: a status that carries a time must not be older; most instance views carry none, and then only the
            newest model on the instance vouches for it.

    Effects: none.
    """
    if scale_set.instances is None:
        message = f"{scale_set.name}: its instances could not be listed, so {what} cannot be seen."
        return convergence(scale_set.id, "unknown", "NotRead", message, look_again_s=INSTANCES_LOOK_S)
    absent: list[Instance] = []
    failed: list[str] = []
    working: list[Instance] = []
    stale: list[Instance] = []
    for instance in scale_set.instances:
        found = next((one for one in instance.extensions if wanted(one)), None)
        if found is None:
            absent.append(instance)
        elif found.state == "failed":
            failed.append(f"{_name(instance)}: {found.message or 'no message'}")
        elif found.state != "succeeded":
            working.append(instance)
        elif after_utc is not None and found.at_utc is not None and found.at_utc < after_utc:
            stale.append(instance)
    if failed:
        message = f"{scale_set.name}: {what} failed on {'; '.join(failed)}."
        return convergence(scale_set.id, "failed", "ExtensionFailed", message, look_again_s=INSTANCES_LOOK_S)
    for reason, says, where in (
        ("ExtensionAbsent", "is not there yet", absent),
        ("ExtensionRunning", "is at work", working),
        ("StatusTooOld", "has a status older than what it has to confirm", stale),
    ):
        if where:
            message = f"{scale_set.name}: {what} {says} on {_names(where)}."
            return convergence(scale_set.id, "in-progress", reason, message, look_again_s=INSTANCES_LOOK_S)
    message = f"{scale_set.name}: {what} has succeeded on all {len(scale_set.instances)} instances."
    return convergence(scale_set.id, "current", "Holds", message)


def _name(instance: Instance) -> str:
    return instance.name or instance.id


def _names(instances: Sequence[Instance]) -> str:
    names = sorted(_name(one) for one in instances)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
