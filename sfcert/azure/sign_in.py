"""Will a failure to sign in pass by itself? A credential that tells so, around the vendor's own. Floor 5.

azure-identity ends every failure as `ClientAuthenticationError`, whatever its cause: a wrong secret, and an Entra that
is busy for a minute, which must not end a run of hours. What passes becomes `SignInUnavailable`, which the house's
table of retries knows: nothing was sent then, so that anything may be tried again. Who has never had a token and gets
no answer at all sits behind a wrong proxy rather than before a bad minute: that is told at once. All else flies on.
Source: azure-identity 1.27 and MSAL 1.39, measured at the embedded Azure: the status stands in the text alone
("HTTP Error: 503", "HTTP status: 429"). Codes: Entra's authentication error codes (learn.microsoft.com,
reference-error-codes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfcert.azure.failures import PASSING, of_exception
from sfcert.errors import RemoteError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential

_SERVICE = "Microsoft Entra ID"
_STATUS = re.compile(r"\bHTTP (?:Error|status): (\d{3})\b")
_CODE = re.compile(r"\b(AADSTS\d+)\b")
#: The sign-in service's own trouble, a request that took too long, the directory's trouble, too many requests.
_PASSING_CODES = frozenset({"AADSTS50000", "AADSTS90012", "AADSTS90033", "AADSTS90055"})
_DEEP = 10


class TellingCredential:
    """The vendor's credential. Safe to call from several threads, as that is.

    Args:
        credential: the one that is asked.
        anew: makes another like it. MSAL answers a token request that ended with 5xx from memory for a minute of wall
            time (its ThrottledHttpClient), so that a retry of ours would ask nobody: another is asked then. What was
            throttled with 429 is left to it. None: nothing is made anew.
    """

    def __init__(self, credential: Any, anew: Callable[[], Any] | None = None) -> None:
        self._credential = credential
        self._anew = anew
        self._has_had_one = False

    def __repr__(self) -> str:
        return f"TellingCredential({type(self._credential).__name__})"

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As azure-core's `TokenCredential` says.

        Raises:
            RemoteError: SignInUnavailable. ClientAuthenticationError: what does not pass by itself.
        """
        found: AccessToken = self._asked(self._credential.get_token, scopes, options)
        return found

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """As azure-core's `SupportsTokenInfo` says; raises as `get_token`."""
        found: AccessTokenInfo = self._asked(self._credential.get_token_info, scopes, options)
        return found

    def close(self) -> None:
        self._credential.close()

    def __enter__(self) -> TellingCredential:
        self._credential.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        self._credential.__exit__(*ended)

    def _asked(self, ask: Any, scopes: tuple[str, ...], options: dict[str, Any]) -> Any:
        from azure.core.exceptions import AzureError

        try:
            found = ask(*scopes, **options)
        except AzureError as error:
            passing = passing_reason(error)
            if passing is None:
                raise
            target = scopes[0].removesuffix("/.default") if scopes else "anything"
            passes = passing.is_answer or self._has_had_one
            if passing.is_broken and self._anew is not None:
                self._credential = self._anew()
            what_now = "run this again" if passes else "check the network and HTTPS_PROXY, NO_PROXY"
            raise RemoteError(
                "SignInUnavailable",
                f"{_SERVICE} gives no token for {target}: {passing.why}. Nothing was sent; {what_now}.",
                service=_SERVICE,
                operation=f"sign in to {target}",
                transient=passes,
            ) from error
        self._has_had_one = True
        return found


def fetch_token(credential: TokenCredential, application: str, service: str, *, now: datetime) -> str:
    """A token for an application that is called without a client of the vendor's.

    Args:
        service: whom the token is for, in the messages.

    Raises:
        RemoteError: SignInUnavailable, CredentialUnavailable.

    Effects: asks the credential, which keeps tokens while they are good.
    """
    try:
        return str(credential.get_token(f"{application}/.default").token)
    except Exception as error:  # of_exception raises again what is not the SDK's own
        raise of_exception(service, f"sign in to {application}", error, now=now) from error


@dataclass(frozen=True, slots=True)
class Passing:
    """Why a failure to sign in may pass by itself, in a few words.

    `is_answer`: somebody answered, and said so. `is_broken`: with 5xx.
    """

    why: str
    is_answer: bool = True
    is_broken: bool = False


def passing_reason(error: BaseException) -> Passing | None:
    """What makes this failure to sign in one that passes; None where it will not, or nobody can tell."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    for one in _causes(error):
        first = (str(one).splitlines() or [""])[0].strip()
        if isinstance(one, ServiceRequestError | ServiceResponseError):
            return Passing(first or type(one).__name__, is_answer=False)
        status = one.status_code if isinstance(one, HttpResponseError) else None
        told = _STATUS.search(str(one))
        status = status or (int(told[1]) if told else None)
        if status is not None and status in PASSING:
            return Passing(f"HTTP {status}", is_broken=status >= 500)
        code = _CODE.search(first)
        if code and code[1] in _PASSING_CODES:
            return Passing(first[code.start() :].rstrip("."))
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(_DEEP):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__
