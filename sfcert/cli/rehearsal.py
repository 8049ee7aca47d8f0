"""Does a plan come through on a twin? Carries it out there, in virtual time, and tells what was seen.

A run that ends early is taken up again, as its operator would with the same command, after a while and a few times.
Everything comes from the bundle, the plan and the seed: no Azure is touched, no wall clock is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sfcert.cli.rehearsed_authority import PlayedAuthority
from sfcert.cli.twin import Twin
from sfcert.errors import ConvergenceError, InputError, RefusedError, RemoteError, SfcertError
from sfcert.model.bundle import Bundle
from sfcert.model.codec import to_plain
from sfcert.model.ids import same_id
from sfcert.model.plan import Plan
from sfcert.model.progress import Event
from sfcert.model.rehearsal import Hardship, RefusedConnection, Rehearsal, RehearsalRun, Setback
from sfcert.planning.expectations import holds
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.workflows.apply import Question, apply
from sfcert.workflows.binding import operation_of

_ATTEMPTS = 8
_PAUSE_S = 1800.0
#: So long the world goes on after the last stage: two looks of every node's certificate monitor.
_AFTERMATH_S = 2 * 3600.0


def rehearse(
    plan: Plan,
    bundle: Bundle,
    *,
    faults: Hardship = "none",
    seed: int = 1,
    runs: int = 1,
    progress: Callable[[RehearsalRun], None] = lambda run: None,
) -> Rehearsal:
    """Carry out a plan on a twin of the captured cluster, `runs` times with seeds from `seed` on.

    Raises:
        InputError: BundleNotOfPlan; PlanNotAppliable.
        RefusedError: PlanBlocked; PlanStale, where the bundle shows another world than the one planned for.

    Effects: none outside this process.
    """
    _check(plan, bundle)
    document = to_plain(bundle)
    done: list[RehearsalRun] = []
    left_open: tuple[str, ...] = ()
    for number in range(seed, seed + runs):
        twin = Twin(document, seed=number, faults=faults, not_before_utc=plan.planned_for_utc)
        left_open = twin.left_open
        player = PlayedAuthority(plan, bundle, twin) if operation_of(plan) is not None else None
        if player is not None:
            left_open = (*left_open, player.left_open)
        done.append(_run(plan, twin, number, player))
        progress(done[-1])
    return Rehearsal(
        digest=plan.digest,
        cluster_id=plan.cluster_id,
        faults=faults,
        stages=len(plan.stages),
        runs=tuple(done),
        verdict="held" if all(run.held for run in done) else "broke",
        left_open=left_open,
    )


def _check(plan: Plan, bundle: Bundle) -> None:
    if not same_id(plan.cluster_id, bundle.cluster_id):
        raise InputError(
            "BundleNotOfPlan",
            f"The plan is for {plan.cluster_id}, the bundle shows {bundle.cluster_id}. Give the bundle that the plan"
            " was made from.",
        )
    met: set[str] = set()
    moved: list[str] = []
    for stage in plan.stages:
        for expected in stage.expects:
            key = expected.resource.rstrip("/").lower()
            if key in met:
                continue
            met.add(key)
            raw = next((one for name, one in bundle.resources.items() if same_id(name, expected.resource)), None)
            if raw is not None and not holds(expected, raw.body):
                moved.append(f"{expected.resource} is not what stage {stage.id} was planned for")
    if moved:
        raise RefusedError(
            "PlanStale",
            "The bundle shows another world than the one that the plan was made for.",
            evidence=moved,
            override="Give the bundle that the plan was made from, or plan again from this one.",
        )


class _Notes:
    """What a run tells, gathered by stage."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self.began: list[tuple[str, datetime]] = []
        self.done: list[str] = []
        self.setbacks: list[Setback] = []
        self.retries: list[str] = []

    def __call__(self, event: Event) -> None:
        if event.type == "stage-started":
            self.began.append((str(event.data["stage"]), event.at_utc))
            self._twin.hardships.stage_began()
        elif event.type in ("stage-done", "stage-skipped") and event.data["stage"] not in self.done:
            self.done.append(str(event.data["stage"]))

    @property
    def stage(self) -> str | None:
        return self.began[-1][0] if self.began else None


def _run(plan: Plan, twin: Twin, seed: int, player: PlayedAuthority | None) -> RehearsalRun:
    notes = _Notes(twin)

    def confirm(question: Question) -> bool:
        if question.kind == "manual":
            twin.by_hand(plan.stage(question.stage))
        return True

    ports = twin.ports(notes.retries.append)
    reached = False
    open_gates: tuple[str, ...] = ()
    for attempt in range(_ATTEMPTS):
        if attempt:
            ports.clock.sleep(_PAUSE_S)
        try:
            apply(
                player.plan if player is not None else plan,
                ports,
                confirm=confirm,
                emit=notes,
                plan_name="PLAN",
                enrolments=player.means if player is not None else None,
                instead=player.instead if player is not None else None,
            )
        except (InputError, RefusedError) as error:
            if error.token in ("PlanNotAppliable", "PlanBlocked"):
                raise
            open_gates = _gates_of(error)
            notes.setbacks.append(_setback(error, notes, twin))
            if error.token not in ("AnotherRunActive", "ForeignChange"):
                break
        except (ConvergenceError, RemoteError) as error:
            open_gates = _gates_of(error)
            notes.setbacks.append(_setback(error, notes, twin))
        else:
            reached, open_gates = True, ()
            break
    hours = (twin.azure.clock.now - twin.began_utc) / timedelta(hours=1)
    twin.azure.clock.advance(_AFTERMATH_S)
    cluster = twin.azure.service("clusters", Clusters).get(twin.cluster_id)
    return RehearsalRun(
        seed=seed,
        reading="single" if twin.hardships.reading == "single" else "phases",
        reached_the_end=reached,
        stages_done=tuple(notes.done),
        hours=round(hours, 1),
        refused=_refusals(twin, notes),
        open_gates=open_gates,
        setbacks=tuple(notes.setbacks),
        retries=tuple(notes.retries),
        hardships=tuple(twin.hardships.told),
        quorum_lost=cluster is None or cluster.down,
    )


def _gates_of(error: SfcertError) -> tuple[str, ...]:
    return tuple(error.open_gates) if isinstance(error, ConvergenceError) else ()


def _setback(error: SfcertError, notes: _Notes, twin: Twin) -> Setback:
    message = error.message.splitlines()[0]
    return Setback(at_utc=twin.azure.clock.now, stage=notes.stage, token=error.token, message=message)


def _refusals(twin: Twin, notes: _Notes) -> tuple[RefusedConnection, ...]:
    return tuple(
        RefusedConnection(
            at_utc=one.at,
            stage=next((stage for stage, began in reversed(notes.began) if began <= one.at), None),
            caller=one.caller,
            refuser=one.refuser,
            presented=one.thumbprint,
            why=one.reason,
        )
        for one in twin.azure.journal.refusals
    )
