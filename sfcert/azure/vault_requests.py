"""How does a request reach a vault's data plane? One pipeline for every port that speaks to a vault. Floor 5.

Raw requests through the vendor's client: its pipeline answers challenges, its models would drop fields. Leaves out
which requests are made (`vaults`, `enrolment`).
Source: the data plane's REST reference, api-version 7.4 and later.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from sfcert.azure.failures import of_answer, of_exception
from sfcert.azure.retries import Retries
from sfcert.errors import RemoteError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport

_log = logging.getLogger(__name__)
Json = dict[str, Any]
Kind = Literal["certificates", "secrets"]
_API_VERSION = "7.4"


class VaultRequests:
    """Requests to any vault. Safe to call from several threads; arguments as in `AzureArm`."""

    def __init__(
        self,
        credential: TokenCredential,
        retries: Retries,
        *,
        connection_verify: str | None = None,
        transport: RequestsTransport | None = None,
    ) -> None:
        self._credential = credential
        self._retries = retries
        self._options: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 60}
        if connection_verify is not None:
            self._options["connection_verify"] = connection_verify
        if transport is not None:
            self._options = {"transport": transport}
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, Kind], Any] = {}
        self._first_lock = threading.Lock()
        self._used: set[tuple[str, Kind]] = set()

    def call(
        self,
        method: str,
        vault_url: str,
        path: str,
        body: Json | None = None,
        *,
        is_repeatable: bool = True,
        kind: Kind = "certificates",
    ) -> Json:
        """The answer's JSON object, {} where it is empty.

        Args:
            path: below the vault, with its query if any; or a whole URL, as a list's nextLink is.
            is_repeatable: whether doing it twice does the same; False: an ambiguous failure is not tried again.

        Raises:
            RemoteError: every failure, after the retries that the table allows.
        """
        service = f"Key Vault {urlsplit(vault_url).netloc}"
        operation = f"{method} {urlsplit(path).path}"
        url = path if path.startswith("https://") else vault_url.rstrip("/") + path
        if "api-version=" not in url:
            url += f"{'&' if '?' in url else '?'}api-version={_API_VERSION}"

        def send() -> Json:
            from azure.core.rest import HttpRequest

            client = self._client(vault_url, kind)
            try:
                request = HttpRequest(method, url, json=body, headers={"Accept": "application/json"})
                with self._first(vault_url, kind):
                    response = client.send_request(request)
                text = response.text()
            except Exception as error:  # of_exception raises again what is not the SDK's own
                raise of_exception(service, operation, error, now=self._retries.clock.now()) from error
            _log.debug("%s %s: %s", service, operation, response.status_code)
            if response.status_code >= 400:
                now = self._retries.clock.now()
                raise of_answer(service, operation, response.status_code, dict(response.headers), text, now=now)
            found = json.loads(text) if text.strip() else {}
            return found if isinstance(found, dict) else {"value": found}

        return self._retries.call(send, is_repeatable=is_repeatable)

    def optional(
        self,
        method: str,
        vault_url: str,
        path: str,
        absent: tuple[int, ...],
        body: Json | None = None,
        *,
        kind: Kind = "certificates",
    ) -> Json | None:
        """As `call`; None where the vault answers with one of the statuses that mean: not there, or not for you."""
        try:
            return self.call(method, vault_url, path, body, kind=kind)
        except RemoteError as error:
            if error.status in absent:
                return None
            raise

    def listed(self, vault_url: str, path: str) -> list[Json]:
        """Every item of a list, all pages."""
        found: list[Json] = []
        url: str | None = path
        seen: set[str] = set()
        while url and url not in seen:
            seen.add(url)
            page = self.call("GET", vault_url, url)
            found.extend(one for one in page.get("value") or () if isinstance(one, dict))
            following = page.get("nextLink")
            # a direct way in may name the vault's public host: the path and query are what counts
            url = f"{urlsplit(following).path}?{urlsplit(following).query}" if following else None
        return found

    @contextmanager
    def _first(self, vault_url: str, kind: Kind) -> Iterator[None]:
        """Around a client's first request nobody else uses it: it is challenged, and until its token is there the
        client's policy takes the token away from whoever else is about to send. Later requests wait for nobody."""
        if (vault_url, kind) not in self._used:
            with self._first_lock:
                if (vault_url, kind) not in self._used:
                    yield
                    self._used.add((vault_url, kind))
                    return
        yield

    def _client(self, vault_url: str, kind: Kind) -> Any:
        with self._lock:
            if (vault_url, kind) not in self._clients:
                self._clients[vault_url, kind] = _client_of(kind)(
                    vault_url, self._credential, retry_total=0, user_agent="sfcert", **self._options
                )
            return self._clients[vault_url, kind]


def _client_of(kind: Kind) -> Any:
    if kind == "secrets":
        from azure.keyvault.secrets import SecretClient

        return SecretClient
    from azure.keyvault.certificates import CertificateClient

    return CertificateClient


def newest_by_creation(version: Json) -> tuple[int, int]:
    """A sort key for listed versions: when they were created, then their NotBefore, epoch seconds."""
    attributes = version.get("attributes") or {}
    return int(attributes.get("created") or 0), int(attributes.get("nbf") or 0)
