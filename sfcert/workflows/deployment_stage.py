"""How is a deployment sent once, and only once? Floor 5.

    record under the stage's name      the live resources                       what is done
    (a) none                           as the plan expects them                 send
    (b) none                           every change is there already            nothing: it was done before
    (c) none                           neither                                  stale
    (d) running                        -                                        wait for it
    (e) succeeded                      its changes are there                    nothing: look at the gates
    (e') succeeded                     one is again as it was before            stale: somebody undid it
    (f) failed, canceled               each as expected, or changed already     send again, counted
    (g) a send whose answer was lost   -                                        look for the record, then as above

Source: design, Applying; ARM: a second PUT of a deployment's name replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from sfcert import dated
from sfcert.errors import ConvergenceError, RefusedError, RemoteError
from sfcert.model.base import Value
from sfcert.model.ids import parse_resource_id, same_id
from sfcert.model.plan import Deployment, Stage
from sfcert.model.progress import Applied
from sfcert.workflows.own_attempt import Attempt
from sfcert.workflows.run import Run
from sfcert.workflows.stale import fetch_body, foreign_changes, is_already_so, moved_since, refuse_stale

Json = dict[str, Any]
How = Literal["sent", "attached", "already-done"]
_FAILED = frozenset({"failed", "canceled"})
_POLL_S = 15.0
_LONGEST_POLL_S = 60.0
_LOST_LOOKS_S = (5.0, 15.0, 30.0)
_SENDS = 5


class Deployed(Value):
    """How a deployment stage came to be done; `done_utc` by the record where it tells one."""

    how: How
    applied: Applied | None
    done_utc: datetime


def state_of(record: Json | None) -> str | None:
    """A deployment's provisioning state in lower case; None where there is no record."""
    if record is None:
        return None
    return str((record.get("properties") or {}).get("provisioningState") or "unknown").lower()


def deploy(run: Run, stage: Stage, *, until_utc: datetime, before_write: Callable[[Attempt], None]) -> Deployed:
    """Carry out a deployment stage up to Azure's own end of it; gates are not looked at here.

    Args:
        before_write: called once before anything is sent (gates in, confirmation), with what became of the attempt
            before this one.

    Raises:
        RefusedError: PlanStale, ForeignChange.
        RemoteError: DeploymentFailed with the provider's messages, or a call failed.
        ConvergenceError: NotConverged, the deadline passed while it ran.

    Effects: at most one accepted deployment.
    """
    deployment = stage.deployment
    assert deployment is not None
    record = run.ports.arm.fetch_deployment(stage.scope, deployment.name)
    state = state_of(record)
    if state == "succeeded":
        _refuse_undone(run, stage)
        return Deployed(how="attached", applied=None, done_utc=_ended(record, run.now()))
    if state is not None and state not in _FAILED:
        run.tell("stage-attached", stage=stage.id, operation=deployment.name, state=state)
        record = _await(run, stage, deployment, until_utc)
        return Deployed(how="attached", applied=None, done_utc=_ended(record, run.now()))
    before = _bodies(run, stage)
    arrived = [one for one, body in before.items() if is_already_so(stage, one, body)]
    attempt: Attempt = "none"
    if state is not None:
        attempt = "half-done" if arrived else "failed"
    elif len(arrived) == len(before):
        return Deployed(how="already-done", applied=None, done_utc=run.now())
    refuse_stale(run, stage, spared=arrived if attempt == "half-done" else ())
    before_write(attempt)
    attempts = 1 if attempt == "none" else 2
    sent_at = run.now()
    retries = _send(run, stage, deployment, failed=record)
    run.tell("stage-sent", stage=stage.id, operation=deployment.name, attempt=attempts)
    record = _await(run, stage, deployment, until_utc)
    _refuse_foreign(run, stage, before)
    applied = Applied(
        stage=stage.id,
        kind=stage.kind,
        sent_at_utc=sent_at,
        operation=f"{stage.scope}/providers/Microsoft.Resources/deployments/{deployment.name}",
        attempts=attempts,
        retries=tuple(retries),
    )
    return Deployed(how="sent", applied=applied, done_utc=run.now())


def _refuse_undone(run: Run, stage: Stage) -> None:
    """A name that succeeded is never sent again; where its work was undone since, only a new plan helps."""
    if not stage.changes or not stage.expects:
        return
    for resource_id, body in _bodies(run, stage).items():
        others = [one.resource for one in stage.expects if not same_id(one.resource, resource_id)]
        if not is_already_so(stage, resource_id, body) and not moved_since(run, stage, spared=others):
            raise RefusedError(
                "PlanStale",
                f"Stage {stage.id} succeeded once, but {resource_id} is again as it was before it.",
                override="Find out who undid it, then plan again.",
            )


def _bodies(run: Run, stage: Stage) -> dict[str, Json | None]:
    """What each resource that the stage touches looks like now. Effects: one read for each."""
    return {one: fetch_body(run, one, _api_version(stage, one)) for one in stage.touched}


def _api_version(stage: Stage, resource_id: str) -> str:
    expected = next((one.api_version for one in stage.expects if same_id(one.resource, resource_id)), None)
    return expected or dated.api_version(parse_resource_id(resource_id).type)


