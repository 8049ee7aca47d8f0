"""How does enrolment reach a vault? The `EnrolmentVault` port over azure-keyvault-certificates and -secrets. Floor 5.

Raw requests through the client's pipeline, as in `vaults`: policies are written back key by key. The one secret that
is read is an ACME account's key, in memory; certificates' private keys never leave the vault through here.
Source: the data plane's REST reference, api-version 7.4; service-fabric.md 6.2 and 6.3 of the project's reference.
"""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sfcert.azure.failures import of_answer, of_exception
from sfcert.azure.retries import Retries
from sfcert.errors import RemoteError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Json = dict[str, Any]
_API_VERSION = "7.4"
JWK = "application/jwk+json"


class AzureEnrolmentVault:
    """The `EnrolmentVault` port. Safe to call from several threads."""

    def __init__(self, credential: TokenCredential, retries: Retries, *, connection_verify: str | None = None) -> None:
        self._credential = credential
        self._retries = retries
        self._options: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 60}
        if connection_verify is not None:
            self._options["connection_verify"] = connection_verify
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    # -- reading ----------------------------------------------------------------------------------------------------

    def fetch_names(self, vault_url: str) -> list[str]:
        listed = self._list(vault_url, "/certificates?includePending=true")
        return sorted({str(one.get("id", "")).rstrip("/").rsplit("/", 1)[-1] for one in listed})

    def fetch_certificate(self, vault_url: str, name: str) -> Json | None:
        try:
            policy: Json | None = self._call("GET", vault_url, f"/certificates/{name}/policy")
        except RemoteError as error:
            if error.status not in (403, 404):
                raise
            policy = None
            if error.status == 404:
                return None
        listed = sorted(self._list(vault_url, f"/certificates/{name}/versions"), key=_created, reverse=True)
        versions = [self._whole(vault_url, name, listed[0]), *listed[1:]] if listed else []
        return {
            "policy": policy,
            "pending": self.fetch_pending(vault_url, name),
            "versions": versions,
            "tags": (versions[0].get("tags") if versions else None) or {},
        }

    def fetch_deleted(self, vault_url: str, name: str) -> bool:
        return self._optional("GET", vault_url, f"/deletedcertificates/{name}", (403, 404)) is not None

    def fetch_pending(self, vault_url: str, name: str) -> Json | None:
        return self._optional("GET", vault_url, f"/certificates/{name}/pending", (404,))

    def fetch_issuer(self, vault_url: str, issuer: str) -> Json | None:
        return self._optional("GET", vault_url, f"/certificates/issuers/{issuer}", (404,))

    # -- writing ----------------------------------------------------------------------------------------------------

    def start_create(self, vault_url: str, name: str, policy: Json, tags: dict[str, str]) -> Json:
        # sent twice it would meet its own operation, so an ambiguous answer is not repeated: the caller looks
        body = {"policy": policy, "attributes": {"enabled": True}, "tags": tags}
        return self._call("POST", vault_url, f"/certificates/{name}/create", body, is_repeatable=False)

    def put_policy(self, vault_url: str, name: str, policy: Json) -> None:
        self._call("PATCH", vault_url, f"/certificates/{name}/policy", policy)

    def put_tags(self, vault_url: str, name: str, version: str, tags: dict[str, str]) -> None:
        self._call("PATCH", vault_url, f"/certificates/{name}/{version}", {"tags": tags})

    def put_merge(self, vault_url: str, name: str, chain_der: tuple[bytes, ...], tags: dict[str, str]) -> Json:
        body: Json = {"x5c": [base64.b64encode(der).decode("ascii") for der in chain_der]}
        if tags:
            body["tags"] = tags
        return self._call("POST", vault_url, f"/certificates/{name}/pending/merge", body, is_repeatable=False)

    def put_cancel(self, vault_url: str, name: str) -> None:
        # 400: it is not in progress any more, so there is nothing to cancel
        body = {"cancellation_requested": True}
        self._optional("PATCH", vault_url, f"/certificates/{name}/pending", (400, 404), body)

    def put_pending_gone(self, vault_url: str, name: str) -> None:
        self._optional("DELETE", vault_url, f"/certificates/{name}/pending", (404,))

    def put_issuer(self, vault_url: str, issuer: str, body: Json) -> None:
        self._call("PUT", vault_url, f"/certificates/issuers/{issuer}", body)

    def put_import(self, vault_url: str, name: str, value: str, policy: Json, tags: dict[str, str]) -> Json:
        body = {"value": value, "policy": policy, "attributes": {"enabled": True}, "tags": tags}
        return self._call("POST", vault_url, f"/certificates/{name}/import", body, is_repeatable=False)

    # -- an ACME account's key ----------------------------------------------------------------------------------------

    def fetch_account_key(self, vault_url: str, secret: str) -> str | None:
        found = self._optional("GET", vault_url, f"/secrets/{secret}", (404,), kind="secrets")
        return str(found["value"]) if found is not None and "value" in found else None

    def put_account_key(self, vault_url: str, secret: str, jwk: str) -> None:
        body = {"value": jwk, "contentType": JWK, "attributes": {"enabled": True}}
        self._call("PUT", vault_url, f"/secrets/{secret}", body, kind="secrets")

    # -- how ----------------------------------------------------------------------------------------------------------

    def _whole(self, vault_url: str, name: str, listed: Json) -> Json:
        """The version with its bytes; what the list showed where the vault hides a disabled one."""
        version = str(listed["id"]).rstrip("/").rsplit("/", 1)[-1]
        return self._optional("GET", vault_url, f"/certificates/{name}/{version}", (403, 404)) or listed

    def _optional(
        self,
        method: str,
        vault_url: str,
        path: str,
        absent: tuple[int, ...],
        body: Json | None = None,
        *,
        kind: str = "certificates",
    ) -> Json | None:
        try:
            return self._call(method, vault_url, path, body, kind=kind)
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
            url = f"{urlsplit(following).path}?{urlsplit(following).query}" if following else None
        return found

    def _call(
        self,
        method: str,
        vault_url: str,
        path: str,
        body: Json | None = None,
        *,
        is_repeatable: bool = True,
        kind: str = "certificates",
    ) -> Json:
        service = f"Key Vault {urlsplit(vault_url).netloc}"
        operation = f"{method} {urlsplit(path).path}"
        url = f"{vault_url.rstrip('/')}{path}"
        if "api-version=" not in url:
            url += f"{'&' if '?' in url else '?'}api-version={_API_VERSION}"

        def send() -> Json:
            from azure.core.rest import HttpRequest

            client = self._client(vault_url, kind)
            try:
                request = HttpRequest(method, url, json=body, headers={"Accept": "application/json"})
                response = client.send_request(request)
                text = response.text()
            except Exception as error:  # of_exception raises again what is not the SDK's own
                raise of_exception(service, operation, error, now=self._retries.clock.now()) from error
            if response.status_code >= 400:
                now = self._retries.clock.now()
                raise of_answer(service, operation, response.status_code, dict(response.headers), text, now=now)
            found = json.loads(text) if text.strip() else {}
            return found if isinstance(found, dict) else {"value": found}

        return self._retries.call(send, is_repeatable=is_repeatable)

    def _client(self, vault_url: str, kind: str) -> Any:
        with self._lock:
            if (vault_url, kind) not in self._clients:
                from azure.keyvault.certificates import CertificateClient
                from azure.keyvault.secrets import SecretClient

                made: Any = CertificateClient if kind == "certificates" else SecretClient
                self._clients[vault_url, kind] = made(
                    vault_url, self._credential, retry_total=0, user_agent="sfcert", **self._options
                )
            return self._clients[vault_url, kind]


def _created(version: Json) -> tuple[int, int]:
    attributes = version.get("attributes") or {}
    return int(attributes.get("created") or 0), int(attributes.get("nbf") or 0)
