"""How is one request sent to a CA? Signed, with a nonce, and again where the CA only asks for that. Floor 5.

    what                                       what is done
    badNonce                                   sent again with the nonce of the answer, at most `_NONCE_TRIES` times
    429 or 503 with a short Retry-After        waited and sent again: the request was not taken
    500, 502, 504, broken connection           sent again if the request changes nothing at the CA
    3xx for a signed request, no https         refused: a signature names the address that it is for
    everything else that refuses               an error of `problems`

Waits go by the Clock port. One session serves many orders of the same account, from several threads.
Source: RFC 8555, sections 6.1 to 6.7.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3.exceptions

from sfcert.acme.holding import Holding
from sfcert.acme.keys import AccountKey
from sfcert.acme.patience import Patience
from sfcert.acme.problems import read_problem, refusal, retry_after
from sfcert.acme.values import AcmeOptions
from sfcert.errors import InputError, RemoteError
from sfcert.ports import Clock

Json = dict[str, Any]
_NONCE_TRIES = 10
#: base64url, as RFC 8555 (section 6.5.1) has it.
_NONCE = re.compile(r"[A-Za-z0-9_-]+")
_TRIES = 6
_SHORT_WAIT_S = 90.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 20.0
_TIMEOUT_S = (10.0, 60.0)
_LARGEST_ANSWER = 1 << 20
_NOT_TAKEN = frozenset({429, 503})
_AMBIGUOUS = frozenset({500, 502, 504})
#: What an address that nobody can ask ends in; some come up from urllib3 as they are.
_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that does not refuse. `retry_after_s` is None where the CA asked for no wait."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    links: Mapping[str, tuple[str, ...]]
    retry_after_s: float | None

    def json(self) -> Json:
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise unfit("an answer is not a JSON object")
        return found

    @property
    def location(self) -> str:
        """The URL of what was made; every CA names it, some relative to what was asked (RFC 9110, section 10.2.2)."""
        found = _joined(self.url, self.headers.get("Location", ""))
        if not found:
            raise unfit("an answer lacks its Location")
        if _split(found) is None:
            raise unfit(f"its Location {found!a} is no https address")
        return found


class AcmeSession:
    """The way to one CA for one account. A context manager; closing it closes its connections.

    Args:
        holding: shared with other sessions of the process, which may be for the same account; None: there are none.
    """

    def __init__(self, options: AcmeOptions, key: AccountKey, clock: Clock, *, holding: Holding | None = None) -> None:
        parts = _split(options.directory_url)
        if parts is None:
            raise InputError(
                "AcmeOptionsInvalid", f"The directory {options.directory_url!r} is no https address: give the CA's own."
            )
        self.options = options
        self.key = key
        self.clock = clock
        self.holding = holding or Holding()
        self.ca = parts.netloc
        self.account_url: str | None = None
        self._http = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
        self._http.mount("https://", adapter)
        # nothing goes in the clear, not even where a redirect leads there
        self._http.adapters.pop("http://")
        self._http.headers["User-Agent"] = "sfcert"
        self._verify: str | bool = _roots(options.ca_file)
        self._nonces: list[str] = []
        self._lock = threading.Lock()
        self._directory: Json | None = None
        self._here = threading.local()

    def __enter__(self) -> AcmeSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def calls(self) -> int:
        """Requests that this thread has sent, every try counted."""
        return int(getattr(self._here, "sent", 0))

    @property
    def until_utc(self) -> datetime | None:
        """When the time for what this thread does is over; None where it has no end."""
        found: datetime | None = getattr(self._here, "until_utc", None)
        return found

    @contextmanager
    def until(self, until_utc: datetime | None) -> Iterator[None]:
        """No wait of this thread goes beyond that instant meanwhile."""
        before, self._here.until_utc = self.until_utc, until_utc
        try:
            yield
        finally:
            self._here.until_utc = before

    def patience(self) -> Patience:
        """For the wait for one thing, begun now."""
        return Patience(self.ca, self.clock, longest_s=self.options.patience_s, until_utc=self.until_utc)

    @property
    def directory(self) -> Json:
        """The CA's directory, fetched once.

        Raises:
            RemoteError: `AcmeServerUnfit` where it is none.
        """
        if self._directory is None:
            found = self.fetch(self.options.directory_url, "directory").json()
            missing = [one for one in ("newNonce", "newAccount", "newOrder") if not isinstance(found.get(one), str)]
            if missing:
                raise unfit(f"{self.options.directory_url} names no {', '.join(missing)}")
            self._directory = found
        return self._directory

    @property
    def meta(self) -> Json:
        found = self.directory.get("meta")
        return found if isinstance(found, dict) else {}

    # -- requests -----------------------------------------------------------------------------------------------------

    def fetch(self, url: str, operation: str) -> Answer:
        """A plain GET, as the directory and renewal information want it."""
        return self._again(lambda: self._send("GET", url), operation, is_repeatable=True)

    def read(self, url: str, operation: str) -> Answer:
        """A POST-as-GET by the account."""
        return self._again(lambda: self._signed(url, b"", self.account_url), operation, is_repeatable=True)

    def post(
        self, url: str, payload: Json, operation: str, *, is_repeatable: bool = False, by_key: bool = False
    ) -> Answer:
        """A signed POST.

        Args:
            is_repeatable: sending it twice does the same, so it is sent again where nobody knows what became of it.
            by_key: signed by the public key itself, as a new account has to.
        """
        data = json.dumps(payload).encode()
        account = None if by_key else self.account_url
        return self._again(lambda: self._signed(url, data, account), operation, is_repeatable=is_repeatable)

    # -- how ----------------------------------------------------------------------------------------------------------

    def _again(self, send: Any, operation: str, *, is_repeatable: bool) -> Answer:
        wait_s = _FIRST_WAIT_S
        for attempt in range(1, _TRIES + 1):
            is_last = attempt == _TRIES
            try:
                response: requests.Response = send()
            except _NO_ADDRESS as error:
                raise unfit(f"{operation} leads to an address that cannot be asked") from error
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
                    why = "its certificate is not trusted; name the roots with a CA file"
                    raise self._unreachable(operation, why) from error
                if is_last or not is_repeatable:
                    raise self._unreachable(operation, type(error).__name__) from error
                self.clock.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
                continue
            asked_s = retry_after(response.headers.get("Retry-After"), self.clock.now())
            if response.status_code < 300:
                return self._answer(response, asked_s)
            if response.status_code < 400:
                raise unfit(f"{operation} is answered by a redirect (HTTP {response.status_code})")
            may = response.status_code in _NOT_TAKEN or (response.status_code in _AMBIGUOUS and is_repeatable)
            pause_s = max(asked_s, _FIRST_WAIT_S) if asked_s is not None else wait_s
            ends = self.until_utc
            if ends is not None and self.clock.now() + timedelta(seconds=pause_s) >= ends:
                may = False
            if response.status_code == 429 and asked_s is None:
                # without a wait, a rate limit is one of the long ones
                may = False
            if is_last or not may or pause_s > _SHORT_WAIT_S:
                raise refusal(
                    read_problem(response.content),
                    ca=self.ca,
                    operation=operation,
                    status=response.status_code,
                    retry_after_s=asked_s,
                    now=self.clock.now(),
                )
            self.clock.sleep(pause_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        raise AssertionError("the last try returns or raises")

    def _signed(self, url: str, payload: bytes, account_url: str | None) -> requests.Response:
        """One signed request, with a fresh nonce until one is taken."""
        for _ in range(_NONCE_TRIES - 1):
            response = self._signed_once(url, payload, account_url)
            if response.status_code < 400 or read_problem(response.content).type != "badNonce":
                return response
        return self._signed_once(url, payload, account_url)

    def _signed_once(self, url: str, payload: bytes, account_url: str | None) -> requests.Response:
        nonce = self._nonce()
        if not isinstance(nonce, str):
            return nonce
        data = self.key.sign(payload, nonce=nonce, url=url, account_url=account_url)
        return self._send("POST", url, data=data, headers={"Content-Type": "application/jose+json"})

    def _nonce(self) -> str | requests.Response:
        """A nonce that nobody has used, or the CA's answer where it refuses to give one: busy CAs say so here first."""
        with self._lock:
            if self._nonces:
                return self._nonces.pop()
        url = str(self.directory["newNonce"])
        response = self._send("HEAD", url, keep_nonce=False)
        if response.status_code in _NOT_TAKEN | _AMBIGUOUS:
            return response
        nonce = response.headers.get("Replay-Nonce")
        if not nonce or not _NONCE.fullmatch(nonce):
            raise unfit(f"{url} gives no Replay-Nonce (HTTP {response.status_code})")
        return nonce

    def _send(
        self,
        method: str,
        url: str,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        keep_nonce: bool = True,
    ) -> requests.Response:
        if _split(url) is None:
            raise unfit(f"{url!a} is no https address")
        self._here.sent = self.calls + 1
        response = self._http.request(
            method,
            url,
            data=data,
            headers=dict(headers or {}),
            verify=self._verify,
            timeout=_TIMEOUT_S,
            allow_redirects=method in ("GET", "HEAD"),
        )
        nonce = response.headers.get("Replay-Nonce")
        if nonce and keep_nonce and _NONCE.fullmatch(nonce):
            with self._lock:
                self._nonces.append(nonce)
        if len(response.content) > _LARGEST_ANSWER:
            raise unfit(f"{url} answers with {len(response.content)} bytes")
        return response

    def _answer(self, response: requests.Response, asked_s: float | None) -> Answer:
        links: dict[str, tuple[str, ...]] = {}
        # requests' own `links` keeps one of each relation; a chain may have several alternates
        for one in requests.utils.parse_header_links(response.headers.get("Link", "")):
            target = _joined(response.url, str(one.get("url", "")))
            for relation in str(one.get("rel", "")).lower().split() if target else ():
                links[relation] = (*links.get(relation, ()), target)
        return Answer(response.url, response.status_code, response.headers, response.content, links, asked_s)

    def _unreachable(self, operation: str, why: str) -> RemoteError:
        return RemoteError(
            "RemoteUnreachable",
            f"{self.ca} does not answer {operation} ({why}). Run this again: an order that stands is taken up.",
            service=self.ca,
            operation=operation,
            transient=True,
        )


def _split(url: str) -> SplitResult | None:
    """The parts of an https address; None where it is none."""
    try:
        parts = urlsplit(url)
        # read here, where a port that is none is found out
        is_address = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        return None
    return parts if is_address else None


def _joined(base: str, reference: str) -> str:
    """The address that a header names, as it may be relative; empty where it names none."""
    try:
        return urljoin(base, reference) if reference else ""
    except ValueError:
        return ""


def _roots(ca_file: str | None) -> str | bool:
    """What the CA's HTTPS is checked against; tried here, where a wrong file can still be told from a wrong server."""
    if ca_file is None:
        return True
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InputError("FileUnreadable", f"{ca_file} is no PEM file of roots that can be read ({error}).") from error
    return ca_file


def unfit(what: str) -> RemoteError:
    return RemoteError(
        "AcmeServerUnfit",
        f"The CA does not speak ACME as expected: {what}. Check the directory's address.",
        service="ACME",
        operation="directory",
        transient=False,
    )
