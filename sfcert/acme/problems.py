"""What does a CA's refusal mean, and what is to be done? Problem documents become errors of ours. Floor 5.

Source: RFC 8555, section 6.7 (types and subproblems); RFC 9773, section 5 (alreadyReplaced); the profiles draft of ACME
(invalidProfile); RFC 8555, section 7.3.6 (a deactivated account gets `unauthorized`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from sfcert.errors import RemoteError

_PREFIX = "urn:ietf:params:acme:error:"
_LONGEST_DETAIL = 400
#: Longer waits than this are as good as never, and no calendar ends before them.
_LONGEST_ASKED_S = 366 * 86400.0
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")
_PAGE_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
NEW_ACCOUNT = "Name another `account_key` in the policy: a fresh key is then made in the vault, and an account with it."

#: token and way out by problem type, where the type alone decides.
_BY_TYPE: Mapping[str, tuple[str, str]] = {
    "externalAccountRequired": (
        "AcmeAccountRefused",
        "Get a key id and a MAC key for external account binding from the CA and give both.",
    ),
    "accountDoesNotExist": (
        "AcmeAccountRefused",
        "The kept account key belongs to another CA or to an account that is gone. " + NEW_ACCOUNT,
    ),
    "badPublicKey": (
        "AcmeAccountRefused",
        "The CA does not take this kind of account key: make an account with another.",
    ),
    "badSignatureAlgorithm": (
        "AcmeAccountRefused",
        "The CA does not take this kind of account key: use EC P-256 or RSA.",
    ),
    "invalidContact": ("AcmeAccountRefused", "Give a contact address that the CA can write to, or none."),
    "unsupportedContact": ("AcmeAccountRefused", "Give e-mail addresses as contacts, or none."),
    "userActionRequired": ("AcmeAccountRefused", "Visit the page that the CA names, agree there, and run this again."),
    "rateLimited": ("AcmeRateLimited", "Wait until then; asking sooner only counts against the limit."),
    "caa": (
        "AcmeCaaForbids",
        "Add a CAA record `0 issue` with this CA's domain at the name or above it, or choose a CA that is named there.",
    ),
    "rejectedIdentifier": (
        "AcmeOrderRefused",
        "This CA does not issue for that name: choose another name or another CA.",
    ),
    "unsupportedIdentifier": ("AcmeOrderRefused", "This CA does not issue for that kind of name."),
    "invalidProfile": ("AcmeOrderRefused", "Choose a profile that the CA's directory names, or none."),
    "badCSR": ("AcmeOrderRefused", "Change the certificate policy (key type, size, names) to what this CA signs."),
    "alreadyReplaced": ("AcmeOrderRefused", "Order without saying what is replaced."),
    "orderNotReady": ("AcmeOrderFailed", "Run this again: the order is taken up where it stands."),
}
#: What to look at, by the problem of a failed challenge and the challenge's kind.
_LOOK_AT: Mapping[tuple[str, str], str] = {
    ("dns-01", "unauthorized"): "The TXT record that the CA saw is not the one that was written: look for a second "
    "delegation of the zone, or for another client that answers for the same name.",
    ("dns-01", "incorrectResponse"): "The TXT record that the CA saw is not the one that was written.",
    ("dns-01", "dns"): "The CA could not read the TXT record: check the zone's delegation and its name servers.",
    (
        "http-01",
        "connection",
    ): "The CA could not connect to port 80 at this name: open it, or use DNS-01, which needs no way in.",
    ("http-01", "dns"): "The name does not resolve for the CA: add an address record, or use DNS-01.",
    (
        "http-01",
        "unauthorized",
    ): "Something else answers on port 80 at this name: a proxy or another server has to pass "
    "/.well-known/acme-challenge/ on. Or use DNS-01.",
    ("http-01", "incorrectResponse"): "Something else answers on port 80 at this name.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem document. `type` is the part after the prefix, or the whole where another prefix stands."""

    type: str
    detail: str
    name: str | None = None
    instance: str | None = None
    subproblems: tuple[Problem, ...] = field(default=())

    def __str__(self) -> str:
        """The CA's own words; those of subproblems with their names."""
        words = self.detail or self.type or "no reason given"
        inner = "; ".join(f"{one.name}: {one}" if one.name else str(one) for one in self.subproblems)
        return f"{words} ({inner})" if inner else words


def read_problem(body: bytes | Mapping[str, Any]) -> Problem:
    """The problem of an answer. What is no problem document becomes one with an empty type and the text's beginning,
    of a web page its title: a proxy on the way speaks so, not a CA."""
    found: Any = body
    if isinstance(body, bytes):
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return Problem("", one_line(_told_by(body.decode("utf-8", "replace"))))
    if not isinstance(found, Mapping):
        return Problem("", one_line(str(found)))
    identifier = found.get("identifier")
    subproblems = found.get("subproblems")
    return Problem(
        one_line(str(found.get("type") or "")).removeprefix(_PREFIX),
        one_line(str(found.get("detail") or found.get("title") or "")),
        one_line(str(identifier.get("value"))) if isinstance(identifier, Mapping) else None,
        one_line(str(found["instance"])) if found.get("instance") else None,
        tuple(read_problem(one) for one in subproblems if isinstance(one, Mapping))
        if isinstance(subproblems, list)
        else (),
    )


