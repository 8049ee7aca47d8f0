"""How does enrolment reach a vault? The `EnrolmentVault` port over azure-keyvault-certificates and -secrets. Floor 5.

Raw requests through the client's pipeline, as in `vaults`: policies are written back key by key. The one secret that
is read is an ACME account's key, in memory; certificates' private keys never leave the vault through here.
Source: the data plane's REST reference, api-version 7.4, and 2025-07-01 for names that those until 7.6 do not know
(Azure/azure-rest-api-specs, keyvault/data-plane/Certificates, `SubjectAlternativeNames`); service-fabric.md 6.2 and 6.3
of the project's reference.
"""

from __future__ import annotations

import base64
from typing import Any

from sfcert.azure.vault_requests import VaultRequests, newest_by_creation
from sfcert.errors import RemoteError

Json = dict[str, Any]
JWK = "application/jwk+json"
#: The first api-version whose policies have the names `uris` and `ipAddresses`.
_WITH_ALL_NAMES = "?api-version=2025-07-01"


class AzureEnrolmentVault:
    """The `EnrolmentVault` port over one pipeline of requests. Safe to call from several threads."""

    def __init__(self, requests: VaultRequests) -> None:
        self._requests = requests

    # -- reading ----------------------------------------------------------------------------------------------------

    def fetch_names(self, vault_url: str) -> list[str]:
        listed = self._requests.listed(vault_url, "/certificates?includePending=true")
        return sorted({str(one.get("id", "")).rstrip("/").rsplit("/", 1)[-1] for one in listed})

    def fetch_certificate(self, vault_url: str, name: str) -> Json | None:
        try:
            policy: Json | None = self._policy(vault_url, name)
        except RemoteError as error:
            if error.status not in (403, 404):
                raise
            policy = None
            if error.status == 404:
                return None
        listed = sorted(
            self._requests.listed(vault_url, f"/certificates/{name}/versions"), key=newest_by_creation, reverse=True
        )
        versions = self._newest_first(vault_url, name, listed) if listed else []
        return {
            "policy": policy,
            "pending": self.fetch_pending(vault_url, name),
            "versions": versions,
            "tags": (versions[0].get("tags") if versions else None) or {},
        }

    def fetch_deleted(self, vault_url: str, name: str) -> bool:
        return self._requests.optional("GET", vault_url, f"/deletedcertificates/{name}", (403, 404)) is not None

    def fetch_pending(self, vault_url: str, name: str) -> Json | None:
        return self._requests.optional("GET", vault_url, f"/certificates/{name}/pending", (404,))

    def fetch_issuer(self, vault_url: str, issuer: str) -> Json | None:
        return self._requests.optional("GET", vault_url, f"/certificates/issuers/{issuer}", (404,))

    # -- writing ----------------------------------------------------------------------------------------------------

    def start_create(self, vault_url: str, name: str, policy: Json, tags: dict[str, str]) -> Json:
        # sent twice it would meet its own operation, so an ambiguous answer is not repeated: the caller looks
        body = {"policy": policy, "attributes": {"enabled": True}, "tags": tags}
        path = f"/certificates/{name}/create{_version_for(policy)}"
        return self._requests.call("POST", vault_url, path, body, is_repeatable=False)

    def put_policy(self, vault_url: str, name: str, policy: Json) -> None:
        self._requests.call("PATCH", vault_url, f"/certificates/{name}/policy{_version_for(policy)}", policy)

    def put_tags(self, vault_url: str, name: str, version: str, tags: dict[str, str]) -> None:
        self._requests.call("PATCH", vault_url, f"/certificates/{name}/{version}", {"tags": tags})

    def put_merge(self, vault_url: str, name: str, chain_der: tuple[bytes, ...], tags: dict[str, str]) -> Json:
        body: Json = {"x5c": [base64.b64encode(der).decode("ascii") for der in chain_der]}
        if tags:
            body["tags"] = tags
        return self._requests.call("POST", vault_url, f"/certificates/{name}/pending/merge", body, is_repeatable=False)

    def put_cancel(self, vault_url: str, name: str) -> None:
        # 400: it is not in progress any more, so there is nothing to cancel
        body = {"cancellation_requested": True}
        self._requests.optional("PATCH", vault_url, f"/certificates/{name}/pending", (400, 404), body)

    def put_pending_gone(self, vault_url: str, name: str) -> None:
        self._requests.optional("DELETE", vault_url, f"/certificates/{name}/pending", (404,))

    def put_issuer(self, vault_url: str, issuer: str, body: Json) -> None:
        self._requests.call("PUT", vault_url, f"/certificates/issuers/{issuer}", body)

    def put_import(self, vault_url: str, name: str, value: str, policy: Json, tags: dict[str, str]) -> Json:
        body = {"value": value, "policy": policy, "attributes": {"enabled": True}, "tags": tags}
        path = f"/certificates/{name}/import{_version_for(policy)}"
        return self._requests.call("POST", vault_url, path, body, is_repeatable=False)

    # -- an ACME account's key ----------------------------------------------------------------------------------------

    # by the same pipeline as the certificates: another client would be imported, connected and challenged once more

    def fetch_account_key(self, vault_url: str, secret: str) -> str | None:
        found = self._requests.optional("GET", vault_url, f"/secrets/{secret}", (404,))
        return str(found["value"]) if found is not None and "value" in found else None

    def put_account_key(self, vault_url: str, secret: str, jwk: str) -> None:
        body = {"value": jwk, "contentType": JWK, "attributes": {"enabled": True}}
        self._requests.call("PUT", vault_url, f"/secrets/{secret}", body)

    # -- how ----------------------------------------------------------------------------------------------------------

    def _policy(self, vault_url: str, name: str) -> Json:
        """The policy with names of every kind: a request that is made from it would lose what it does not show."""
        path = f"/certificates/{name}/policy"
        found = self._requests.optional("GET", vault_url, path + _WITH_ALL_NAMES, (400,))
        # a cloud whose vaults do not know that version has no such names either
        return self._requests.call("GET", vault_url, path) if found is None else found

    def _newest_first(self, vault_url: str, name: str, listed: list[Json]) -> list[Json]:
        """The versions with the newest one's bytes; as the list showed it where the vault hides a disabled one.

        Which of two is the newer one the vault knows alone: it tells their age in whole seconds.
        """
        found = self._requests.optional("GET", vault_url, f"/certificates/{name}", (403, 404))
        newest = next((one for one in listed if found is not None and _version(one) == _version(found)), None)
        if found is None or newest is None:
            return listed
        return [found, *(one for one in listed if one is not newest)]


def _version_for(policy: Json) -> str:
    """The query of a request that carries this policy; empty where the usual version has words for it."""
    sans = (policy.get("x509_props") or {}).get("sans") or {}
    return _WITH_ALL_NAMES if sans.get("uris") or sans.get("ipAddresses") else ""


def _version(bundle: Json) -> str:
    return str(bundle.get("id", "")).rstrip("/").rsplit("/", 1)[-1]
