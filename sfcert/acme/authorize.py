"""How is control of every name of an order shown? Authorizations, their challenges, and what is left clean. Floor 5.

All answers are put in place first, then each is waited for, then the CA is told of all: its validations run side by
side. Whatever happens, every answer that was put in place is taken away again; they are told before they are
written, so that the run after a killed one takes away what that one left, and nobody else's.
Source: RFC 8555, sections 7.1.4, 7.5 and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sfcert.acme.order import Emit
from sfcert.acme.problems import failed_challenge, read_problem
from sfcert.acme.session import AcmeSession, Json
from sfcert.acme.solvers.solver import Solver
from sfcert.acme.values import AcmeEvent, Placed
from sfcert.errors import InputError, RemoteError, SfcertError

_FIRST_LOOK_S = 0.02
_LONGEST_WAIT_S = 10.0
_RETRY_AFTER_CAP_S = 120.0
#: After these there is nothing to take away.
_NOTHING_WRITTEN = frozenset({"DnsZoneNotFound", "DnsDelegatedElsewhere", "ChallengeNotServed"})


@dataclass(frozen=True, slots=True)
class _Open:
    """One authorization that is still to be shown, with the challenge that was chosen."""

    url: str
    solver: Solver
    challenge: Json
    answer: Placed


def authorize(
    session: AcmeSession,
    urls: Sequence[str],
    solver_for: Callable[[str], Solver],
    *,
    emit: Emit,
    placed: Sequence[Placed],
) -> None:
    """Return when the CA holds every authorization of the order for valid.

    Args:
        urls: the order's authorizations.
        placed: what an earlier run may have left in place; it is taken away too.

    Raises:
        RemoteError: `AcmeChallengeFailed` or `AcmeCaaForbids` for the first name that failed; a solver's own errors.
        ConvergenceError: the time for this order is over.

    Effects: the solvers' records, gone again afterwards; a second call finds valid authorizations and does nothing.
    """
    pending = [one for one in (_open(session, url, solver_for) for url in urls) if one is not None]
    answers = [one.answer for one in pending]
    if not answers:
        clean(placed, solver_for, emit=emit)
        return
    left = [*(one for one in placed if one not in answers), *answers]
    # before anything is written: who comes after a killed run has to know what may stand there
    _keep(left, emit)
    try:
        for one in pending:
            _present(one, left)
        for one in pending:
            one.solver.settle(*_said(one.answer), until_utc=session.until_utc)
        for one in pending:
            name = one.answer.name
            emit(AcmeEvent(kind="challenge", message=f"{name}: {one.answer.kind} is in place.", name=name))
            if one.challenge.get("status", "pending") == "pending":
                session.post(str(one.challenge["url"]), {}, "challenge")
        for one in pending:
            _await_valid(session, one, emit)
    finally:
        _keep(_clean(left, solver_for, emit), emit)


def clean(placed: Sequence[Placed], solver_for: Callable[[str], Solver], *, emit: Emit) -> None:
    """Take away what a run that was killed left. Harmless where nothing is there any more; what cannot be taken away is
    told, stays to be kept, and stops nothing."""
    if placed:
        _keep(_clean(placed, solver_for, emit), emit)


def _keep(placed: Sequence[Placed], emit: Emit) -> None:
    emit(AcmeEvent(kind="placing", message="", placed=tuple(placed)))


def _open(session: AcmeSession, url: str, solver_for: Callable[[str], Solver]) -> _Open | None:
    """What has to be answered for one authorization; None where it is valid."""
    body = session.read(url, "authorization").json()
    if body.get("status") == "valid":
        return None
    name = _name(body)
    if body.get("status") not in ("pending", None):
        raise _ended(session, name, body, "")
    solver = solver_for(name)
    challenge = _challenge(body, solver.kind)
    if challenge is None:
        offered = sorted({str(one.get("type")) for one in _challenges(body)})
        way_out = " A wildcard is shown by DNS-01 alone." if name.startswith("*.") else ""
        raise RemoteError(
            "AcmeOrderRefused",
            f"{session.ca} does not take {solver.kind} for {name}; it offers {', '.join(offered)}.{way_out} Choose "
            f"another solver for this name.",
            service=session.ca,
            operation="authorization",
            transient=False,
        )
    token = str(challenge["token"])
    answer = Placed(kind=solver.kind, name=name, token=token, key_authorization=session.key.key_authorization(token))
    return _Open(url, solver, challenge, answer)


def _said(answer: Placed) -> tuple[str, str, str]:
    return answer.name, answer.token, answer.key_authorization


def _present(one: _Open, left: list[Placed]) -> None:
    """Put the answer in place; where nothing was written, nothing is `left` of it."""
    try:
        one.solver.present(*_said(one.answer))
    except SfcertError as error:
        if error.token in _NOTHING_WRITTEN:
            left.remove(one.answer)
        raise


def _await_valid(session: AcmeSession, one: _Open, emit: Emit) -> None:
    name = one.answer.name
    patience = session.patience()
    wait_s, told = _FIRST_LOOK_S, False
    while True:
        answer = session.read(one.url, "authorization")
        body = answer.json()
        status = body.get("status")
        if status == "valid":
            return
        if status != "pending":
            raise _ended(session, name, body, one.answer.kind)
        patience.check(f"{session.ca} has not looked at {name}", operation="authorization")
        if not told:
            emit(AcmeEvent(kind="waiting", message=f"{name}: waiting for {session.ca} to look.", name=name))
            told = True
        patience.sleep(max(wait_s, min(answer.retry_after_s or 0.0, _RETRY_AFTER_CAP_S)))
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def _ended(session: AcmeSession, name: str, body: Json, kind: str) -> RemoteError:
    for challenge in _challenges(body):
        if isinstance(challenge.get("error"), dict):
            problem = read_problem(challenge["error"])
            return failed_challenge(problem, ca=session.ca, name=name, kind=str(challenge.get("type") or kind))
    return RemoteError(
        "AcmeOrderFailed",
        f"The authorization of {name} at {session.ca} is {body.get('status')}. Run this again: a new order is begun.",
        service=session.ca,
        operation="authorization",
        remote_code=str(body.get("status")),
        transient=False,
    )


def _clean(placed: Sequence[Placed], solver_for: Callable[[str], Solver], emit: Emit) -> list[Placed]:
    """What could not be taken away and may be the next time."""
    left: list[Placed] = []
    for one in placed:
        try:
            solver = solver_for(one.name)
            if solver.kind != one.kind:
                _tell_left(
                    one,
                    f"the policy now answers for it by {solver.kind}",
                    "Take it away by hand, if it is there.",
                    emit,
                )
                continue
            solver.cleanup(*_said(one))
        except SfcertError as error:
            # where nobody answers for this name any more, or its zone is not there, no further run could do better
            may_be_next_time = not isinstance(error, InputError) and error.token != "DnsZoneNotFound"
            if may_be_next_time:
                left.append(one)
            what_now = "The next run removes it." if may_be_next_time else "Take it away by hand, if it is there."
            _tell_left(one, str(error), what_now, emit)
    return left


def _tell_left(one: Placed, why: str, what_now: str, emit: Emit) -> None:
    emit(
        AcmeEvent(
            kind="note",
            message=f"{one.name}: the challenge's answer could not be taken away ({why}). It is harmless. {what_now}",
            name=one.name,
        )
    )


def _challenge(body: Json, kind: str) -> Json | None:
    found = (one for one in _challenges(body) if one.get("type") == kind)
    return next((one for one in found if one.get("token") and one.get("url")), None)


def _challenges(body: Json) -> list[Json]:
    found = body.get("challenges")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _name(body: Json) -> str:
    identifier = body.get("identifier")
    name = str(identifier.get("value", "")) if isinstance(identifier, dict) else ""
    return f"*.{name}" if body.get("wildcard") is True else name