def refusal(
    problem: Problem, *, ca: str, operation: str, status: int | None = None, retry_after_s: float | None, now: datetime
) -> RemoteError:
    """The error for a refused request: what the CA said, and the way out.

    Args:
        ca: the CA's host, for the message.
        retry_after_s: what the CA asked to wait, or None.
        now: aware UTC; turns that wait into an instant.
    """
    kind = _telling(problem).type
    token, way_out = _BY_TYPE.get(kind, ("", ""))
    if kind == "unauthorized":
        token = "AcmeAccountRefused"
        way_out = (
            "The account may be deactivated, or its external account binding wrong: check the key id and the MAC key "
            "if the CA gave them. " + NEW_ACCOUNT
        )
    elif kind == "malformed" and operation == "newAccount":
        # some servers say so of a wrong external account binding
        token, way_out = "AcmeAccountRefused", "Check the contacts and the external account binding."
    elif operation == "challenge" and not token and status is not None and status < 500:
        token, way_out = "AcmeOrderFailed", "Run this again: a new order is begun where this one has ended."
    elif status == 429:
        # whoever stands before the CA limits too, and has no problem document
        token, way_out = _BY_TYPE["rateLimited"]
    elif status is not None and status < 500 and operation in ("directory", "newNonce"):
        token, way_out = "AcmeServerUnfit", "Check the directory's address."
    elif kind == "badNonce":
        token, way_out = "RemoteFailed", "Run this again: an order that stands is taken up."
    when = ""
    if retry_after_s is not None:
        when = f" It asks to come again after {(now + timedelta(seconds=retry_after_s)):%Y-%m-%d %H:%M:%SZ}."
    elif token == "AcmeRateLimited":
        way_out = "Wait before asking again, as long as the CA's own page on its limits says; asking sooner counts too."
    if not token:
        token = "AcmeOrderRefused" if status is not None and 400 <= status < 500 else "RemoteFailed"
        way_out = (
            "Change what it objects to in the policy, or choose another CA."
            if token == "AcmeOrderRefused"
            else "Run this again later: an order that stands is taken up."
        )
    page = f" See {problem.instance}." if problem.instance else ""
    said = f"{ca} refuses {operation}: {_sentence(str(problem))}"
    return RemoteError(
        token,
        " ".join(f"{said}{when}{page} {way_out}".split()),
        service=ca,
        operation=operation,
        status=status,
        remote_code=problem.type or None,
        retry_after_s=retry_after_s,
        transient=token in ("AcmeRateLimited", "RemoteFailed"),
    )


def failed_challenge(problem: Problem, *, ca: str, name: str, kind: str) -> RemoteError:
    """The error for a name whose challenge the CA called invalid."""
    told = _telling(problem)
    if told.type == "caa":
        token, way_out = _BY_TYPE["caa"]
    else:
        token = "AcmeChallengeFailed"
        way_out = _LOOK_AT.get((kind, told.type), "Check what the CA saw at this name, then run this again.")
    return RemoteError(
        token,
        f"{ca} could not verify {name} by {kind}: {_sentence(str(problem))} {way_out} Nothing was issued and no "
        f"pending request is left in the vault.",
        service=ca,
        operation=f"{kind} {name}",
        remote_code=told.type or None,
        transient=False,
    )


def failed_order(problem: Problem | None, *, ca: str, names: str) -> RemoteError:
    """The error for an order that the CA ended as invalid."""
    told = _telling(problem) if problem is not None else None
    token, way_out = _BY_TYPE.get(
        told.type if told else "", ("AcmeOrderFailed", "Run this again: a new order is begun.")
    )
    said = _sentence(str(problem)) if problem is not None else "It gives no reason."
    return RemoteError(
        token,
        f"{ca} ended the order for {names}: {said} {way_out}",
        service=ca,
        operation="order",
        remote_code=told.type if told else None,
        transient=False,
    )


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from now by a Retry-After header, in either of its forms; None where it is absent or unreadable.

    At most a year, so that an instant can be made of it. Source: RFC 9110, sections 5.6.7 and 10.2.3.
    """
    if not value:
        return None
    plain = value.strip()
    if _WHOLE_NUMBER.fullmatch(plain):
        return max(0.0, min(float(plain), _LONGEST_ASKED_S))
    try:
        when = parsedate_to_datetime(plain)
        # the oldest form of a date names no zone; all of them are meant as UTC
        asked_s = (when if when.tzinfo is not None else when.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return max(0.0, min(asked_s.total_seconds(), _LONGEST_ASKED_S))


def _telling(problem: Problem) -> Problem:
    """The problem that says most: the only kind among the subproblems of a compound one, else itself."""
    kinds = {one.type for one in problem.subproblems}
    if problem.type in ("compound", "", "malformed", "unauthorized") and len(kinds) == 1:
        return problem.subproblems[0]
    return problem


def _told_by(text: str) -> str:
    """What a text that is no JSON says: of a web page that it is one, and its title."""
    if not text.lstrip().startswith("<"):
        return text
    title = _PAGE_TITLE.search(text)
    named = f" ({' '.join(title[1].split())})" if title else ""
    return f"it answers with a web page{named}, as a proxy on the way does"


def one_line(text: str) -> str:
    """The words on one line; what moves a terminal's cursor, and halves of letters, are left out."""
    words = " ".join(text.split())
    return "".join(one if one.isprintable() else "?" for one in words)[:_LONGEST_DETAIL]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
