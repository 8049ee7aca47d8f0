"""How is control of every name of an order shown? Authorizations, their challenges, and what is left clean. Floor 5.

All answers are put in place first, then each is waited for, then the CA is told of all: its validations run side by
side. Whatever happens, every answer that was put in place is taken away again; they are told before they are
written, so that the run after a killed one takes away what that one left, and nobody else's.
Source: RFC 8555, sections 7.1.4, 7.5 and 8. Authorizations that are `processing` are in no RFC; lego
(`checkAuthorizationStatus`) waits for them as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sfcert.acme.holding import Holding
from sfcert.acme.order import Emit
from sfcert.acme.problems import failed_challenge, one_line, read_problem
from sfcert.acme.session import AcmeSession, Json, unfit
from sfcert.acme.solvers.solver import Solver
from sfcert.acme.values import AcmeEvent, Placed
from sfcert.errors import InputError, RemoteError, SfcertError

_FIRST_LOOK_S = 0.02
_LONGEST_WAIT_S = 10.0
_RETRY_AFTER_CAP_S = 120.0
#: After these there is nothing to take away.
_NOTHING_WRITTEN = frozenset({"DnsZoneNotFound", "DnsDelegatedElsewhere", "ChallengeNotServed"})
#: Still to be looked at. A CA that says nothing of it has not looked either.
_OPEN = ("pending", "processing", None)
#: base64url alone, as RFC 8555 (section 8) has it: it becomes a file's name, a path, the text of a record.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class _Open:
    """One authorization that is still to be shown, with the challenge that was chosen."""

    url: str
    solver: Solver
    challenge: Json
    answer: Placed


@dataclass(frozen=True, slots=True)
class _Cleaning:
    """How answers are taken away. `own` are those that this order needs, and has put in place or begun to."""

    solver_for: Callable[[str], Solver]
    emit: Emit
    holding: Holding
    own: list[Placed]


def authorize(
    session: AcmeSession,
    urls: Sequence[str],
    names: Sequence[str],
    solver_for: Callable[[str], Solver],
    *,
    emit: Emit,
    placed: Sequence[Placed],
) -> None:
    """Return when the CA holds every authorization of the order for valid.

    Args:
        urls: the order's authorizations.
        names: the order's. An authorization for one of them, or for a name above it, is answered; for any other not.
        placed: what an earlier run may have left in place; it is taken away too.

    Raises:
        RemoteError: `AcmeChallengeFailed` or `AcmeCaaForbids` for the first name that failed; a solver's own errors.
        ConvergenceError: the time for this order is over.

    Effects: the solvers' records, gone again afterwards; a second call finds valid authorizations and does nothing.
    """
    looked_at = [_open(session, url, names, solver_for) for url in dict.fromkeys(urls)]
    pending = [one for one in looked_at if one is not None]
    answers = [one.answer for one in pending]
    if not answers:
        clean(session.holding, placed, solver_for, emit=emit)
        return
    cleaning = _Cleaning(solver_for, emit, session.holding, [])
    left = [*(one for one in placed if one not in answers), *answers]
    # before anything is written: who comes after a killed run has to know what may stand there
    _keep(left, emit)
    try:
        for one in pending:
            _present(one, left, cleaning)
        for one in pending:
            one.solver.settle(*_said(one.answer), until_utc=session.until_utc)
        for one in pending:
            name = one.answer.name
            emit(AcmeEvent(kind="challenge", message=f"{name}: {one.answer.kind} is in place.", name=name))
            if one.challenge.get("status", "pending") == "pending":
                _tell(session, one)
        for one in pending:
            _await_valid(session, one, emit)
    finally:
        # of what was not begun, because one before it failed, there is nothing to take away
        _keep(_clean([one for one in left if one in cleaning.own or one in placed], cleaning), emit)


def clean(holding: Holding, placed: Sequence[Placed], solver_for: Callable[[str], Solver], *, emit: Emit) -> None:
    """Take away what a run that was killed left. Harmless where nothing is there any more; what cannot be taken away is
    told, stays to be kept, and stops nothing."""
    if placed:
        _keep(_clean(placed, _Cleaning(solver_for, emit, holding, [])), emit)


def _keep(placed: Sequence[Placed], emit: Emit) -> None:
    emit(AcmeEvent(kind="placing", message="", placed=tuple(placed)))


def _open(session: AcmeSession, url: str, names: Sequence[str], solver_for: Callable[[str], Solver]) -> _Open | None:
    """What has to be answered for one authorization; None where it is valid."""
    body = session.read(url, "authorization").json()
    if body.get("status") == "valid":
        return None
    name = _name(body, names)
    if body.get("status") not in _OPEN:
        raise _ended(session, name, body, "")
    solver = solver_for(name)
    challenge = _challenge(body, solver.kind)
    if challenge is None:
        offered = sorted({one_line(str(one.get("type"))) for one in _challenges(body)})
        way_out = " A wildcard is shown by DNS-01 alone." if name.startswith("*.") else ""
        raise RemoteError(
            "AcmeOrderRefused",
            f"{session.ca} does not take {solver.kind} for {name}; it offers {', '.join(offered) or 'none'}.{way_out} "
            f"Choose another solver for this name.",
            service=session.ca,
            operation="authorization",
            transient=False,
        )
    token = challenge["token"]
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise unfit(f"the token of the challenge for {name} is not base64url")
    answer = Placed(kind=solver.kind, name=name, token=token, key_authorization=session.key.key_authorization(token))
    return _Open(url, solver, challenge, answer)


def _said(answer: Placed) -> tuple[str, str, str]:
    return answer.name, answer.token, answer.key_authorization


def _present(one: _Open, left: list[Placed], cleaning: _Cleaning) -> None:
    """Put the answer in place; where nothing was written, nothing is `left` of it."""
    try:
        with cleaning.holding.taking(one.answer):
            cleaning.own.append(one.answer)
            one.solver.present(*_said(one.answer))
    except SfcertError as error:
        if error.token in _NOTHING_WRITTEN:
            left.remove(one.answer)
            cleaning.own.remove(one.answer)
            with cleaning.holding.leaving(one.answer, is_own=True):
                pass
        raise


def _tell(session: AcmeSession, one: _Open) -> None:
    """Have the CA look. Telling it twice does the same, and where another order has told it, it may object.

    Source: Boulder (ra, `PerformValidation`) calls `malformed` what is no longer pending, unless it is valid.
    """
    try:
        session.post(str(one.challenge["url"]), {}, "challenge", is_repeatable=True)
    except RemoteError as error:
        if error.status is None or not 400 <= error.status < 500 or error.token == "AcmeRateLimited":
            raise
        body = session.read(one.url, "authorization").json()
        now = next((each for each in _challenges(body) if each.get("url") == one.challenge["url"]), {})
        if body.get("status") in _OPEN and now.get("status", "pending") == "pending":
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
        if status not in _OPEN:
            raise _ended(session, name, body, one.answer.kind)
        patience.check(f"{session.ca} has not looked at {name}", operation="authorization")
        if not told:
            emit(AcmeEvent(kind="waiting", message=f"{name}: waiting for {session.ca} to look.", name=name))
            told = True
        patience.sleep(max(wait_s, min(answer.retry_after_s or 0.0, _RETRY_AFTER_CAP_S)))
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def _ended(session: AcmeSession, name: str, body: Json, kind: str) -> RemoteError:
    status = one_line(str(body.get("status")))
    for challenge in _challenges(body):
        if isinstance(challenge.get("error"), dict):
            problem = read_problem(challenge["error"])
            return failed_challenge(
                problem, ca=session.ca, name=name, kind=one_line(str(challenge.get("type") or kind))
            )
    return RemoteError(
        "AcmeOrderFailed",
        f"The authorization of {name} at {session.ca} is {status}. Run this again: a new order is begun.",
        service=session.ca,
        operation="authorization",
        remote_code=status,
        transient=False,
    )


def _clean(placed: Sequence[Placed], how: _Cleaning) -> list[Placed]:
    """What could not be taken away and may be the next time. What another order needs stays, and is that order's."""
    left: list[Placed] = []
    for one in placed:
        is_own = one in how.own
        if is_own:
            how.own.remove(one)
        with how.holding.leaving(one, is_own=is_own) as is_last:
            if is_last and not _is_gone(one, how):
                left.append(one)
    return left


