"""When do the gates of a stage open? Look, judge, wait by the Clock port, until a deadline. Floor 5.

Only open gates are looked at again; once none is open, all of them must hold in one last look together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sfcert.converge.gates import GATE_KINDS, judge_gate
from sfcert.converge.reasons import verdict
from sfcert.errors import ConvergenceError, RefusedError
from sfcert.model.observation import Observation
from sfcert.model.plan import Gate, Stage
from sfcert.model.progress import GateVerdict
from sfcert.sources.live import Part
from sfcert.workflows.own_attempt import Attempt, forgiven
from sfcert.workflows.run import Run

#: What has to be read again for a gate of each kind.
PARTS: dict[str, tuple[Part, ...]] = {
    # the cluster's own word counts too: an old one that it is rolling would never open the gate
    "cluster-at-rest": (Part.CLUSTER, Part.RUNTIME),
    "cluster-declares": (Part.CLUSTER,),
    "renewal-frozen": (Part.CERTIFICATES,),
    "renewal-as": (Part.CERTIFICATES,),
    "newest-version-is": (Part.CERTIFICATES,),
    "certificate-enrolled": (Part.CERTIFICATES,),
    "remaining-life-at-least": (Part.CERTIFICATES,),
    "identity-exists": (Part.IDENTITIES,),
    "access-granted": (Part.IDENTITIES, Part.VAULT_RESOURCES, Part.ROLES),
    "time-passed": (),
    "instances-current": (Part.SCALE_SETS, Part.INSTANCES),
    "extension-succeeded": (Part.SCALE_SETS, Part.INSTANCES),
    "other-extensions-succeeded": (Part.SCALE_SETS, Part.INSTANCES),
    "certificate-on-nodes": (Part.SCALE_SETS, Part.INSTANCES),
    "extension-declares": (Part.SCALE_SETS,),
    "secrets-are": (Part.SCALE_SETS,),
    # a handshake of an earlier look would win over the health event of this one
    "nodes-present": (Part.RUNTIME, Part.TLS),
    "manifest-declares": (Part.RUNTIME,),
    "clients-let-in": (Part.RUNTIME,),
    "nodes-serve": (Part.RUNTIME, Part.TLS),
    "cluster-reached": (Part.CLUSTER,),
    "settings-are": (Part.CLUSTER,),
    "newest-version-fits": (Part.CERTIFICATES,),
}
assert PARTS.keys() == GATE_KINDS.keys()
#: What the plan relies on: where one of these fails, the plan no longer fits the world.
RELIED_ON = frozenset({"newest-version-is", "renewal-frozen", "remaining-life-at-least"})
#: For so long after a stage's write, what reads as failed may be an echo of the state before it.
ECHO_S = 120.0
_SHORTEST_WAIT_S = 5.0
_DEFAULT_WAIT_S = 15.0
_RETRY_AFTER_CAP_S = 120.0
_ACCEPTANCE = "arm-evidence-only"


def look_at(
    run: Run, gates: Sequence[Gate], *, started_utc: datetime | None, done_utc: datetime | None
) -> tuple[GateVerdict, ...]:
    """One look at some gates, in their order, with what they need read now."""
    parts = {part for gate in gates for part in PARTS[gate.kind]}
    observation = run.look(sorted(parts), frozenset(gate.subject for gate in gates))
    return judge_all(run, gates, observation, started_utc=started_utc, done_utc=done_utc)


def judge_all(
    run: Run,
    gates: Sequence[Gate],
    observation: Observation,
    *,
    started_utc: datetime | None,
    done_utc: datetime | None,
) -> tuple[GateVerdict, ...]:
    """The verdicts of one look. What could not be looked at passes only where the plan accepted that."""
    evidence, now = run.evidence(observation), run.now()
    found = []
    for gate in gates:
        one = judge_gate(
            gate, observation, now=now, evidence=evidence, stage_started_utc=started_utc, stage_done_utc=done_utc
        )
        if one.reason == "NotLooked" and _ACCEPTANCE in run.accepted:
            one = verdict(gate.id, "passed", "AcceptedOnArmEvidence", f"{one.message} Accepted: {_ACCEPTANCE}.")
        found.append(one)
    return tuple(found)


def await_gates(
    run: Run,
    stage: Stage,
    gates: Sequence[Gate],
    *,
    until_utc: datetime,
    started_utc: datetime | None,
    done_utc: datetime | None,
    attempt: Attempt = "none",
) -> None:
    """Return once all gates have passed in one look.

    Args:
        attempt: what became of the stage's last one. What that left on the stage's own resource counts as passed:
            what is to be sent again is that very change.

    Raises:
        RefusedError: PlanStale, where what the plan relies on has moved.
        ConvergenceError: WentToFailed (seen failed in two looks in a row, later than two minutes after the write: what
            is seen before may be an echo of the state before it), NotConverged (the deadline, or a gate that cannot be
            looked at at all).

    Effects: reads; sleeps by the Clock port.
    """
    pending: list[Gate] = list(gates)
    told: dict[str, GateVerdict] = {}
    failed_before: set[str] = set()
    since = run.now()
    while True:
        seen = look_at(run, pending, started_utc=started_utc, done_utc=done_utc)
        verdicts = tuple(forgiven(one, gate, stage, attempt) for gate, one in zip(pending, seen, strict=True))
        _tell(run, stage, pending, verdicts, told)
        open_ones = [(gate, one) for gate, one in zip(pending, verdicts, strict=True) if one.state != "passed"]
        if not open_ones:
            if len(pending) == len(gates):
                return
            pending = list(gates)
            continue
        _stop_if_blind(run, stage, open_ones, since)
        now = run.now()
        is_echo = done_utc is not None and (now - done_utc).total_seconds() < ECHO_S
        is_sent = done_utc is not None
        failed_before = set() if is_echo else _stop_if_failed(run, stage, open_ones, failed_before, since, is_sent)
        if now >= until_utc:
            raise _not_converged(stage, open_ones, (now - since).total_seconds(), "The time for this stage is over.")
        wait = min(_wait_s(run, [one for _, one in open_ones]), max(1.0, (until_utc - now).total_seconds()))
        if is_echo and any(one.state == "failed" for _, one in open_ones):
            wait = min(wait, _DEFAULT_WAIT_S)
        run.tell("waiting", stage=stage.id, seconds=round(wait, 1), why=open_ones[0][1].message)
        run.sleep(wait)
        pending = [gate for gate, _ in open_ones]


def _tell(
    run: Run, stage: Stage, gates: Sequence[Gate], verdicts: Sequence[GateVerdict], told: dict[str, GateVerdict]
) -> None:
    for gate, found in zip(gates, verdicts, strict=True):
        before = told.get(gate.id)
        if before is None or (before.state, before.reason, before.message) != (
            found.state,
            found.reason,
            found.message,
        ):
            told[gate.id] = found
            run.tell(
                "gate",
                stage=stage.id,
                gate=gate.id,
                kind=gate.kind,
                level=gate.level,
                state=found.state,
                reason=found.reason,
                message=found.message,
            )


def _wait_s(run: Run, verdicts: Sequence[GateVerdict]) -> float:
    hints = [one.look_again_s for one in verdicts if one.look_again_s is not None]
    wait = min(hints, default=_DEFAULT_WAIT_S)
    asked = run.ports.arm.retry_after_s()
    if asked is not None:
        wait = max(wait, min(asked, _RETRY_AFTER_CAP_S))
    return max(wait, _SHORTEST_WAIT_S)


def _stop_if_blind(run: Run, stage: Stage, found: Sequence[tuple[Gate, GateVerdict]], since: datetime) -> None:
    if any(one.reason == "NotLooked" for _, one in found) and all(
        one.reason == "NotLooked" for _, one in found if one.state != "open"
    ):
        waiting = [one for _, one in found if one.reason != "NotLooked"]
        if not waiting:
            hint = (
                "The nodes were not looked at. Give --sf-client-certificate or --sf-aad and run again, or plan with"
                f" --accept {_ACCEPTANCE}."
            )
            raise _not_converged(stage, found, (run.now() - since).total_seconds(), hint)


def _stop_if_failed(
    run: Run,
    stage: Stage,
    found: Sequence[tuple[Gate, GateVerdict]],
    before: set[str],
    since: datetime,
    is_sent: bool,
) -> set[str]:
    failed = [(gate, one) for gate, one in found if one.state == "failed"]
    twice = [(gate, one) for gate, one in failed if gate.id in before]
    moved = [one for gate, one in twice if gate.kind in RELIED_ON]
    if moved:
        raise RefusedError(
            "PlanStale",
            f"What stage {stage.id} relies on has moved since the plan was made.",
            evidence=[one.message for one in moved],
            override=("It was sent before that was seen." if is_sent else "Nothing was sent for it.")
            + " Look at the vault, then plan again.",
        )
    if twice:
        raise ConvergenceError(
            "WentToFailed",
            f"Stage {stage.id}: {twice[0][1].message} Mend it, then run the same command again: it goes on here.",
            stage=stage.id,
            open_gates=[f"{gate.id}: {one.message}" for gate, one in found],
            elapsed_s=(run.now() - since).total_seconds(),
        )
    return {gate.id for gate, _ in failed}


def _not_converged(
    stage: Stage, found: Sequence[tuple[Gate, GateVerdict]], elapsed_s: float, why: str
) -> ConvergenceError:
    return ConvergenceError(
        "NotConverged",
        f"Stage {stage.id} has not converged. {why} Run the same command again: it goes on here.",
        stage=stage.id,
        open_gates=[f"{gate.id}: {one.message}" for gate, one in found],
        elapsed_s=elapsed_s,
    )


def deadline_of(stage: Stage, started_utc: datetime) -> datetime:
    """When the stage has to be done, counted from this run's own start of it: a resumed run gets the whole time."""
    return started_utc + timedelta(seconds=stage.deadline.seconds)
