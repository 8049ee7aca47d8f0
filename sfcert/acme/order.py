"""Which order is worked on: a kept one, or a new one? Floor 5.

    (a) a kept order for the same CA, account and names, still pending, ready, processing or valid   it is taken up
    (b) a kept order that expired, was ended, is unknown or is for other names                       a new one is made
    (c) a new order that says what it replaces, and the CA objects                                   once more without
    (d) an order was asked for and its address never arrived                    looked for among the account's orders

Source: RFC 8555, section 7.4; RFC 9773, section 5 (`replaces`); the profiles draft of ACME (`profile`). CAs object to
`replaces` when the certificate was replaced before, belongs to another account, or is not theirs (acmebot issue 1196).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sfcert.acme.problems import one_line
from sfcert.acme.session import AcmeSession, Json
from sfcert.acme.values import AcmeEvent, OrderState
from sfcert.errors import Fault, InputError, RemoteError

Emit = Callable[[AcmeEvent], None]
#: RFC 1123, section 2.1, with the underscore that CAs refuse in their own words.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME = 253
_MOST_PAGES = 5
#: Refusals that `replaces` may be the cause of. `serverInternal` is measured: a Pebble says so, with 500, of a
#: certificate that shares no name with the order (tests/adapters/acme/test_renewal_information.py).
_OBJECTIONS = frozenset(
    {"alreadyReplaced", "malformed", "unauthorized", "conflict", "accountDoesNotExist", "serverInternal"}
)


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names in lower case without repetition, in the order given.

    Raises:
        InputError: none at all, or one that no CA can be asked for; every fault at once.
    """
    faults: list[Fault] = []
    found: list[str] = []
    for name in names:
        plain = name.strip().rstrip(".").lower()
        labels = plain.removeprefix("*.").split(".")
        if not plain.isascii():
            faults.append(Fault(f"{name}: write the name in its ASCII form (xn--…)"))
        elif len(labels) < 2 or len(plain) > _LONGEST_NAME or not all(_LABEL.fullmatch(one) for one in labels):
            faults.append(Fault(f"{name}: not a full DNS name"))
        elif all(one.isdigit() for one in labels):
            faults.append(Fault(f"{name}: an address; a certificate by name needs a DNS name"))
        elif plain not in found:
            found.append(plain)
    if not names:
        faults.append(Fault("no name was given"))
    if faults:
        raise InputError("AcmeOptionsInvalid", "These names cannot be ordered from an ACME CA:", faults)
    return tuple(found)


def open_order(
    session: AcmeSession, names: tuple[str, ...], *, replaces: str | None, resume: OrderState | None, emit: Emit
) -> tuple[OrderState, Json, bool]:
    """The order to work on, its body, and whether it was taken up from an earlier run.

    Raises:
        InputError: the profile is not one of the CA's.
        RemoteError: the CA does not take the order.

    Effects: one POST-as-GET for a kept order; else `newOrder`, twice where the CA objects to `replaces`. A second run
    with the kept state makes no second order while the first can be used; where that state has no address yet, as far
    as the CA lists an account's orders.
    """
    if resume is not None:
        found = _taken_up(session, names, resume, emit) if resume.order_url else _lost(session, names, resume, emit)
        if found is not None:
            return *found, True
    profile = profile_of(session)
    if replaces is not None and "renewalInfo" not in session.directory:
        # RFC 9773: `replaces` belongs to servers with renewal information
        replaces = None
    emit(AcmeEvent(kind="ordering", message="", order=_state(session, names, profile, replaces)))
    try:
        state, body = _new_order(session, names, profile, replaces)
    except RemoteError as error:
        if replaces is None or not (error.remote_code in _OBJECTIONS or error.status == 409):
            raise
        emit(AcmeEvent(kind="note", message=f"{session.ca} objects to what is replaced; ordered without: {error}"))
        state, body = _new_order(session, names, profile, None)
    emit(AcmeEvent(kind="order", message=f"New order at {session.ca} for {', '.join(names)}.", order=state))
    return state, body, False


def fetch_order(session: AcmeSession, state: OrderState) -> tuple[Json, float | None]:
    """The order as it stands, and how long the CA wants to be left alone."""
    answer = session.read(state.order_url, "order")
    return answer.json(), answer.retry_after_s


