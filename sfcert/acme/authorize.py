"""How is control of every name of an order shown? Authorizations, their challenges, and what is left clean. Floor 5.

All answers are put in place first, then each is waited for, then the CA is told of all: its validations run side by
side. Whatever happens, every answer that was put in place is taken away again.
Source: RFC 8555, sections 7.1.4, 7.5 and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sfcert.acme.order import Emit
from sfcert.acme.problems import failed_challenge, read_problem
from sfcert.acme.session import AcmeSession, Json
from sfcert.acme.solvers.solver import Solver
from sfcert.acme.values import AcmeEvent
from sfcert.errors import RemoteError, SfcertError

_FIRST_LOOK_S = 0.05
_LONGEST_WAIT_S = 10.0
_RETRY_AFTER_CAP_S = 120.0
#: After these there is nothing to take away.
_NOTHING_WRITTEN = frozenset({"DnsZoneNotFound", "DnsDelegatedElsewhere", "ChallengeNotServed"})


@dataclass(frozen=True, slots=True)
class _Open:
    """One authorization that is still to be shown, with the challenge that was chosen."""

    url: str
    name: str
    solver: Solver
    challenge: Json
    token: str
    answer: str


def authorize(
    session: AcmeSession,
    urls: Sequence[str],
    solver_for: Callable[[str], Solver],
    *,
    emit: Emit,
    is_resumed: bool,
) -> None:
    """Return when the CA holds every authorization of the order for valid.

    Args:
        urls: the order's authorizations.
        is_resumed: an earlier run worked on this order; what it may have left behind is taken away too.

    Raises:
        RemoteError: `AcmeChallengeFailed` or `AcmeCaaForbids` for the first name that failed; a solver's own errors.

    Effects: the solvers' records, gone again afterwards; a second call finds valid authorizations and does nothing.
    """
    pending: list[_Open] = []
    for url in urls:
        body = session.read(url, "authorization").json()
        if body.get("status") == "valid":
            if is_resumed:
                _clean_valid(session, body, solver_for, emit)
            continue
        pending.append(_open(session, url, body, solver_for))
    placed: list[_Open] = []
    try:
        for one in pending:
            placed.append(one)
            try:
                one.solver.present(one.name, one.token, one.answer)
            except SfcertError as error:
                if error.token in _NOTHING_WRITTEN:
                    placed.remove(one)
                raise
        for one in pending:
            one.solver.settle(one.name, one.token, one.answer)
        for one in pending:
            emit(AcmeEvent(kind="challenge", message=f"{one.name}: {one.solver.kind} is in place.", name=one.name))
            if one.challenge.get("status", "pending") == "pending":
                session.post(str(one.challenge["url"]), {}, "challenge")
        for one in pending:
            _await_valid(session, one, emit)
    finally:
        _clean_all(placed, emit)


def clean_left(session: AcmeSession, urls: Sequence[str], solver_for: Callable[[str], Solver], *, emit: Emit) -> None:
    """Take away what a killed run left of an order that needs no answers any more. Harmless where nothing is left."""
    for url in urls:
        body = session.read(url, "authorization").json()
        if body.get("status") == "valid":
            _clean_valid(session, body, solver_for, emit)


def _open(session: AcmeSession, url: str, body: Json, solver_for: Callable[[str], Solver]) -> _Open:
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
    return _Open(url, name, solver, challenge, token, session.key.key_authorization(token))


def _await_valid(session: AcmeSession, one: _Open, emit: Emit) -> None:
    deadline = session.clock.now() + timedelta(seconds=session.options.patience_s)
    wait_s, told = _FIRST_LOOK_S, False
    while True:
        answer = session.read(one.url, "authorization")
        body = answer.json()
        status = body.get("status")
        if status == "valid":
            return
        if status != "pending":
            raise _ended(session, one.name, body, one.solver.kind)
        if session.clock.now() >= deadline:
            raise RemoteError(
                "AcmeOrderFailed",
                f"{session.ca} has not looked at {one.name} for {session.options.patience_s:.0f} s. Run this again: "
                f"the order is taken up where it stands.",
                service=session.ca,
                operation="authorization",
                transient=True,
            )
        if not told:
            emit(AcmeEvent(kind="waiting", message=f"{one.name}: waiting for {session.ca} to look.", name=one.name))
            told = True
        asked_s = min(answer.retry_after_s or 0.0, _RETRY_AFTER_CAP_S)
        session.clock.sleep(max(wait_s, asked_s))
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


def _clean_valid(session: AcmeSession, body: Json, solver_for: Callable[[str], Solver], emit: Emit) -> None:
    """Take away what a killed run left for a name that is valid by now."""
    name = _name(body)
    solver = solver_for(name)
    challenge = _challenge(body, solver.kind)
    if challenge is not None:
        token = str(challenge["token"])
        answer = session.key.key_authorization(token)
        _clean_all([_Open("", name, solver, challenge, token, answer)], emit)


def _clean_all(placed: Sequence[_Open], emit: Emit) -> None:
    """Every answer goes, also when one of them cannot: that is told and stops nothing."""
    for one in placed:
        try:
            one.solver.cleanup(one.name, one.token, one.answer)
        except SfcertError as error:
            emit(
                AcmeEvent(
                    kind="note",
                    message=f"{one.name}: the challenge's answer could not be taken away ({error}). It is harmless; "
                    f"the next run removes it.",
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
