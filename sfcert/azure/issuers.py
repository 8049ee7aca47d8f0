"""Where else can an issuer be had? The `Issuers` port: an address inside the leaf, or the vault's PFX. Floor 5.

An AIA address is fetched over plain http, bounded in size and time, without following redirects; what comes back is
believed only where its key verifies the leaf. A PFX is read only where the operator said --read-secret.
Source: RFC 5280 section 4.2.2.1.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sfcert.azure.failures import of_answer, of_exception, unreachable
from sfcert.azure.retries import Retries
from sfcert.errors import RemoteError
from sfcert.pki import read_pem_chain
from sfcert.pki.pfx import chain_of_pfx

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

AIA_LIMIT = 64 * 1024
AIA_TIMEOUT_S = 10.0


class RemoteIssuers:
    """The `Issuers` port. `credential` None: no PFX can be read."""

    def __init__(
        self, retries: Retries, *, credential: TokenCredential | None = None, connection_verify: str | None = None
    ) -> None:
        self._retries = retries
        self._credential = credential
        self._options: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 60}
        if connection_verify is not None:
            self._options["connection_verify"] = connection_verify
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def fetch_by_aia(self, url: str) -> bytes:
        import requests

        service, operation = f"the issuer's address {urlsplit(url).netloc}", f"GET {urlsplit(url).path}"
        if urlsplit(url).scheme.lower() != "http":
            raise unreachable(service, operation, "only plain http is fetched")
        ends = time.monotonic() + AIA_TIMEOUT_S
        received = b""
        try:
            with requests.get(url, timeout=AIA_TIMEOUT_S / 2, stream=True, allow_redirects=False) as answer:
                if answer.status_code != 200:
                    now = self._retries.clock.now()
                    raise of_answer(service, operation, answer.status_code, answer.headers, "", now=now)
                for piece in answer.iter_content(8192):
                    received += piece
                    if len(received) > AIA_LIMIT or time.monotonic() > ends:
                        raise unreachable(service, operation, f"more than {AIA_LIMIT} bytes or {AIA_TIMEOUT_S:.0f} s")
        except requests.RequestException as error:
            raise unreachable(service, operation, type(error).__name__) from error
        return received

    def fetch_pfx_chain(self, vault_url: str, name: str, version: str) -> list[bytes]:
        service, operation = f"Key Vault {urlsplit(vault_url).netloc}", f"GET /secrets/{name}/{version}"

        def send() -> tuple[str, str]:
            client = self._client(vault_url)
            try:
                secret = client.get_secret(name, version)
            except Exception as error:  # of_exception raises again what is not the SDK's own
                raise of_exception(service, operation, error, now=self._retries.clock.now()) from error
            return str(secret.value), str(secret.properties.content_type or "")

        value, kind = self._retries.call(send, is_repeatable=True)
        try:
            if "pem" in kind.lower() or value.startswith("-----BEGIN"):
                return [one.der for one in read_pem_chain(value.encode())[1:]]
            return [one.der for one in chain_of_pfx(base64.b64decode(value))]
        except (ValueError, binascii.Error) as error:
            raise RemoteError(
                "RemoteFailed",
                f"{service}: the secret {name} is neither a PFX nor PEM, so its chain cannot be read.",
                service=service,
                operation=operation,
                transient=False,
            ) from error

    def _client(self, vault_url: str) -> Any:
        if self._credential is None:
            raise RemoteError(
                "CredentialUnavailable",
                "Reading a PFX needs a credential and --read-secret.",
                service=f"Key Vault {urlsplit(vault_url).netloc}",
                operation="GET /secrets",
                transient=False,
            )
        with self._lock:
            if vault_url not in self._clients:
                from azure.keyvault.secrets import SecretClient

                self._clients[vault_url] = SecretClient(
                    vault_url, self._credential, retry_total=0, user_agent="sfcert", **self._options
                )
            return self._clients[vault_url]