def _send(run: Run, stage: Stage, deployment: Deployment, *, failed: Json | None) -> list[str]:
    """Send until it is known to have been accepted. Returns the passing failures met, one line each."""
    met: list[str] = []
    old = _stamp(failed)
    while True:
        try:
            run.step(
                stage,
                "deploy",
                lambda: run.ports.arm.start_deployment(
                    stage.scope, deployment.name, deployment.template, deployment.parameters
                ),
            )
            return met
        except RemoteError as error:
            is_active = (error.remote_code or "").lower() == "deploymentactive"
            if not is_active and (not error.transient or error.token == "RetriesExhausted"):
                raise
            met.append(error.message)
            run.tell("retry", stage=stage.id, what=error.message)
            if is_active or _arrived(run, stage, deployment, old):
                return met
            if len(met) >= _SENDS:
                raise


def _arrived(run: Run, stage: Stage, deployment: Deployment, old: str | None) -> bool:
    """Whether a send whose answer was lost has been accepted all the same; looked for a few times, as what Azure
    shows may lag behind."""
    for pause in _LOST_LOOKS_S:
        run.sleep(pause)
        record = run.ports.arm.fetch_deployment(stage.scope, deployment.name)
        if record is not None and (_stamp(record) != old or state_of(record) not in _FAILED):
            return True
    return False


def _stamp(record: Json | None) -> str | None:
    properties = (record or {}).get("properties") or {}
    found = properties.get("correlationId") or properties.get("timestamp")
    return str(found) if found else None


def _await(run: Run, stage: Stage, deployment: Deployment, until_utc: datetime) -> Json:
    wait = _POLL_S
    while True:
        record = run.ports.arm.fetch_deployment(stage.scope, deployment.name)
        state = state_of(record)
        if state == "succeeded" and record is not None:
            return record
        if state in _FAILED:
            raise _failed(run, stage, deployment, record or {})
        now = run.now()
        if now >= until_utc:
            raise ConvergenceError(
                "NotConverged",
                f"Stage {stage.id}: the deployment {deployment.name} is still {state or 'not to be seen'} after"
                f" {stage.deadline.seconds} s. Run the same command again: it goes on waiting for it.",
                stage=stage.id,
                open_gates=[f"deployment {deployment.name}: {state or 'not to be seen'}"],
            )
        asked = run.ports.arm.retry_after_s()
        pause = min(max(wait, asked or 0.0), _LONGEST_POLL_S)
        run.tell("waiting", stage=stage.id, seconds=pause, why=f"deployment {deployment.name} is {state}")
        run.sleep(pause)
        wait = min(wait * 1.5, _LONGEST_POLL_S)


def _failed(run: Run, stage: Stage, deployment: Deployment, record: Json) -> RemoteError:
    properties = record.get("properties") or {}
    lines = _messages(properties.get("error"))
    lines += _operation_messages(run, stage.scope, deployment.name, 0)
    unique = list(dict.fromkeys(lines)) or ["Azure gave no reason."]
    error = properties.get("error") or {}
    return RemoteError(
        "DeploymentFailed",
        f"Stage {stage.id}: the deployment {deployment.name} ended as {state_of(record)}."
        + "".join(f"\n  {line}" for line in unique[:12])
        + "\nMend the cause, then run the same command again: it is sent once more and counted.",
        service="Azure Resource Manager",
        operation=f"deployment {deployment.name}",
        remote_code=str(error.get("code")) if error.get("code") else None,
        correlation_id=str(properties.get("correlationId") or "") or None,
        transient=None,
    )


def _operation_messages(run: Run, scope: str, name: str, depth: int) -> list[str]:
    """What failed inside a deployment, nested ones included."""
    lines: list[str] = []
    try:
        operations = run.ports.arm.fetch_deployment_operations(scope, name)
    except RemoteError as error:
        return [f"(its operations could not be read: {error.message})"]
    for one in operations:
        properties = one.get("properties") or {}
        if str(properties.get("provisioningState") or "").lower() not in _FAILED:
            continue
        target = properties.get("targetResource") or {}
        said = _messages((properties.get("statusMessage") or {}).get("error") or properties.get("statusMessage"))
        lines += [f"{target.get('resourceName') or '?'}: {line}" for line in said]
        nested = str(target.get("resourceType") or "").lower() == "microsoft.resources/deployments"
        if nested and depth < 3 and isinstance(target.get("id"), str):
            parsed = parse_resource_id(target["id"])
            lines += _operation_messages(run, parsed.scope, parsed.name, depth + 1)
    return lines


def _messages(error: Any) -> list[str]:
    """Code and message of an error and of everything nested in it, the innermost last."""
    if isinstance(error, str):
        return [error]
    if not isinstance(error, dict):
        return []
    own = ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
    return ([own] if own else []) + [line for detail in error.get("details") or () for line in _messages(detail)]


def _ended(record: Json | None, now: datetime) -> datetime:
    """When the record says that it ended, never later than now: clocks differ."""
    text = ((record or {}).get("properties") or {}).get("timestamp")
    try:
        head = str(text).rstrip("Z").split(".")[0]
        parsed = datetime.fromisoformat(head)
    except ValueError:
        return now
    parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return min(parsed, now)


def _refuse_foreign(run: Run, stage: Stage, bodies: Mapping[str, Json | None]) -> None:
    for resource_id, after in _bodies(run, stage).items():
        before = bodies[resource_id]
        if before is None or after is None:
            continue
        harmful, noted = foreign_changes(stage, resource_id, before, after)
        if noted:
            run.tell("noted", stage=stage.id, message="Also new since the write: " + "; ".join(noted[:8]))
        if harmful:
            raise RefusedError(
                "ForeignChange",
                f"After stage {stage.id} something that it does not own reads differently on {resource_id}.",
                evidence=harmful[:20],
                override="Look at it before going on; then plan again.",
            )
