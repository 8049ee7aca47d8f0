"""Does the CA know this account, and if not, how is it made? Floor 5.

`newAccount` finds an account by its key and makes it where there is none, so that one call does both.
Source: RFC 8555, section 7.3.
"""

from __future__ import annotations

from typing import Any

from sfcert.acme.problems import NEW_ACCOUNT, one_line
from sfcert.acme.session import AcmeSession, Answer
from sfcert.errors import InputError, RemoteError

#: How CAs say that a key has no account yet: the RFC's word, and those of servers that look at the binding first.
_NO_ACCOUNT = frozenset({"accountDoesNotExist", "externalAccountRequired", "malformed"})


def open_account(session: AcmeSession, external_account_mac: str | None) -> str:
    """The account's URL, kept in the session too. Using a CA means to agree to its terms of service.

    Args:
        external_account_mac: base64url, as the CA gave it out with the key id; a secret. None where none is needed.

    Raises:
        InputError: the CA wants an external account and none was given, or half of one was.
        RemoteError: `AcmeAccountRefused` in the CA's words.

    Effects: at most two calls; a second run finds the same account, whatever has become of its external binding.
    """
    options = session.options
    kid = options.external_account_kid
    if (kid is None) != (external_account_mac is None):
        raise InputError(
            "AcmeOptionsInvalid",
            "External account binding takes two things from the CA: a key id and its MAC key. One of them is missing.",
        )
    url = str(session.directory["newAccount"])
    is_required = session.meta.get("externalAccountRequired") is True
    existing = _existing(session, url, is_all_told=kid is not None) if kid is not None or is_required else None
    if existing is not None:
        return existing
    if is_required and kid is None:
        raise InputError(
            "AcmeOptionsInvalid",
            f"{session.ca} makes accounts only with external account binding. Get a key id and a MAC key from it and "
            f"give both.",
        )
    payload: dict[str, Any] = {"termsOfServiceAgreed": True}
    if options.contacts:
        payload["contact"] = [f"mailto:{one}" for one in options.contacts]
    if kid is not None and external_account_mac is not None:
        payload["externalAccountBinding"] = session.key.bind_external(
            kid=kid,
            mac_key=external_account_mac,
            algorithm=options.external_account_algorithm,
            new_account_url=url,
        )
    return _held(session, session.post(url, payload, "newAccount", is_repeatable=True, by_key=True))


def deactivate_account(session: AcmeSession) -> None:
    """End the account for ever. Effects: one call; `open_account` is refused afterwards."""
    assert session.account_url is not None
    session.post(session.account_url, {"status": "deactivated"}, "deactivate", is_repeatable=True)


def _existing(session: AcmeSession, url: str, *, is_all_told: bool) -> str | None:
    """An account that was bound before needs no binding again; None where the CA names none.

    Args:
        is_all_told: a whole request follows, in answer to which the CA says once more what it objects to.

    Source: a binding may be good for one account and some days only. Google's CA answers an old one with `unauthorized`
    (certimate issue 588), Sectigo's refused to bind again what is bound (cert-manager issue 2882).
    """
    try:
        answer = session.post(url, {"onlyReturnExisting": True}, "newAccount", is_repeatable=True, by_key=True)
    except RemoteError as error:
        is_refused = error.status is not None and 400 <= error.status < 500 and error.token != "AcmeRateLimited"
        if error.remote_code in _NO_ACCOUNT or (is_all_told and is_refused):
            return None
        raise
    return _held(session, answer)


def _held(session: AcmeSession, answer: Answer) -> str:
    """The account's URL, where it is one that can be used."""
    status = answer.json().get("status", "valid")
    if status != "valid":
        status = one_line(str(status))
        raise RemoteError(
            "AcmeAccountRefused",
            f"The account at {session.ca} is {status}. Such an account is never valid again. {NEW_ACCOUNT}",
            service=session.ca,
            operation="newAccount",
            remote_code=status,
            transient=False,
        )
    session.account_url = answer.location
    return answer.location
