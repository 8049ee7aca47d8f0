"""How is a plan applied? Its stages in order, each read, compared, written, looked at. Floor 5.

There is no state of its own: what is done is told by Azure (deployments by their names, policies, bodies, gates). A
killed run therefore resumes by the same entrance. `run_stage` is one step of a durable engine's loop later; everything
that it sends goes through `Run.step`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from sfcert.errors import InputError, RefusedError, SfcertError
from sfcert.model.base import Value
from sfcert.model.plan import Plan, Stage
from sfcert.model.progress import Applied
from sfcert.ports import Ports
from sfcert.workflows.binding import fetch_binding
from sfcert.workflows.deployment_stage import deploy
from sfcert.workflows.enrol_stage import enrol_stage, refuse_unready_issuer
from sfcert.workflows.events import Emit
from sfcert.workflows.instances_stage import upgrade_instances
from sfcert.workflows.lock import refuse_other_runs
from sfcert.workflows.own_attempt import Attempt
from sfcert.workflows.run import Enrolments, Run, Steps, directly, options_of
from sfcert.workflows.stopping import Stop, stop_of
from sfcert.workflows.vault_stage import change_policy
from sfcert.workflows.waiting import await_gates, deadline_of

How = Literal["sent", "attached", "already-done", "waited", "by-hand", "done-before"]


class Question(Value):
    """What a person is asked. `kind` run: once before the first write; the others for one stage each."""

    kind: Literal["run", "point-of-no-return", "manual"]
    stage: str
    text: str


Confirm = Callable[[Question], bool]


class StageRecord(Value):
    """How one stage came to be done."""

    stage: str
    how: How
    applied: Applied | None
    started_utc: datetime
    done_utc: datetime


class Outcome(Value):
    """What a run did. `complete`: every stage of the plan is done and seen; else it paused after `until`."""

    digest: str
    stages: tuple[StageRecord, ...]
    complete: bool
    stop: Stop


def apply(
    plan: Plan,
    ports: Ports,
    *,
    confirm: Confirm,
    emit: Emit,
    until: str | None = None,
    plan_name: str = "PLAN",
    steps: Steps = directly,
    enrolments: Enrolments | None = None,
    instead: Mapping[str, str] | None = None,
) -> Outcome:
    """Carry out a plan, or go on with it.

    Args:
        until: the last stage to do, by id; None: all. Nothing is begun where an earlier run went past it.
        confirm: asked before the first write and before every point of no return; False: exit 6.
        plan_name: how the plan is called on the command line, for the way to go on.
        steps: carries out effects; the durable engine's seam.
        enrolments: what an enrolment of the plan works with; None where the plan has none.
        instead: on a twin, what is there -> what the plan was made for; the plan given says what is there.

    Raises:
        InputError: PlanNotAppliable, StageUnknown.
        RefusedError: PlanBlocked, PlanStale, ApprovalMissing, AnotherRunActive, ForeignChange, GateRefused,
            PendingForeign.
        RemoteError: a call failed, DeploymentFailed.
        ConvergenceError: NotConverged, WentToFailed.
        KeyboardInterrupt: passes, after the way to go on was told.

    Effects: the plan's writes, each at most once; event `run-stopped` on every early end.
    """
    refuse_unfit(plan, until)
    run = Run(plan.cluster_id, ports, emit, plan=plan, options=options_of(plan), steps=steps)
    run.enrolments, run.instead, run.plan_name = enrolments, dict(instead or {}), plan_name
    records: list[StageRecord] = []
    asked = _Asked(confirm)
    try:
        run.tell("run-started", digest=plan.digest, cluster_id=plan.cluster_id, stages=[one.id for one in plan.stages])
        refuse_other_runs(run)
        run.binding = fetch_binding(plan, ports.vaults)
        refuse_unready_issuer(run)
        reached = _reached(run)
        # a run may have gone past `until` before: what it did is counted, and nothing more is begun
        last = len(plan.stages) if until is None else [one.id for one in plan.stages].index(until) + 1
        for number, stage in enumerate(plan.stages[: max(last, reached - 1)], 1):
            if number < reached:
                records.append(_done_before(run, stage))
                continue
            run.tell(
                "stage-started",
                stage=stage.id,
                action=stage.action,
                reason=stage.reason,
                number=number,
                of=len(plan.stages),
            )
            records.append(run_stage(run.bound(stage), run, asked))
        if len(records) < len(plan.stages):
            stop = stop_of(plan, {one.stage for one in records}, plan_name)
            run.tell(
                "run-paused",
                after=records[-1].stage,
                until=until,
                is_past=last < reached,
                next=stop.next_stage,
                text=stop.text,
                go_on=stop.go_on,
            )
            return Outcome(digest=plan.digest, stages=tuple(records), complete=False, stop=stop)
    except BaseException as error:  # also Ctrl-C: every end while frozen says so; it always flies on
        token = error.token if isinstance(error, SfcertError) else None
        stop = stop_of(plan, {one.stage for one in records}, plan_name, begun=asked.begun, token=token)
        _tell_stop(run, error, stop)
        raise
    stop = stop_of(plan, {one.stage for one in records}, plan_name)
    run.tell("run-done", digest=plan.digest, stages=[one.stage for one in records], frozen=list(stop.frozen))
    return Outcome(digest=plan.digest, stages=tuple(records), complete=True, stop=stop)


def _reached(run: Run) -> int:
    """The number of the last stage whose deployment Azure knows of; 0 where there is none.

    It was sent only once everything before it was done. Looking at an earlier stage's state again would mislead: when
    renewal has been resumed, the policy looks as it did before it was frozen.

    Effects: one read for each deployment stage, from the last.
    """
    for number in range(len(run.plan.stages), 0, -1):
        stage = run.plan.stages[number - 1]
        if stage.deployment and run.ports.arm.fetch_deployment(stage.scope, stage.deployment.name) is not None:
            return number
    return 0


def _done_before(run: Run, stage: Stage) -> StageRecord:
    run.tell("stage-skipped", stage=stage.id, why="an earlier run did it: a later stage has been sent")
    now = run.now()
    return StageRecord(stage=stage.id, how="done-before", applied=None, started_utc=now, done_utc=now)


def _tell_stop(run: Run, error: BaseException, stop: Stop) -> None:
    token = error.token if isinstance(error, SfcertError) else type(error).__name__
    message = error.message if isinstance(error, SfcertError) else str(error)
    run.tell(
        "run-stopped",
        token=token,
        message=message,
        frozen=list(stop.frozen),
        safe_until_utc=stop.safe_until_utc,
        go_on=stop.go_on,
        text=stop.text,
    )


def refuse_unfit(plan: Plan, until: str | None) -> None:
    """Raise where this plan is not one to apply. Looks at the plan alone, so it is asked before Azure is.

    Raises:
        InputError: PlanNotAppliable, StageUnknown.
        RefusedError: PlanBlocked.
    """
    if not plan.appliable:
        raise InputError(
            "PlanNotAppliable",
            "This plan was made from an authored template, for review only. Plan from the live cluster or a bundle.",
        )
    if plan.status == "blocked":
        raise RefusedError(
            "PlanBlocked", "This plan is blocked; nothing was sent.", evidence=plan.blocked_by or ("no reason given",)
        )
    if plan.stages and plan.proof.verdict != "proved":
        raise RefusedError("PlanBlocked", f"The proof of this plan is {plan.proof.verdict}; nothing was sent.")
    if until is not None and plan.stage(until) is None:
        known = ", ".join(stage.id for stage in plan.stages)
        raise InputError("StageUnknown", f"The plan has no stage {until!r}. It has: {known}.")


class _Asked:
    """Asks once for the run, and once for each point of no return."""

    def __init__(self, confirm: Confirm) -> None:
        self._confirm = confirm
        self._has_run = False
        #: Stages that this run has begun to write, or has found written.
        self.begun: set[str] = set()

    def before(self, stage: Stage) -> None:
        if not self._has_run:
            self._ask(Question(kind="run", stage=stage.id, text=f"Apply the plan from stage {stage.id} on?"))
            self._has_run = True
        if stage.is_point_of_no_return:
            text = f"Stage {stage.id} is a point of no return: {stage.action.rstrip('.')}. Go on?"
            self._ask(Question(kind="point-of-no-return", stage=stage.id, text=text))

    def by_hand(self, stage: Stage) -> None:
        self._ask(Question(kind="manual", stage=stage.id, text=f"Stage {stage.id} is done by hand. Is it done?"))

    def _ask(self, question: Question) -> None:
        if not self._confirm(question):
            raise RefusedError(
                "ApprovalMissing",
                f"{question.text} Nobody said yes.",
                override="Run the same command again and confirm, or give --yes.",
            )


def run_stage(stage: Stage, run: Run, asked: _Asked) -> StageRecord:
    """One stage: gates in, the write (once), gates out.

    A stage whose write Azure shows as done is not sent again, and its gates in, which guard the write, are not asked.
    """
    started = run.now()
    until = deadline_of(stage, started)
    applied: Applied | None = None
    how: How = "waited"
    done = started

    def before_write(attempt: Attempt = "none") -> None:
        gates = list(stage.gates_in)
        if stage.kind == "vault":
            # a policy is not frozen for a certificate that is no longer the one that the plan was made for
            gates += [one for one in stage.gates_out if one.kind == "newest-version-is" and one not in gates]
        await_gates(run, stage, gates, until_utc=until, started_utc=None, done_utc=None, attempt=attempt)
        asked.before(stage)
        asked.begun.add(stage.id)

    match stage.kind:
        case "deployment":
            deployed = deploy(run, stage, until_utc=until, before_write=before_write)
            applied, how, done = deployed.applied, deployed.how, deployed.done_utc
        case "vault":
            written = change_policy(run, stage, before_write)
            done = run.now()
            how = "sent" if written else "already-done"
            if written:
                run.tell("stage-sent", stage=stage.id, operation=written, attempt=1)
                applied = Applied(stage=stage.id, kind=stage.kind, sent_at_utc=started, operation=written, attempts=1)
        case "instances":
            applied = upgrade_instances(run, stage, until_utc=until, before_write=before_write)
            how, done = ("sent" if applied else "already-done"), run.now()
        case "wait":
            await_gates(run, stage, stage.gates_in, until_utc=until, started_utc=None, done_utc=None)
        case "enrol":
            how = enrol_stage(run, stage, until_utc=until, before_write=before_write)
            done = run.now()
        case "manual":
            how = "by-hand"
            run.tell("manual-step", stage=stage.id, steps=[stage.action, *stage.az])
            before_write()
            asked.by_hand(stage)
            done = run.now()
    asked.begun.add(stage.id)
    if how == "already-done":
        run.tell("stage-skipped", stage=stage.id, why="it is already so")
    await_gates(run, stage, stage.gates_out, until_utc=until, started_utc=started, done_utc=done)
    run.tell(
        "stage-done",
        stage=stage.id,
        how=how,
        elapsed_s=round((run.now() - started).total_seconds(), 1),
        safe_to_stop_until_utc=stage.safe_to_stop_until_utc,
    )
    return StageRecord(stage=stage.id, how=how, applied=applied, started_utc=started, done_utc=done)
