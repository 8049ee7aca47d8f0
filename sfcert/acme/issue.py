"""How is one certificate had from a CA by ACME? Order first, challenges, the request only at the end. Floor 5.

    open the account -> order (kept or new) -> authorizations -> CSR -> finalize -> chain, alternates, advice

The vault's certificate request is asked for at `finalize` alone, so that a failed challenge leaves no pending operation
in the vault. The private key is never seen. An order is a value (`OrderState`) which `emit` hands out as soon as there
is one: kept by the caller, it makes the next run take the order up where it stands. So are the answers to challenges
(`Placed`), which outlive an order where a run is killed.
Source: RFC 8555, section 7; RFC 9773. Leaves out the gate and the merge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from josepy.b64 import b64encode

from sfcert.acme.account import open_account
from sfcert.acme.authorize import authorize, clean
from sfcert.acme.chain import (
    Certificates,
    check_chain,
    ends_with_issuer,
    in_order,
    pick,
    read_chain,
    read_request,
    requested_names,
)
from sfcert.acme.keys import AccountKey
from sfcert.acme.order import Emit, check_names, fetch_order, open_order
from sfcert.acme.patience import later
from sfcert.acme.problems import failed_order, one_line, read_problem
from sfcert.acme.renewal import ari_id, fetch_window
from sfcert.acme.session import AcmeSession, Json
from sfcert.acme.solvers.solver import Solver
from sfcert.acme.values import AcmeChain, AcmeEvent, AcmeOptions, OrderState, Placed, RenewalWindow
from sfcert.errors import RefusedError, RemoteError
from sfcert.pki.request import RequestFacts
from sfcert.ports import Clock

__all__ = ["AcmeChain", "AcmeEvent", "AcmeOptions", "OrderState", "Placed", "RenewalWindow", "obtain", "obtain_on"]

_FIRST_LOOK_S = 0.02
_LONGEST_WAIT_S = 10.0
_RETRY_AFTER_CAP_S = 120.0
#: An order that was signed for somebody else's request is followed by a new one; not for ever.
_MOST_ORDERS = 3
#: What an order may be when it is begun or taken up.
_USABLE = ("pending", "ready", "processing", "valid")
#: Asking for a chain this often is enough: CAs that have one offer a handful of alternates.
_MOST_ALTERNATES = 8


def obtain(
    options: AcmeOptions,
    account_key: AccountKey,
    names: Sequence[str],
    csr: Callable[[], bytes],
    solver_for: Callable[[str], Solver],
    *,
    clock: Clock,
    emit: Emit,
    replaces: str | None = None,
    resume: OrderState | None = None,
    placed: Sequence[Placed] = (),
    timeout_s: float | None = None,
    external_account_mac: str | None = None,
) -> AcmeChain:
    """A chain for the request that `csr` makes, signed by the CA of `options`.

    Args:
        names: DNS names, wildcards allowed; every one is verified. The request must hold exactly these.
        csr: makes or finds the vault's pending request, as DER. Called once, when the CA is ready to sign.
        solver_for: who answers for a name (`*.` stands before a wildcard's).
        clock: wall time against a real CA; all waiting goes by it.
        emit: told of every step. An event with an `order`, or with `placed`, carries what to keep before anything else
            is done.
        replaces: `AcmeChain.ari_id` of the certificate that this one takes the place of; None for a first one.
        resume: the kept state of an earlier run that did not end.
        placed: the answers that it may have left in place; they are taken away.
        timeout_s: how long to wait for servers in all, in seconds; None: as long as each thing may take.
        external_account_mac: base64url, a secret; needed with `AcmeOptions.external_account_kid`.

    Returns:
        The chain that was chosen, checked for key, order and completeness, with the alternates that were fetched.

    Raises:
        InputError: names, profile or external account binding cannot be used.
        RemoteError: the CA refuses or a solver fails; the message says the way out.
        ConvergenceError: NotConverged, where the time is over; a run with the kept state goes on.
        RefusedError: `AcmeChainUnusable`: what came back must not be merged.

    Effects: calls to the CA; challenge records, gone afterwards; one call of `csr`. Running it again with the kept
    state continues the same order.
    """
    with AcmeSession(options, account_key, clock) as session:
        open_account(session, external_account_mac)
        emit(AcmeEvent(kind="account", message=f"Account at {session.ca}: {session.account_url}"))
        return obtain_on(
            session,
            names,
            csr,
            solver_for,
            emit=emit,
            replaces=replaces,
            resume=resume,
            placed=placed,
            timeout_s=timeout_s,
        )


def obtain_on(
    session: AcmeSession,
    names: Sequence[str],
    csr: Callable[[], bytes],
    solver_for: Callable[[str], Solver],
    *,
    emit: Emit,
    replaces: str | None = None,
    resume: OrderState | None = None,
    placed: Sequence[Placed] = (),
    timeout_s: float | None = None,
) -> AcmeChain:
    """As `obtain`, on a session whose account is open: for many certificates of one account, side by side."""
    with session.until(later(session.clock, timeout_s)):
        return _obtain(session, names, csr, solver_for, emit=emit, replaces=replaces, resume=resume, placed=placed)


# -- how --------------------------------------------------------------------------------------------------------------


def _obtain(
    session: AcmeSession,
    names: Sequence[str],
    csr: Callable[[], bytes],
    solver_for: Callable[[str], Solver],
    *,
    emit: Emit,
    replaces: str | None,
    resume: OrderState | None,
    placed: Sequence[Placed],
) -> AcmeChain:
    calls_before = session.calls
    wanted = check_names(names)
    kept = resume
    for attempt in range(1, _MOST_ORDERS + 1):
        state, body, is_resumed = open_order(session, wanted, replaces=replaces, resume=kept, emit=emit)
        if body.get("status") not in _USABLE:
            raise _ended(session, state, body)
        if body.get("status") == "pending":
            authorize(session, _urls(body), wanted, solver_for, emit=emit, placed=placed)
            # every authorization was seen valid, so that the order is ready as far as anybody can tell
            body = {**body, "status": "ready"}
        else:
            clean(session.holding, placed, solver_for, emit=emit)
        placed = ()
        request_der = csr()
        request = read_request(request_der)
        missing = frozenset(wanted) ^ requested_names(request)
        if missing:
            raise RefusedError(
                "AcmeChainUnusable",
                f"The vault's request and the order name different names ({', '.join(sorted(missing))}), and no CA "
                f"signs that. Cancel the vault's pending operation, or order the names of its policy.",
            )
        final, is_ours = _finalize(session, state, body, request_der, emit)
        fetched = _download(session, str(final["certificate"]), emit)
        chains = [_in_order(one, request, session.ca, emit) for one in fetched]
        if is_ours and not is_resumed:
            break
        if attempt == _MOST_ORDERS or chains[0][0].public_key_sha256 == request.public_key_sha256:
            break
        # finalized by a run whose pending request in the vault is gone since, or by another order for the same names,
        # which a CA may take for one with this (RFC 8555, section 7.4; Boulder does)
        emit(AcmeEvent(kind="note", message="The order was signed for another request; a new one is made."))
        kept = None
    check_chain(chains[0], request, ca=session.ca)
    sound = [chains[0], *(one for one in chains[1:] if _is_sound(one, request, session.ca, emit))]
    chosen, is_preferred = pick(sound, session.options.preferred_chain)
    if not is_preferred:
        emit(
            AcmeEvent(
                kind="note",
                message=f"No chain of {session.ca} has an issuer {session.options.preferred_chain!r}; the CA's own is "
                f"taken.",
            )
        )
    der = [tuple(one.der for one in chain) for chain in sound]
    certificate_id = ari_id(der[0][0])
    window = _advice(session, certificate_id, emit)
    emit(AcmeEvent(kind="issued", message=f"{session.ca} has signed for {', '.join(wanted)}."))
    return AcmeChain(
        der=der[chosen],
        alternates=tuple(one for index, one in enumerate(der) if index != chosen),
        order_url=state.order_url,
        ari_id=certificate_id,
        window=window,
        calls=session.calls - calls_before,
    )


def _urls(body: Json) -> list[str]:
    found = body.get("authorizations")
    return [str(one) for one in found] if isinstance(found, list) else []


def _ended(session: AcmeSession, state: OrderState, body: Json) -> RemoteError:
    error = body.get("error")
    problem = read_problem(error) if isinstance(error, dict) else None
    return failed_order(problem, ca=session.ca, names=", ".join(state.names))


def _finalize(session: AcmeSession, state: OrderState, body: Json, request_der: bytes, emit: Emit) -> tuple[Json, bool]:
    """Send the request once the order is ready, and return the order when it is valid, and whether it was sent here.

    Args:
        body: the order as it was seen last; ready where its authorizations are all valid, which the CA may see later.
    """
    patience = session.patience()
    wait_s, sent, asked_s = _FIRST_LOOK_S, False, None
    while True:
        status = body.get("status")
        if status == "valid" and body.get("certificate"):
            return body, sent
        if status == "ready" and not sent:
            emit(AcmeEvent(kind="finalize", message=f"The request goes to {session.ca}."))
            payload = {"csr": b64encode(request_der).decode("ascii")}
            try:
                answer = session.post(str(body.get("finalize")), payload, "finalize")
            except RemoteError as early:
                if early.remote_code != "orderNotReady":
                    raise
                # RFC 8555, section 7.4: look at the order until the CA sees it too
                body, asked_s = {"status": "pending"}, early.retry_after_s
            else:
                body, asked_s, sent = answer.json(), answer.retry_after_s, True
                continue
        if status == "invalid":
            raise _ended(session, state, body)
        patience.check(f"{session.ca} has not signed (the order is {one_line(str(status))})", operation="finalize")
        patience.sleep(max(wait_s, min(asked_s or 0.0, _RETRY_AFTER_CAP_S)))
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        body, asked_s = fetch_order(session, state)


def _download(session: AcmeSession, url: str, emit: Emit) -> list[Certificates]:
    """The CA's own chain; the others too where one is preferred and this does not end with it."""
    answer = session.read(url, "certificate")
    found = [read_chain(answer.body, ca=session.ca)]
    wanted = session.options.preferred_chain
    if wanted is None or ends_with_issuer(found[0], wanted):
        return found
    for alternate in answer.links.get("alternate", ())[:_MOST_ALTERNATES]:
        try:
            found.append(read_chain(session.read(alternate, "alternate chain").body, ca=session.ca))
        except RefusedError as error:
            emit(_left_out(error))
    return found


def _in_order(chain: Certificates, request: RequestFacts, ca: str, emit: Emit) -> Certificates:
    found = in_order(chain, request)
    if found != chain:
        emit(AcmeEvent(kind="note", message=f"The chain from {ca} came out of order; it was put right."))
    return found


def _is_sound(chain: Certificates, request: RequestFacts, ca: str, emit: Emit) -> bool:
    try:
        check_chain(chain, request, ca=ca)
    except RefusedError as error:
        emit(_left_out(error))
        return False
    return True


def _left_out(error: RefusedError) -> AcmeEvent:
    return AcmeEvent(kind="note", message=f"An alternate chain is left out: {error}")


def _advice(session: AcmeSession, certificate_id: str | None, emit: Emit) -> RenewalWindow | None:
    """Advice is worth having and no reason to lose a certificate."""
    if not session.options.ari:
        return None
    try:
        return fetch_window(session, certificate_id)
    except RemoteError as error:
        emit(AcmeEvent(kind="note", message=f"No renewal information: {error}"))
        return None