def _unfit(session: AcmeSession, names: tuple[str, ...], kept: OrderState) -> str:
    """Why a kept order is not looked at; empty where it may be."""
    if kept.directory_url != session.options.directory_url or kept.account_url != session.account_url:
        return "it belongs to another CA or account"
    if set(kept.names) != set(names) or kept.profile != session.options.profile:
        return "it is for other names or another profile"
    if kept.expires_utc is not None and kept.expires_utc <= session.clock.now():
        return "it has expired"
    return ""


def _taken_up(
    session: AcmeSession, names: tuple[str, ...], kept: OrderState, emit: Emit
) -> tuple[OrderState, Json] | None:
    why = _unfit(session, names, kept)
    if not why:
        try:
            body, _ = fetch_order(session, kept)
        except RemoteError as error:
            if error.status not in (403, 404, 410) and error.remote_code not in ("malformed", "unauthorized"):
                raise
            why = "the CA does not know it any more"
        else:
            if body.get("status") in ("pending", "ready", "processing", "valid"):
                emit(
                    AcmeEvent(
                        kind="order", message=f"The order of an earlier run is taken up: {kept.order_url}", order=kept
                    )
                )
                return kept, body
            why = f"it is {one_line(str(body.get('status')))}"
    emit(AcmeEvent(kind="note", message=f"The order of an earlier run is not used: {why}."))
    return None


def _lost(session: AcmeSession, names: tuple[str, ...], kept: OrderState, emit: Emit) -> tuple[OrderState, Json] | None:
    """An open order for these names among the account's, where an earlier run asked and never heard.

    Source: RFC 8555, section 7.1.2.1. Not every CA has that list.
    """
    assert session.account_url is not None
    if _unfit(session, names, kept):
        return None
    try:
        listed = session.read(session.account_url, "account").json().get("orders")
        for _ in range(_MOST_PAGES):
            if not isinstance(listed, str):
                break
            page = session.read(listed, "orders")
            urls = page.json().get("orders")
            for url in reversed(urls if isinstance(urls, list) else []):
                body = session.read(str(url), "order").json()
                if body.get("status") in ("pending", "ready", "processing") and _names_of(body) == set(names):
                    state = _state(session, names, kept.profile, kept.replaces, str(url), body)
                    message = f"The order of an earlier run, whose address was not kept, is taken up: {url}"
                    emit(AcmeEvent(kind="order", message=message, order=state))
                    return state, body
            listed = next(iter(page.links.get("next", ())), None)
    except RemoteError as error:
        emit(AcmeEvent(kind="note", message=f"The account's orders could not be listed; a new one is made: {error}"))
    return None


def _names_of(body: Json) -> set[str]:
    found = body.get("identifiers")
    return (
        {str(one.get("value")).lower() for one in found if isinstance(one, dict)} if isinstance(found, list) else set()
    )


def profile_of(session: AcmeSession) -> str | None:
    """The profile to be asked for, None where none is wanted.

    Raises:
        InputError: AcmeOptionsInvalid, where the CA does not have it.

    Effects: one GET of the directory, the first time.
    """
    wanted = session.options.profile
    if wanted is None:
        return None
    offered = session.meta.get("profiles")
    if not isinstance(offered, dict):
        raise InputError(
            "AcmeOptionsInvalid", f"{session.ca} has no profiles, so {wanted!r} means nothing to it: leave it out."
        )
    if wanted not in offered:
        raise InputError(
            "AcmeOptionsInvalid",
            f"{session.ca} has no profile {wanted!r}; it has {one_line(', '.join(sorted(offered))) or 'none'}.",
        )
    return wanted


def _new_order(
    session: AcmeSession, names: tuple[str, ...], profile: str | None, replaces: str | None
) -> tuple[OrderState, Json]:
    payload: dict[str, Any] = {"identifiers": [{"type": "dns", "value": name} for name in names]}
    if profile is not None:
        payload["profile"] = profile
    if replaces is not None:
        payload["replaces"] = replaces
    answer = session.post(str(session.directory["newOrder"]), payload, "newOrder")
    body = answer.json()
    return _state(session, names, profile, replaces, answer.location, body), body


def _state(
    session: AcmeSession,
    names: tuple[str, ...],
    profile: str | None,
    replaces: str | None,
    order_url: str = "",
    body: Json | None = None,
) -> OrderState:
    assert session.account_url is not None
    return OrderState(
        directory_url=session.options.directory_url,
        account_url=session.account_url,
        order_url=order_url,
        names=names,
        profile=profile,
        replaces=replaces,
        expires_utc=_instant((body or {}).get("expires")),
    )


def _instant(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
