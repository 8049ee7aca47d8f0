"""How is the Key Vault data plane called? The `Vaults` port over azure-keyvault-certificates. Floor 5.

The client's pipeline is used with raw requests: its models drop fields, and policies are compared key by key. Secrets
with keys are never read here (see `issuers`).
Source: the data plane's REST reference, api-version 7.4 and later.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sfcert.azure.failures import of_answer, of_exception
from sfcert.azure.retries import Retries
from sfcert.errors import RemoteError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport

_log = logging.getLogger(__name__)
Json = dict[str, Any]
_API_VERSION = "7.4"


class AzureVaults:
    """The `Vaults` port. Safe to call from several threads; arguments as in `AzureArm`."""

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
        self._clients: dict[str, Any] = {}

    def fetch_names(self, vault_url: str) -> list[str]:
        listed = self._list(vault_url, "/certificates")
        return sorted(str(one.get("id", "")).rstrip("/").rsplit("/", 1)[-1] for one in listed)

    def fetch_certificate(self, vault_url: str, name: str) -> Json:
        """As the port says. Versions: every enabled one and the newest, with bytes; the policy is None where only the
        policy is refused; a vault that hides bytes of a disabled version leaves what its list showed."""
        policy = self._optional(vault_url, f"/certificates/{name}/policy", (403,))
        listed = self._list(vault_url, f"/certificates/{name}/versions")
        if not listed:
            # an unknown name lists as empty: let the vault itself say that it is not there
            self._call("GET", vault_url, f"/certificates/{name}/")
        newest = max(listed, key=_created, default=None)
        versions = [
            self._version(vault_url, name, one)
            for one in listed
            if one is newest or (one.get("attributes") or {}).get("enabled") is not False
        ]
        return {
            "policy": policy,
            "pending": self._optional(vault_url, f"/certificates/{name}/pending", (403, 404)),
            "versions": sorted(versions, key=lambda one: str(one["id"])),
            "tags": (newest or {}).get("tags") or {},
        }

    def put_policy(self, vault_url: str, name: str, policy: Json) -> None:
        self._call("PATCH", vault_url, f"/certificates/{name}/policy", policy)

    def put_tags(self, vault_url: str, name: str, version: str, tags: dict[str, str]) -> None:
        self._call("PATCH", vault_url, f"/certificates/{name}/{version}", {"tags": tags})

    # -- how ----------------------------------------------------------------------------------------------------------

    def _version(self, vault_url: str, name: str, listed: Json) -> Json:
        version = str(listed["id"]).rstrip("/").rsplit("/", 1)[-1]
        try:
            whole = self._call("GET", vault_url, f"/certificates/{name}/{version}")
        except RemoteError as error:
            if error.status not in (403, 404):
                raise
            whole = listed
        wanted = ("id", "kid", "sid", "x5t", "cer", "attributes", "tags")
        return {key: whole[key] for key in wanted if whole.get(key) is not None}

    def _optional(self, vault_url: str, path: str, absent: tuple[int, ...]) -> Json | None:
        try:
            return self._call("GET", vault_url, path)
        except RemoteError as error:
            if error.status in absent:
                return None
            raise

    def _list(self, vault_url: str, path: str) -> list[Json]:
        found: list[Json] = []
        url: str | None = path
        seen: set[str] = set()
        while url and url not in seen:
            seen.add(url)
            page = self._call("GET", vault_url, url)
            found.extend(one for one in page.get("value") or () if isinstance(one, dict))
            following = page.get("nextLink")
            if following and urlsplit(following).netloc.lower() != urlsplit(vault_url).netloc.lower():
                # a direct way in may name the vault's public host: the path and query are what counts
                following = f"{urlsplit(following).path}?{urlsplit(following).query}"
            url = following or None
        return found

    def _call(self, method: str, vault_url: str, path: str, body: Json | None = None) -> Json:
        service = f"Key Vault {urlsplit(vault_url).netloc}"
        operation = f"{method} {urlsplit(path).path}"

        def send() -> Json:
            from azure.core.rest import HttpRequest

            client = self._client(vault_url)
            url = path if path.startswith("https://") else vault_url.rstrip("/") + path
            if "api-version=" not in url:
                url += f"{'&' if '?' in url else '?'}api-version={_API_VERSION}"
            try:
                request = HttpRequest(method, url, json=body, headers={"Accept": "application/json"})
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

        # both writes of this port set a state: doing them twice does the same
        return self._retries.call(send, is_repeatable=True)

    def _client(self, vault_url: str) -> Any:
        with self._lock:
            if vault_url not in self._clients:
                from azure.keyvault.certificates import CertificateClient

                self._clients[vault_url] = CertificateClient(
                    vault_url, self._credential, retry_total=0, user_agent="sfcert", **self._options
                )
            return self._clients[vault_url]


def _created(version: Json) -> tuple[int, int]:
    attributes = version.get("attributes") or {}
    return int(attributes.get("created") or 0), int(attributes.get("nbf") or 0)
