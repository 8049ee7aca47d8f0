"""How is the Key Vault data plane called? The `Vaults` port over azure-keyvault-certificates. Floor 5.

The client's pipeline is used with raw requests: its models drop fields, and policies are compared key by key. Secrets
with keys are never read here (see `issuers`).
Source: the data plane's REST reference, api-version 7.4 and later.
"""

from __future__ import annotations

from typing import Any

from sfcert.azure.vault_requests import VaultRequests, newest_by_creation
from sfcert.errors import RemoteError

Json = dict[str, Any]


class AzureVaults:
    """The `Vaults` port over one pipeline of requests. Safe to call from several threads."""

    def __init__(self, requests: VaultRequests) -> None:
        self._requests = requests

    def fetch_names(self, vault_url: str) -> list[str]:
        listed = self._requests.listed(vault_url, "/certificates")
        return sorted(str(one.get("id", "")).rstrip("/").rsplit("/", 1)[-1] for one in listed)

    def fetch_certificate(self, vault_url: str, name: str) -> Json:
        """As the port says. Versions: every enabled one and the newest, with bytes; the policy is None where only the
        policy is refused; a vault that hides bytes of a disabled version leaves what its list showed."""
        policy = self._requests.optional("GET", vault_url, f"/certificates/{name}/policy", (403,))
        listed = self._requests.listed(vault_url, f"/certificates/{name}/versions")
        if not listed:
            # an unknown name lists as empty: let the vault itself say that it is not there
            self._requests.call("GET", vault_url, f"/certificates/{name}/")
        newest = max(listed, key=newest_by_creation, default=None)
        versions = [
            self._version(vault_url, name, one)
            for one in listed
            if one is newest or (one.get("attributes") or {}).get("enabled") is not False
        ]
        return {
            "policy": policy,
            "pending": self._requests.optional("GET", vault_url, f"/certificates/{name}/pending", (403, 404)),
            "versions": sorted(versions, key=lambda one: str(one["id"])),
            "tags": (newest or {}).get("tags") or {},
        }

    def put_policy(self, vault_url: str, name: str, policy: Json) -> None:
        # doing it twice would do no harm, but whoever calls looks first what became of a write whose answer was lost
        self._requests.call("PATCH", vault_url, f"/certificates/{name}/policy", policy, is_repeatable=False)

    def put_tags(self, vault_url: str, name: str, version: str, tags: dict[str, str]) -> None:
        path = f"/certificates/{name}/{version}"
        self._requests.call("PATCH", vault_url, path, {"tags": tags}, is_repeatable=False)

    # -- how ----------------------------------------------------------------------------------------------------------

    def _version(self, vault_url: str, name: str, listed: Json) -> Json:
        version = str(listed["id"]).rstrip("/").rsplit("/", 1)[-1]
        try:
            whole = self._requests.call("GET", vault_url, f"/certificates/{name}/{version}")
        except RemoteError as error:
            if error.status not in (403, 404):
                raise
            whole = listed
        wanted = ("id", "kid", "sid", "x5t", "cer", "attributes", "tags")
        return {key: whole[key] for key in wanted if whole.get(key) is not None}