def _is_gone(one: Placed, how: _Cleaning) -> bool:
    """Whether the answer is taken away, or no further run could do that either; told where it is not."""
    try:
        solver = how.solver_for(one.name)
        if solver.kind != one.kind:
            why = f"the policy now answers for it by {solver.kind}"
            _tell_left(one, why, "Take it away by hand, if it is there.", how.emit)
            return True
        solver.cleanup(*_said(one))
    except SfcertError as error:
        # where nobody answers for this name any more, or its zone is not there, no further run could do better
        may_be_next_time = not isinstance(error, InputError) and error.token != "DnsZoneNotFound"
        what_now = "The next run removes it." if may_be_next_time else "Take it away by hand, if it is there."
        _tell_left(one, str(error), what_now, how.emit)
        return not may_be_next_time
    return True


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


def _name(body: Json, names: Sequence[str]) -> str:
    """The name that the authorization is for, `*.` before a wildcard's.

    Raises:
        RemoteError: `AcmeServerUnfit` where the order has no such name: a record for it is nobody's wish. Names above
            one of the order's may be asked for (RFC 8555, section 7.1.3).
    """
    identifier = body.get("identifier")
    value = identifier.get("value") if isinstance(identifier, dict) else None
    plain = value.rstrip(".").lower().removeprefix("*.") if isinstance(value, str) else ""
    if plain and (body.get("wildcard") is True or (plain not in names and f"*.{plain}" in names)):
        plain = f"*.{plain}"
    base = plain.removeprefix("*.")
    if "." not in base or not any(one.removeprefix("*.") == base or one.endswith(f".{base}") for one in names):
        raise unfit("an authorization is not for a name of the order")
    return plain
