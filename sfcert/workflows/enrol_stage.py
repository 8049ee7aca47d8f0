"""How does a plan's enrolment come to be done, once? Floor 5.

    newest version           open request      what is done
    (a) marked as passed     -                 nothing
    (b) a new one            -                 put to the gate, then marked; refused where it does not pass
    (c) as it was planned    none              asked for, through the gate, then marked
    (d) as it was planned    of an earlier run gone on with
    (e) as it was planned    somebody else's   explained, left alone

The gate is held to this plan: its name, its issuers, the day until which it counts on the certificate. What people have
to sign is waited for until the stage's deadline; the same command goes on waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from sfcert.converge.vault_gates import ENROLLED_TAG
from sfcert.enrol.expectation import Expectation, expectation_of
from sfcert.enrol.reading import is_enabled, latest_version, leaf_of_version, status_of, version_id
from sfcert.errors import ConvergenceError, InputError, RefusedError, SfcertError
from sfcert.model.observation import PinnedName
from sfcert.model.plan import EnrolOperation, Stage
from sfcert.model.progress import Event
from sfcert.pki import read_pem_chain
from sfcert.sources.live import Part
from sfcert.workflows.binding import binding_of, operation_of
from sfcert.workflows.enrolment import enrol, judge_standing
from sfcert.workflows.enrolment.request import Means, Request, failed_remotely
from sfcert.workflows.run import Run
from sfcert.workflows.waiting import ECHO_S

Json = dict[str, Any]
_FIRST_LOOK_S = 15.0
_LONGEST_PAUSE_S = 1800.0


def enrol_stage(
    run: Run, stage: Stage, *, until_utc: datetime, before_write: Callable[[], None]
) -> Literal["sent", "already-done"]:
    """Carry out an enrolment stage. Afterwards the run knows which certificate stands for the plan's stand-in.

    Args:
        before_write: called once before anything is sent (gates in, confirmation).

    Raises:
        InputError: nothing was given to enrol with.
        RefusedError: GateRefused, PendingForeign; PlanStale where the vault has another new version.
        RemoteError: EnrolmentFailed, or a call failed.
        ConvergenceError: NotConverged after the stage's deadline.

    Effects: those of an enrolment, then one tag.
    """
    operation = stage.enrol
    assert operation is not None
    if run.enrolments is None:
        raise InputError("Misuse", f"Stage {stage.id} enrols a certificate; this run was given nothing to do it with.")
    means = run.enrolments(operation, _telling(run, stage))
    body = means.vault.fetch_certificate(operation.vault_url, operation.certificate)
    run.binding = binding_of(operation, body)
    if run.binding is not None:
        return "already-done"
    request = _request(run, operation, until_utc)
    how: Literal["sent", "already-done"] = "already-done"
    if _new_version(operation, body) is None:
        before_write()
        how = "sent"
        run.step(stage, "enrol", lambda: _ask(run, stage, request, means, until_utc))
    _judge_and_mark(run, stage, request, means)
    return how


def refuse_unready_issuer(run: Run) -> None:
    """Raise before the first stage where the plan will ask an issuer that the vault does not know, or one by ACME that
    could not be asked from here.

    Raises:
        InputError: PolicyInvalid, or as an order by ACME. RemoteError: as an order by ACME.

    Effects: reads, where the plan has yet to ask.
    """
    operation = operation_of(run.plan)
    if operation is None or run.binding is not None or run.enrolments is None:
        return
    issuer = operation.policy.issuer
    stage = next(one for one in run.plan.stages if one.enrol is not None)
    if issuer.is_acme:
        _look_ahead(run, stage, operation)
        return
    if not issuer.is_integrated or issuer.provider is not None:
        return
    vault = run.enrolments(operation, _telling(run, stage)).vault
    if vault.fetch_issuer(operation.vault_url, issuer.name) is None:
        raise InputError(
            "PolicyInvalid",
            f"{operation.vault_url} has no issuer {issuer.name!r}, which stage {stage.id} will ask. Create it there, "
            "or name its `provider` in the policy and plan again; nothing was sent.",
        )


def _look_ahead(run: Run, stage: Stage, operation: EnrolOperation) -> None:
    assert run.enrolments is not None
    look_ahead = run.enrolments(operation, _telling(run, stage)).look_ahead
    if look_ahead is None:
        return
    try:
        look_ahead(operation.policy.dns_names)
    except SfcertError:
        run.tell(
            "noted",
            stage=stage.id,
            message="This run would come to an authority, or to a zone, that cannot be asked from here as it stands; "
            "so nothing was sent.",
        )
        raise


def _ask(run: Run, stage: Stage, request: Request, means: Means, until_utc: datetime) -> None:
    operation = stage.enrol
    assert operation is not None
    done = enrol(request, means)
    if done.outcome != "waiting":
        return
    merge = f"sfcert merge {operation.certificate} --vault {operation.vault_url} --chain FILE"
    run.tell(
        "manual-step",
        stage=stage.id,
        steps=[
            f"Have the request below signed by {' or '.join(operation.issuers)}.",
            f"Bring the answer back: {merge} --for-plan {run.plan_name}",
        ],
        verbatim=done.csr_pem,
    )
    pause = _FIRST_LOOK_S
    while True:
        body = means.vault.fetch_certificate(operation.vault_url, operation.certificate)
        if _new_version(operation, body) is not None:
            return
        if status_of((body or {}).get("pending")) != "inprogress":
            raise failed_remotely(request, "its request was ended by somebody; run the same command again to ask anew")
        now = run.now()
        if now >= until_utc:
            raise ConvergenceError(
                "NotConverged",
                f"Stage {stage.id}: nobody has brought the signed chain of {operation.url} back yet. Bring it with "
                f"`sfcert merge`, and run the same command again: it goes on here.",
                stage=stage.id,
                open_gates=[f"{operation.url}: the request is open"],
                elapsed_s=float(stage.deadline.seconds),
            )
        wait = min(pause, max(1.0, (until_utc - now).total_seconds()))
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        run.tell("waiting", stage=stage.id, seconds=wait, why=f"{operation.url} waits for its signed chain")
        run.sleep(wait)


def _judge_and_mark(run: Run, stage: Stage, request: Request, means: Means) -> None:
    """Hold the new version to this plan, whoever brought it, and mark it.

    Asked again also after an enrolment that passed the gate: a run may have been killed in between, and what people
    merge passes the gate of the cluster, not that of the plan.
    """
    operation = stage.enrol
    assert operation is not None
    body, version = _fetch_new_version(run, operation, means)
    if version is None:
        raise RefusedError(
            "PlanStale",
            f"{operation.url} has no new version that is enabled, although its enrolment ended.",
            override="Look at the vault, then plan again.",
        )
    leaf = leaf_of_version(version)
    assert leaf is not None, "a version whose bytes are hidden is none"
    judge_standing(request, means, leaf)
    tags = {**(version.get("tags") or {}), ENROLLED_TAG: operation.mark}
    run.step(
        stage,
        "mark",
        lambda: means.vault.put_tags(operation.vault_url, operation.certificate, version_id(version), tags),
    )
    run.tell("noted", stage=stage.id, message=f"{leaf.thumbprint} is what {operation.stand_in[:8]}… stands for")
    # what was written is known; reading it again at once might show the state before it
    marked = [{**one, "tags": tags} if one is version else one for one in (body or {}).get("versions") or []]
    run.binding = binding_of(operation, {**(body or {}), "versions": marked})


def _fetch_new_version(run: Run, operation: EnrolOperation, means: Means) -> tuple[Json | None, Json | None]:
    """The certificate and its new version, None where there is none even when no look can be an echo any more."""
    until = run.now() + timedelta(seconds=ECHO_S)
    while True:
        body = means.vault.fetch_certificate(operation.vault_url, operation.certificate)
        version = _new_version(operation, body)
        if version is not None or run.now() >= until:
            return body, version
        run.sleep(_FIRST_LOOK_S)


def _new_version(operation: EnrolOperation, body: Json | None) -> Json | None:
    """The newest version, where it is enabled, readable and not the one that stood there at planning."""
    version = latest_version(body)
    leaf = leaf_of_version(version)
    if version is None or leaf is None or not is_enabled(version) or leaf.thumbprint == operation.previous:
        return None
    return version


def _request(run: Run, operation: EnrolOperation, until_utc: datetime) -> Request:
    known = read_pem_chain(operation.known_issuers_pem.encode()) if operation.known_issuers_pem else ()
    return Request(
        vault_url=operation.vault_url,
        name=operation.certificate,
        policy=operation.policy,
        expectation=_expectation(run, operation),
        given_issuers=tuple(known),
        signed_by=operation.issuers,
        holds_renewal=True,
        renew=True,
        accepted=frozenset(run.accepted),
        timeout_s=max(1.0, (until_utc - run.now()).total_seconds()),
    )


def _expectation(run: Run, operation: EnrolOperation) -> Expectation:
    """The cluster as it is now, held to what this plan takes."""
    name = PinnedName(common_name=operation.name, issuers=operation.issuers, issuers_text=",".join(operation.issuers))
    return expectation_of(run.look(Part), name=name, lives_until_utc=operation.lives_until_utc)


def _telling(run: Run, stage: Stage) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        run.tell("enrolment", stage=stage.id, what=event.type.removeprefix("enrolment-"), **_plain(event.data))

    return tell


def _plain(data: Json) -> Json:
    return {key: value for key, value in data.items() if key not in ("stage", "what")}
