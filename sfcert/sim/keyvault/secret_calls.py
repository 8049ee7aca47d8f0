"""How does each secret and key operation of the data plane answer?

A certificate's secret and key are its own: they are read here, but changed only through the certificate. Leaves out
key operations, backup and restore.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.keyvault.calls import Call, VaultReply, page
from sfcert.sim.keyvault.failures import VaultFailure, bad_parameter, deleted_but_recoverable, missing
from sfcert.sim.keyvault.lifecycle import NAME
from sfcert.sim.keyvault.state import Deleted, SecretObject, SecretVersion, StoredVersion
from sfcert.sim.keyvault.vaults import Vaults


class SecretCalls:
    """Secrets, those of certificates included, and the public half of certificates' keys."""

    def __init__(self, azure: Azure, vaults: Vaults) -> None:
        self._azure = azure
        self._vaults = vaults

    # -- secrets ------------------------------------------------------------------------------------------------------

    def get_secret(self, call: Call) -> VaultReply:
        name = call.names["name"]
        found = self._vaults.readable(call.content, name, call.names.get("version"))
        return VaultReply(200, call.bodies.secret(self._spelled(call, name), found, self._vaults.secret_text(found)))

    def get_secrets(self, call: Call) -> VaultReply:
        items = []
        for owner in call.content.certificates.values():
            self._vaults.lifecycle.settle(call.content, owner)
            if owner.latest and not owner.deleted:
                items.append(call.bodies.secret_item(owner.name, owner.latest, versioned=False))
        for secret in call.content.secrets.values():
            if secret.versions and not secret.deleted:
                items.append(call.bodies.secret_item(secret.name, secret.versions[-1], versioned=False))
        return page(call, sorted(items, key=lambda item: str(item["id"]).lower()))

    def get_secret_versions(self, call: Call) -> VaultReply:
        name = call.names["name"]
        self._vaults.settle(call.content, name)
        owner = call.content.certificate(name) or call.content.secret(name)
        versions: list[StoredVersion | SecretVersion] = [*owner.versions] if owner else []
        return page(call, [call.bodies.secret_item(self._spelled(call, name), one, versioned=True) for one in versions])

    def set_secret(self, call: Call) -> VaultReply:
        name, now = call.names["name"], self._azure.clock.now
        value = call.body.get("value")
        if not NAME.fullmatch(name) or not isinstance(value, str):
            raise bad_parameter("The request needs a valid name and a property value.")
        if call.content.certificate(name):
            raise VaultFailure(409, "Conflict", f"A certificate with the name {name} already exists in this vault.")
        known = call.content.secrets.get(name.lower())
        if known is not None and known.deleted:
            raise deleted_but_recoverable("Secret", name)
        secret = known or call.content.secrets.setdefault(name.lower(), SecretObject(name))
        version = SecretVersion(
            version=self._azure.new_guid().replace("-", ""),
            value=value,
            content_type=call.body.get("contentType"),
            enabled=call.attribute("enabled") is not False,
            created=now,
            updated=now,
            not_before=call.attribute("nbf"),
            expires=call.attribute("exp"),
            tags=call.tags or {},
        )
        secret.versions.append(version)
        return VaultReply(200, call.bodies.secret(secret.name, version, value))

    def update_secret(self, call: Call) -> VaultReply:
        name = call.names["name"]
        found = self._vaults.secret_version(call.content, name, call.names.get("version"))
        secret = call.content.secret(name)
        if isinstance(found, StoredVersion) or secret is None:
            raise VaultFailure(
                403, "Forbidden", "Operation update is not allowed on a secret that a certificate manages."
            )
        enabled, starts, ends = call.attribute("enabled"), call.attribute("nbf"), call.attribute("exp")
        changed = replace(
            found,
            enabled=found.enabled if enabled is None else bool(enabled),
            not_before=found.not_before if starts is None else starts,
            expires=found.expires if ends is None else ends,
            content_type=call.body.get("contentType") or found.content_type,
            tags=found.tags if call.tags is None else call.tags,
            updated=self._azure.clock.now,
        )
        secret.versions[secret.versions.index(found)] = changed
        return VaultReply(200, call.bodies.secret(secret.name, changed, None))

    def delete_secret(self, call: Call) -> VaultReply:
        name, now = call.names["name"], self._azure.clock.now
        if call.content.certificate(name):
            raise VaultFailure(
                403, "Forbidden", "Operation delete is not allowed on a secret that a certificate manages."
            )
        secret = call.content.secret(name)
        if secret is None:
            raise missing("Secret", name)
        purge_at = now + timedelta(days=call.bodies.retention_days)

        def purge() -> None:
            call.content.secrets.pop(name.lower(), None)

        secret.deleted = Deleted(now, purge_at, self._azure.clock.at(purge_at, purge, f"secret {name} is purged"))
        return self.get_deleted_secret(call)

    def get_deleted_secret(self, call: Call) -> VaultReply:
        secret = self._deleted(call)
        assert secret.deleted is not None
        body = call.bodies.secret(secret.name, secret.versions[-1], None)
        return VaultReply(200, call.bodies.deleted(body, "secrets", secret.name, secret.deleted))

    def get_deleted_secrets(self, call: Call) -> VaultReply:
        items = [
            call.bodies.deleted(
                call.bodies.secret_item(one.name, one.versions[-1], versioned=False), "secrets", one.name, one.deleted
            )
            for one in call.content.secrets.values()
            if one.deleted
        ]
        return page(call, items)

    def recover_deleted_secret(self, call: Call) -> VaultReply:
        secret = self._deleted(call)
        if secret.deleted:
            secret.deleted.event.cancel()
        secret.deleted = None
        return VaultReply(200, call.bodies.secret(secret.name, secret.versions[-1], None))

    def purge_deleted_secret(self, call: Call) -> VaultReply:
        secret = self._deleted(call)
        if call.vault.body["properties"].get("enablePurgeProtection"):
            raise VaultFailure(403, "Forbidden", "Operation purge is not allowed on a vault with purge protection.")
        if secret.deleted:
            secret.deleted.event.cancel()
        del call.content.secrets[secret.name.lower()]
        return VaultReply(204)

    def _deleted(self, call: Call) -> SecretObject:
        secret = call.content.secrets.get(call.names["name"].lower())
        if secret is None or secret.deleted is None:
            raise missing("Secret", call.names["name"])
        return secret

    def _spelled(self, call: Call, name: str) -> str:
        """The name as it was first written."""
        owner = call.content.certificate(name) or call.content.secret(name)
        return owner.name if owner else name

    # -- keys ---------------------------------------------------------------------------------------------------------

    def get_key(self, call: Call) -> VaultReply:
        name, wanted = call.names["name"], call.names.get("version")
        self._vaults.settle(call.content, name)
        owner = call.content.certificate(name)
        for version in reversed(owner.versions if owner else []):
            if not wanted or version.version == wanted:
                return VaultReply(200, call.bodies.key(self._spelled(call, name), version))
        raise missing("Key", name)

    def get_keys(self, call: Call) -> VaultReply:
        owners = [one for one in call.content.certificates.values() if one.latest and not one.deleted]
        return page(
            call,
            [call.bodies.key_item(one.name, one.latest, versioned=False) for one in owners if one.latest is not None],
        )

    def get_key_versions(self, call: Call) -> VaultReply:
        owner = call.content.certificate(call.names["name"])
        versions = owner.versions if owner else []
        return page(call, [call.bodies.key_item(call.names["name"], one, versioned=True) for one in versions])
