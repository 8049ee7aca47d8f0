"""Which vaults are there, and what do nodes and worlds get from them? The Python face of the data plane.

Nodes ask through `secret` and `newest_two` as they would over HTTP, access check included. World builders put
certificates in with `import_version`, choose the authority behind an issuer with `bind_issuer`, and stage surprises
with `renew_now`. The vault resource itself is Microsoft.KeyVault's (see control).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from sfcert.sim.authority.authorities import Authorities, Issued
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.clock import Event
from sfcert.sim.kernel.resources import Resource
from sfcert.sim.keyvault.access import Access, Visitor
from sfcert.sim.keyvault.content import secret_value
from sfcert.sim.keyvault.deletion import Deletions
from sfcert.sim.keyvault.failures import VaultFailure, forbidden
from sfcert.sim.keyvault.lifecycle import Lifecycle, NewVersion
from sfcert.sim.keyvault.state import SecretVersion, StoredVersion, VaultContent

VAULT_TYPE = "Microsoft.KeyVault/vaults"
DNS_SUFFIX = "vault.azure.net"


@dataclass(slots=True)
class DeletedVault:
    """A vault after its deletion: name, location and id as they were, and when it goes for good."""

    resource: Resource
    content: VaultContent
    deleted_at: datetime
    purge_at: datetime
    timer: Event


class Vaults:
    """All vaults of the tenant by host name."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._content: dict[str, VaultContent] = {}
        self._packed: dict[str, str] = {}
        self.deleted: dict[str, DeletedVault] = {}
        self.access = Access(azure)
        self.lifecycle = Lifecycle(azure)
        self.deletions = Deletions(azure, self.lifecycle)
        azure.faults.declare("vault-issuer-refuses", "Every issuer of every vault refuses what is asked of it.")
        azure.faults.declare(
            "vault-serves-expired",
            "A vault hands out the secret of an expired certificate: the other reading of the vendor's pages.",
        )

    def status(self) -> dict[str, Any]:
        """What each vault holds, for people: no key and no secret."""
        return {
            content.vault: {
                owner.name: {
                    "versions": len(owner.versions),
                    "latest": owner.latest.thumbprint if owner.latest else None,
                    "enabled": owner.latest.enabled if owner.latest else None,
                    "pending": owner.pending.status if owner.pending else None,
                }
                for owner in content.certificates.values()
                if not owner.deleted
            }
            for content in self._content.values()
        }

    # -- which vault --------------------------------------------------------------------------------------------------

    def resource(self, vault_url: str) -> Resource:
        """The vault that this URL, host or name means.

        Raises:
            VaultFailure: 404 VaultNotFound; over the network the name would not resolve.
        """
        name = vault_name(vault_url)
        for resource in self._azure.resources.of_type(VAULT_TYPE):
            if resource.id.name.lower() == name:
                return resource
        raise VaultFailure(404, "VaultNotFound", f"The vault '{name}' was not found: its host name does not resolve.")

    def exists(self, vault_url: str) -> bool:
        name = vault_name(vault_url)
        return any(one.id.name.lower() == name for one in self._azure.resources.of_type(VAULT_TYPE))

    def hosts(self) -> tuple[str, ...]:
        """The host name of every vault, in order of creation."""
        return tuple(f"{one.id.name.lower()}.{DNS_SUFFIX}" for one in self._azure.resources.of_type(VAULT_TYPE))

    def content(self, vault_url: str) -> VaultContent:
        name = self.resource(vault_url).id.name.lower()
        return self._content.setdefault(name, VaultContent(name))

    def take_content(self, name: str) -> VaultContent:
        """Remove and return a vault's data, for its deletion."""
        return self._content.pop(name.lower(), None) or VaultContent(name.lower())

    def put_content(self, name: str, content: VaultContent) -> None:
        self._content[name.lower()] = content

    def version_of(self, thumbprint: str) -> StoredVersion | None:
        """The certificate version with this thumbprint, in whichever vault it lies; None where it is in none."""
        every = (
            version
            for content in self._content.values()
            for certificate in content.certificates.values()
            for version in certificate.versions
        )
        return next((one for one in every if one.thumbprint == thumbprint.upper()), None)

    # -- what nodes and platform ask ----------------------------------------------------------------------------------

    def secret(
        self,
        vault_url: str,
        name: str,
        version: str | None = None,
        *,
        principal_id: str,
        trusted_service: bool = False,
        subnet_id: str | None = None,
        address: str | None = None,
    ) -> StoredVersion:
        """A certificate version with its key, as `GET /secrets/{name}[/{version}]` gives it.

        Args:
            vault_url: URL, host or name of the vault.
            version: None for the latest one; if that is disabled the call fails, it does not fall back.
            principal_id: the object id behind the token; unused for a trusted service.
            trusted_service: the machine deployment service, which needs `enabledForDeployment` in place of access.
            subnet_id: the caller's subnet, for the vault's firewall.

        Raises:
            VaultFailure: 403 ForbiddenByFirewall, ForbiddenByConnection, ForbiddenByPolicy, ForbiddenByRbac,
                KeyVaultAccessForbidden, SecretDisabled, SecretExpired; 404 VaultNotFound, SecretNotFound.
        """
        resource = self.resource(vault_url)
        visitor = Visitor(principal_id, trusted_service=trusted_service, subnet_id=subnet_id, address=address)
        self.access.check(resource, visitor, "secrets", "get", name)
        found = self.readable(self.content(vault_url), name, version)
        if not isinstance(found, StoredVersion):
            raise VaultFailure(404, "SecretNotFound", f"The secret {name} is no certificate.")
        return found

    def newest_two(
        self, vault_url: str, name: str, *, principal_id: str, subnet_id: str | None = None, address: str | None = None
    ) -> tuple[StoredVersion, ...]:
        """The two newest enabled versions, newest first, for the agent that installs both.

        Needs leave to list and to get. Assumed: that agent passes over disabled and expired versions.
        """
        resource = self.resource(vault_url)
        visitor = Visitor(principal_id, subnet_id=subnet_id, address=address)
        self.access.check(resource, visitor, "secrets", "list", name)
        self.access.check(resource, visitor, "secrets", "get", name)
        content = self.content(vault_url)
        self.settle(content, name)
        certificate = content.certificate(name)
        if certificate is None or not certificate.versions:
            raise VaultFailure(
                404, "SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault."
            )
        usable = [one for one in certificate.versions if one.enabled and not self._is_expired(one)]
        return tuple(reversed(usable[-2:]))

    def readable(self, content: VaultContent, name: str, version: str | None) -> StoredVersion | SecretVersion:
        """The version behind a secret's address, if its value may be read now; access was checked before."""
        self.settle(content, name)
        found = self.secret_version(content, name, version)
        if not found.enabled:
            raise forbidden("SecretDisabled", "Operation get is not allowed on a disabled secret.")
        if isinstance(found, StoredVersion) and self._is_expired(found):
            raise forbidden("SecretExpired", "Operation get is not allowed on an expired secret.")
        return found

    def secret_version(self, content: VaultContent, name: str, version: str | None) -> StoredVersion | SecretVersion:
        certificate, secret = content.certificate(name), content.secret(name)
        versions: list[StoredVersion | SecretVersion] = []
        versions += certificate.versions if certificate else secret.versions if secret else []
        for one in reversed(versions):
            if not version or one.version == version:
                return one
        raise VaultFailure(
            404,
            "SecretNotFound",
            f"A secret with (name/id) {name + '/' + version if version else name} was not found in this key vault. If "
            "you recently deleted this secret you may be able to recover it using the correct recovery command. For "
            "help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
        )

    def secret_text(self, found: StoredVersion | SecretVersion) -> str:
        """The value. A PFX is salted when it is packed, so it is packed once: a version reads the same every time."""
        if isinstance(found, SecretVersion):
            return found.value
        if found.version not in self._packed:
            self._packed[found.version] = secret_value(found)
        return self._packed[found.version]

    def settle(self, content: VaultContent, name: str) -> None:
        """Let an answer that is due count before somebody looks."""
        if (certificate := content.certificate(name)) is not None:
            self.lifecycle.settle(content, certificate)

    def _is_expired(self, version: StoredVersion) -> bool:
        if "vault-serves-expired" in self._azure.switches:
            return False
        return version.leaf.not_valid_after_utc < self._azure.clock.now

    def on_new_version(self, callback: NewVersion) -> None:
        """Have `callback(vault name, certificate name, version)` called for every new version."""
        self.lifecycle.listeners.append(callback)

    # -- what world builders do ---------------------------------------------------------------------------------------

    def import_version(
        self,
        vault_url: str,
        name: str,
        issued: Issued,
        *,
        policy: dict[str, Any] | None = None,
        enabled: bool = True,
        tags: dict[str, str] | None = None,
        provider_hint: Literal["CAPI", "CNG"] | None = None,
        created: datetime | None = None,
    ) -> StoredVersion:
        """Put a certificate in without access checks.

        Args:
            policy: data-plane policy members that differ from what the certificate shows, such as
                `{"issuer": {"name": "Corp"}, "lifetime_actions": […]}`.
            created: when the version was made, if not now; versions are ordered by it.
        """
        content = self.content(vault_url)
        known = content.certificate(name)
        kind = known.policy["secret_props"]["contentType"] if known else "application/x-pkcs12"
        wanted = (policy or {}).get("secret_props", {}).get("contentType") or kind
        return self.lifecycle.keep_import(
            content,
            name,
            key=issued.key,
            leaf=issued.leaf,
            chain=issued.chain,
            content_type=wanted,
            policy=policy,
            enabled=enabled,
            tags=tags,
            provider_hint=provider_hint,
            created=created,
            captured=True,
        )

    def bind_issuer(self, vault_url: str, issuer_name: str, authority_name: str, *, provider: str = "DigiCert") -> None:
        """Let an authority of the world sign for a vault's issuer; the issuer is made if it is not there."""
        self._azure.service("authority", Authorities).get(authority_name)
        content = self.content(vault_url)
        now = int(self._azure.clock.now.timestamp())
        content.bindings[issuer_name.lower()] = authority_name
        content.issuers.setdefault(
            issuer_name.lower(),
            {
                "name": issuer_name,
                "provider": provider,
                "credentials": {"account_id": "00000"},
                "org_details": {"zip": 0, "admin_details": []},
                "attributes": {"enabled": True, "created": now, "updated": now},
            },
        )

    def renew_now(self, vault_url: str, name: str, *, authority: str | None = None) -> StoredVersion:
        """Renew at this instant, whatever the lifetime actions say: by the policy, or by another authority.

        Raises:
            VaultFailure: 404 for the name, 409 while an operation is open, 400 when the issuer refuses.
        """
        content = self.content(vault_url)
        certificate = self.lifecycle.require(content, name)
        signer = self._azure.service("authority", Authorities).get(authority) if authority else None
        pending = self.lifecycle.renew(content, certificate, signer)
        if pending is None or pending.due is None:
            raise VaultFailure(409, "Forbidden", f"The certificate {name} can not be renewed now.")
        pending.due = self._azure.clock.now
        self.lifecycle.settle(content, certificate)
        if pending.status != "completed" or certificate.latest is None:
            raise VaultFailure(400, "Certificate issuer error", pending.status_details)
        return certificate.latest

    def disable(self, vault_url: str, name: str, version: str | None = None, *, enabled: bool = False) -> StoredVersion:
        """Switch a version off (or on again); the latest one if none is named."""
        content = self.content(vault_url)
        found = self.lifecycle.version(content, name, version)
        return self.lifecycle.change_version(self.lifecycle.require(content, name), found, enabled, None)


def vault_name(vault_url: str) -> str:
    """The vault's name in lower case from `https://kv.vault.azure.net[:443]/…`, `kv.vault.azure.net` or `kv`."""
    host = urlsplit(vault_url).hostname if "://" in vault_url else vault_url.split("/", 1)[0].split(":", 1)[0]
    return (host or "").split(".", 1)[0].lower()
