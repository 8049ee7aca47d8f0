"""Do the nodes present what is declared? Looked at until they do, or for as long as somebody follows. Floor 5.

Sends nothing. What is waited for: the gates out of one stage of a plan, of the plan's last state, or of what the
cluster itself declares.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sfcert.converge.node_table import NodeTable, node_table
from sfcert.converge.reboot_walk import reboot_walk
from sfcert.errors import ConvergenceError, InputError
from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation
from sfcert.model.plan import EvidenceLevel, Gate, Plan
from sfcert.model.progress import GateVerdict
from sfcert.ports import Ports
from sfcert.sources.live import CaptureOptions, Part, part_of
from sfcert.workflows.binding import fetch_binding
from sfcert.workflows.events import Emit, event
from sfcert.workflows.run import Run, options_of
from sfcert.workflows.waiting import PARTS, judge_all

_FOLLOW_S = 60.0
_SHORTEST_WAIT_S = 5.0
_LONGEST_WAIT_S = 300.0
#: What tells which gates a cluster has: read again as long as some of it was missing.
_REREAD = {Part.SCALE_SETS, Part.INSTANCES, Part.VAULT_RESOURCES, Part.CERTIFICATES}


def gates_of_plan(plan: Plan, stage_id: str | None = None) -> tuple[Gate, ...]:
    """What a plan, or one stage of it, wants to see in the end.

    A whole plan: of each gate kind and subject the last stage's word counts (an earlier one was for a state in
    between); gates about passing time are left out.

    Raises:
        InputError: StageUnknown.
    """
    if stage_id is not None:
        stage = plan.stage(stage_id)
        if stage is None:
            known = ", ".join(one.id for one in plan.stages)
            raise InputError("StageUnknown", f"The plan has no stage {stage_id!r}. It has: {known}.")
        return stage.gates_out
    last: dict[tuple[str, str, str], Gate] = {}
    for stage in plan.stages:
        for gate in stage.gates_out:
            last[(gate.kind, gate.subject.lower(), str(gate.expects.get("name") or ""))] = gate
    has_ended_frozen = not any(key[0] == "renewal-as" for key in last)
    dropped = {"time-passed"} if has_ended_frozen else {"time-passed", "renewal-frozen"}
    return tuple(gate for key, gate in last.items() if key[0] not in dropped)


def gates_of_cluster(observation: Observation) -> tuple[Gate, ...]:
    """What a cluster's own declaration wants to see: at rest, every instance current, its extensions succeeded, and the
    certificate that its declaration selects presented everywhere."""
    cluster = observation.cluster
    gates = [_gate("cluster-at-rest", cluster.id, {}, "The cluster is at rest.")]
    for scale_set in observation.scale_sets:
        name = scale_set.name
        gates.append(_gate("instances-current", scale_set.id, {}, f"Every instance of {name} is current."))
        gates.append(
            _gate("other-extensions-succeeded", scale_set.id, {"except": []}, f"Every extension of {name} succeeded.")
        )
    # What could not be read has a gate as well, which cannot pass: it must not be taken for not being there.
    for unread in observation.unread:
        if part_of(unread.what) is Part.SCALE_SETS and observation.scale_set(unread.what) is None:
            gates.append(_gate("instances-current", unread.what, {}, "Every instance is current."))
    wanted = _due(observation)
    if wanted is not None:
        gates.append(_gate("nodes-present", cluster.id, {"thumbprint": wanted}, f"Nodes present {wanted}.", "runtime"))
    elif cluster.certificate.names or cluster.certificate.thumbprints:
        why = observation.why_unread("vaults/") or observation.why_unread("vault") or "no vault that was read holds it"
        gates.append(_gate("nodes-present", cluster.id, {}, f"{why}.", "runtime"))
    return tuple(gates)


def _is_whole(gates: tuple[Gate, ...]) -> bool:
    """Whether nothing that was to be read for these gates was missing."""
    return all(
        gate.expects.get("thumbprint") if gate.kind == "nodes-present" else gate.subject.startswith("/")
        for gate in gates
    )


def _due(observation: Observation) -> str | None:
    """The thumbprint that nodes ought to present: of the certificate selected among those read, or the only one that
    is declared by thumbprint. None where it cannot be told."""
    found, declared = selected(observation), observation.cluster.certificate
    if found is not None:
        return found.thumbprint
    return declared.thumbprints[0] if len(declared.thumbprints) == 1 and not declared.names else None


def _gate(kind: str, subject: str, expects: dict[str, Any], says: str, level: EvidenceLevel = "arm") -> Gate:
    name = subject.rstrip("/").rsplit("/", 1)[-1]
    return Gate(id=f"{kind}-{name}", kind=kind, level=level, subject=subject, expects=expects, says=says)


def selected(observation: Observation) -> Certificate | None:
    """The certificate that nodes ought to present by the cluster's declaration: of those that fit it and are valid, the
    newest by NotBefore. None where none of them was read."""
    declared, now = observation.cluster.certificate, observation.observed_at_utc
    names = {one.common_name for one in declared.names}
    fitting = [
        one
        for one in _deliverable(observation)
        if (one.thumbprint in declared.thumbprints or one.common_name in names) and one.not_after_utc > now
    ]
    return max(fitting, key=lambda one: one.not_before_utc, default=None)


def _deliverable(observation: Observation) -> list[Certificate]:
    return [
        version.certificate
        for vault in observation.vaults
        for name in vault.certificates or ()
        for version in name.versions
        if version.enabled and version.certificate is not None
    ]


def watch(
    source: Plan | str,
    ports: Ports,
    *,
    emit: Emit,
    stage: str | None = None,
    timeout_s: float | None = None,
    follow: bool = False,
    options: CaptureOptions | None = None,
) -> NodeTable:
    """Look until everything waited for is seen.

    Args:
        source: a plan, or a cluster's resource id.
        stage: one stage of the plan; None: its last state.
        timeout_s: how long; None: for as long as it takes. With `follow` the end of the watch, not a failure.
        follow: go on looking after everything was seen, until interrupted or until the timeout.

    Returns:
        The last table of nodes.

    Raises:
        InputError, RemoteError: as capture.
        ConvergenceError: NotConverged with the open gates; a gate that failed is named among them.

    Effects: reads; sleeps by the Clock port; events `nodes`, `gate`, `waiting`, `manual-step`.
    """
    clock = ports.clock
    began = clock.now()
    if isinstance(source, Plan):
        run = Run(source.cluster_id, ports, emit, plan=source, options=options or options_of(source))
        binding = fetch_binding(source, ports.vaults)
        gates = gates_of_plan(binding.of(source) if binding is not None else source, stage)
    else:
        run = Run(source, ports, emit, options=options or CaptureOptions())
        gates = gates_of_cluster(run.look())
    told: dict[str, GateVerdict] = {}
    pseudo = stage or "watch"
    while True:
        parts = {part for gate in gates for part in PARTS[gate.kind]} | {Part.RUNTIME, Part.TLS}
        is_partial = isinstance(source, str) and not _is_whole(gates)
        observation = run.look(sorted(parts | (_REREAD if is_partial else set())))
        if is_partial:
            gates = gates_of_cluster(observation)
        table = node_table(observation)
        emit(event("nodes", clock.now(), table=table))
        verdicts = judge_all(run, gates, observation, started_utc=began, done_utc=began)
        for gate, found in zip(gates, verdicts, strict=True):
            if told.get(gate.id) != found:
                told[gate.id] = found
                emit(
                    event(
                        "gate",
                        clock.now(),
                        stage=pseudo,
                        gate=gate.id,
                        kind=gate.kind,
                        level=gate.level,
                        state=found.state,
                        reason=found.reason,
                        message=found.message,
                    )
                )
        still = [(gate, one) for gate, one in zip(gates, verdicts, strict=True) if one.state != "passed"]
        if not still and not follow:
            return table
        left = None if timeout_s is None else (began + timedelta(seconds=timeout_s) - clock.now()).total_seconds()
        if left is not None and left <= 0:
            if follow:
                return table
            _tell_walk(observation, table, gates, emit, clock.now())
            raise ConvergenceError(
                "NotConverged",
                f"Not converged within {timeout_s:.0f} s. Run the same command again to go on looking.",
                stage=stage,
                open_gates=[f"{gate.id}: {one.message}" for gate, one in still],
                elapsed_s=timeout_s,
            )
        _stop_if_useless([one for _, one in still], still, follow, stage)
        hints = [one.look_again_s for _, one in still if one.look_again_s is not None]
        wait = _FOLLOW_S if not still else min(max(min(hints, default=_FOLLOW_S), _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
        wait = wait if left is None else max(1.0, min(wait, left))
        emit(
            event("waiting", clock.now(), stage=pseudo, seconds=wait, why=still[0][1].message if still else "following")
        )
        clock.sleep(wait)


def _stop_if_useless(
    verdicts: list[GateVerdict], still: list[tuple[Gate, GateVerdict]], follow: bool, stage: str | None
) -> None:
    """Nothing that is left can be looked at: waiting would only pretend."""
    if verdicts and not follow and all(one.reason == "NotLooked" for one in verdicts):
        raise ConvergenceError(
            "NotConverged",
            "What can be seen holds; the nodes were not looked at. Give --sf-client-certificate or --sf-aad.",
            stage=stage,
            open_gates=[f"{gate.id}: {one.message}" for gate, one in still],
        )


def _tell_walk(observation: Observation, table: NodeTable, gates: tuple[Gate, ...], emit: Emit, now: datetime) -> None:
    present = next((gate for gate in gates if gate.kind == "nodes-present"), None)
    wanted = present.expects.get("thumbprint") if present is not None else None
    if wanted is not None:
        steps = reboot_walk(table, str(wanted), observation.cluster.management_endpoint)
        if steps:
            emit(event("manual-step", now, stage="watch", steps=list(steps)))
