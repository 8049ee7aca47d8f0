"""How do the instances of a Manual scale set move? Batch by batch (update domains), health between. Floor 5.

An instance that runs with the newest model already is never told again, so a resumed run goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sfcert.converge.resources import judge_cluster
from sfcert.errors import ConvergenceError
from sfcert.model.observation import Instance, ScaleSet
from sfcert.model.plan import Stage
from sfcert.model.progress import Applied
from sfcert.sources.live import Part
from sfcert.workflows.run import Run

_LOOK_S = 30.0
_AT_WORK = frozenset({"updating", "creating"})


def upgrade_instances(
    run: Run, stage: Stage, *, until_utc: datetime, before_write: Callable[[], None]
) -> Applied | None:
    """Bring every instance of the stage's batches to the newest model, then those that came since, one at a time.

    Returns:
        What was sent, or None where every instance ran with it already.

    Raises:
        ConvergenceError: WentToFailed (an instance or the cluster failed), NotConverged (the deadline).
        RemoteError: a call failed.

    Effects: one `manualupgrade` for each batch that is behind.
    """
    plan = stage.instances
    assert plan is not None
    sent = 0
    first = run.now()
    number = -1
    while (batch := _next_batch(plan.batches, number := number + 1, scale_set := _look(run, stage))) is not None:
        scale_set = _await_idle(run, stage, batch, scale_set, until_utc)
        behind = [one.id for one in scale_set.instances or () if one.id in batch and not one.latest_model]
        if behind:
            if sent == 0:
                before_write()
            if sent == 0 or number:
                _await_batch(run, stage, (), until_utc)
            ids = tuple(behind)
            run.step(
                stage,
                f"batch-{number}",
                partial(run.ports.arm.start_instance_upgrade, plan.scale_set_id, ids, plan.api_version),
            )
            sent += 1
            run.tell("stage-sent", stage=stage.id, operation=f"manualupgrade of {', '.join(ids)}", attempt=1)
        _await_batch(run, stage, batch, until_utc)
    if not sent:
        return None
    return Applied(
        stage=stage.id,
        kind=stage.kind,
        sent_at_utc=first,
        operation=f"{plan.scale_set_id}/manualupgrade",
        attempts=sent,
    )


def _next_batch(planned: Sequence[tuple[str, ...]], number: int, scale_set: ScaleSet) -> tuple[str, ...] | None:
    """The planned batches in order; then each instance that no plan knew and that is behind, alone; None at the end."""
    if number < len(planned):
        return planned[number]
    known = {one for batch in planned for one in batch}
    behind = (one.id for one in scale_set.instances or () if one.id not in known and not one.latest_model)
    newcomer = next(behind, None)
    return None if newcomer is None else (newcomer,)


def _look(run: Run, stage: Stage) -> ScaleSet:
    assert stage.instances is not None
    parts = (Part.CLUSTER, Part.SCALE_SETS, Part.INSTANCES, Part.RUNTIME)
    observation = run.look(parts, frozenset({stage.instances.scale_set_id}))
    found = observation.scale_set(stage.instances.scale_set_id)
    if found is None or found.instances is None:
        why = observation.why_unread(stage.instances.scale_set_id) or "it was not seen"
        raise ConvergenceError(
            "NotConverged",
            f"Stage {stage.id}: the instances of {stage.instances.scale_set_id} cannot be listed ({why}).",
            stage=stage.id,
        )
    cluster = judge_cluster(observation)
    if cluster.state == "failed":
        raise ConvergenceError("WentToFailed", f"Stage {stage.id}: {cluster.message}", stage=stage.id)
    return found


def _await_idle(run: Run, stage: Stage, batch: tuple[str, ...], scale_set: ScaleSet, until_utc: datetime) -> ScaleSet:
    """Wait until none of these instances is at work: an earlier run may have told it already, and was killed then."""
    while True:
        busy = [
            one.name or one.id
            for one in scale_set.instances or ()
            if one.id in batch and not one.latest_model and (one.provisioning_state or "").lower() in _AT_WORK
        ]
        if not busy:
            return scale_set
        if run.now() >= until_utc:
            raise ConvergenceError(
                "NotConverged",
                f"Stage {stage.id}: still at work: {', '.join(busy)}. Run the same command again: it goes on here.",
                stage=stage.id,
                open_gates=busy,
            )
        run.tell("waiting", stage=stage.id, seconds=_LOOK_S, why=f"{', '.join(busy)} at work already")
        run.sleep(_LOOK_S)
        scale_set = _look(run, stage)


def _await_batch(run: Run, stage: Stage, batch: tuple[str, ...], until_utc: datetime) -> None:
    """Wait until these instances run with the newest model, succeeded, and the cluster is at rest."""
    while True:
        scale_set = _look(run, stage)
        waiting = [one for one in scale_set.instances or () if one.id in batch and not _is_done(one)]
        failed = [one for one in waiting if (one.provisioning_state or "").lower() in ("failed", "canceled")]
        if failed:
            names = ", ".join(one.name or one.id for one in failed)
            raise ConvergenceError(
                "WentToFailed",
                f"Stage {stage.id}: the update of {names} failed; the batches after it were not touched.",
                stage=stage.id,
            )
        cluster = judge_cluster(run.look())
        if not waiting and cluster.state == "current":
            return
        if run.now() >= until_utc:
            names = ", ".join(one.name or one.id for one in waiting) or cluster.message
            raise ConvergenceError(
                "NotConverged",
                f"Stage {stage.id}: not done in time: {names}. Run the same command again: it goes on here.",
                stage=stage.id,
                open_gates=[one.name or one.id for one in waiting] or [cluster.message],
            )
        run.tell("waiting", stage=stage.id, seconds=_LOOK_S, why=f"{len(waiting)} instances are behind or at work")
        run.sleep(_LOOK_S)


def _is_done(instance: Instance) -> bool:
    extensions = all(one.state == "succeeded" for one in instance.extensions)
    return bool(instance.latest_model) and (instance.provisioning_state or "").lower() == "succeeded" and extensions
