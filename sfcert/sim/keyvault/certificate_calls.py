"""How does each certificate operation of the data plane answer? Names of methods are those of the REST description."""

from __future__ import annotations

import base64
import binascii
import copy
from typing import Any

from cryptography import x509

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.keyvault.api_versions import as_known
from sfcert.sim.keyvault.calls import Call, VaultReply, page
from sfcert.sim.keyvault.content import read_import
from sfcert.sim.keyvault.failures import VaultFailure, bad_parameter
from sfcert.sim.keyvault.vaults import Vaults


class CertificateCalls:
    """Certificates, their versions, policies, pending operations and deleted ones."""

    def __init__(self, azure: Azure, vaults: Vaults) -> None:
        self._azure = azure
        self._vaults = vaults
        self._lifecycle = vaults.lifecycle
        self._deletions = vaults.deletions

    # -- reading ------------------------------------------------------------------------------------------------------

    def get_certificates(self, call: Call) -> VaultReply:
        with_pending = call.query.get("includepending", "").lower() == "true"
        items = []
        for owner in sorted(call.content.certificates.values(), key=lambda one: one.name.lower()):
            self._lifecycle.settle(call.content, owner)
            if owner.deleted:
                continue
            if owner.latest is not None:
                items.append(call.bodies.certificate_item(owner, owner.latest, versioned=False))
            elif with_pending and owner.pending is not None:
                items.append(call.bodies.pending_item(owner))
        return page(call, items)

    def get_certificate_versions(self, call: Call) -> VaultReply:
        owner = call.content.certificate(call.names["name"])
        versions = owner.versions if owner else []
        return page(
            call, [call.bodies.certificate_item(owner, one, versioned=True) for one in versions if owner is not None]
        )

    def get_certificate(self, call: Call) -> VaultReply:
        name = call.names["name"]
        self._vaults.settle(call.content, name)
        version = self._lifecycle.version(call.content, name, call.names.get("version"))
        return VaultReply(200, call.bodies.certificate(self._lifecycle.require(call.content, name), version))

    def get_certificate_policy(self, call: Call) -> VaultReply:
        return VaultReply(200, call.bodies.policy(self._lifecycle.require(call.content, call.names["name"])))

    # -- making -------------------------------------------------------------------------------------------------------

    def create_certificate(self, call: Call) -> VaultReply:
        name = call.names["name"]
        owner = self._lifecycle.create(
            call.content,
            name,
            _policy(call),
            call.attribute("enabled") is not False,
            call.tags,
        )
        assert owner.pending is not None
        body = call.bodies.pending(owner, owner.pending)
        query = f"api-version={call.query['api-version']}&request_id={owner.pending.request_id}"
        return VaultReply(202, body, {"Location": f"{call.base}/certificates/{name}/pending?{query}"})

    def import_certificate(self, call: Call) -> VaultReply:
        value, password = call.body.get("value"), call.body.get("pwd")
        if not isinstance(value, str) or not value:
            raise bad_parameter("Property value is required.")
        policy = _policy(call)
        wanted = ((policy or {}).get("secret_props") or {}).get("contentType")
        key, leaf, chain, kind = read_import(value, password, wanted)
        version = self._lifecycle.keep_import(
            call.content,
            call.names["name"],
            key=key,
            leaf=leaf,
            chain=chain,
            content_type=wanted or kind,
            policy=policy,
            enabled=call.attribute("enabled") is not False,
            tags=call.tags,
        )
        return VaultReply(
            200, call.bodies.certificate(self._lifecycle.require(call.content, call.names["name"]), version)
        )

    # -- changing -----------------------------------------------------------------------------------------------------

    def update_certificate(self, call: Call) -> VaultReply:
        name = call.names["name"]
        version = self._lifecycle.version(call.content, name, call.names.get("version"))
        owner = self._lifecycle.require(call.content, name)
        policy = _policy(call)
        if policy is not None:
            self._lifecycle.change_policy(call.content, owner, policy)
        enabled = call.attribute("enabled")
        changed = self._lifecycle.change_version(
            owner, version, enabled if enabled is None else bool(enabled), call.tags
        )
        return VaultReply(200, call.bodies.certificate(owner, changed))

    def update_certificate_policy(self, call: Call) -> VaultReply:
        owner = self._lifecycle.require(call.content, call.names["name"])
        self._lifecycle.change_policy(call.content, owner, as_known(call.query["api-version"], call.body))
        return VaultReply(200, call.bodies.policy(owner))

    # -- the pending operation ----------------------------------------------------------------------------------------

    def get_certificate_operation(self, call: Call) -> VaultReply:
        owner, pending = self._lifecycle.require_pending(call.content, call.names["name"])
        return VaultReply(200, call.bodies.pending(owner, pending))

    def update_certificate_operation(self, call: Call) -> VaultReply:
        if call.body.get("cancellation_requested") is not True:
            raise bad_parameter("Property cancellation_requested must be true.")
        owner, pending = self._lifecycle.cancel(call.content, call.names["name"])
        return VaultReply(200, call.bodies.pending(owner, pending))

    def delete_certificate_operation(self, call: Call) -> VaultReply:
        owner, pending = self._lifecycle.drop_pending(call.content, call.names["name"])
        return VaultReply(200, call.bodies.pending(owner, pending))

    def merge_certificate(self, call: Call) -> VaultReply:
        x5c = call.body.get("x5c")
        if not isinstance(x5c, list):
            raise bad_parameter("Property x5c has invalid value. X5C must have at least one element.")
        version = self._lifecycle.merge(
            call.content,
            call.names["name"],
            [_certificate(one) for one in x5c],
            call.attribute("enabled") is not False,
            call.tags,
        )
        owner = self._lifecycle.require(call.content, call.names["name"])
        return VaultReply(201, call.bodies.certificate(owner, version))

    # -- deleting -----------------------------------------------------------------------------------------------------

    def delete_certificate(self, call: Call) -> VaultReply:
        self._deletions.delete(call.content, call.names["name"], call.bodies.retention_days)
        return self.get_deleted_certificate(call)

    def get_deleted_certificates(self, call: Call) -> VaultReply:
        items = [
            call.bodies.deleted(
                call.bodies.certificate_item(owner, owner.latest, versioned=False),
                "certificates",
                owner.name,
                owner.deleted,
            )
            for owner in call.content.certificates.values()
            if owner.deleted and owner.latest
        ]
        return page(call, items)

    def get_deleted_certificate(self, call: Call) -> VaultReply:
        owner = self._deletions.require_deleted(call.content, call.names["name"])
        assert owner.deleted is not None
        if owner.latest is None:
            body: dict[str, Any] = call.bodies.pending_item(owner)
        else:
            body = call.bodies.certificate(owner, owner.latest)
        return VaultReply(200, call.bodies.deleted(body, "certificates", owner.name, owner.deleted))

    def recover_deleted_certificate(self, call: Call) -> VaultReply:
        owner = self._deletions.recover(call.content, call.names["name"])
        if owner.latest is None:
            return VaultReply(200, call.bodies.pending_item(owner))
        return VaultReply(200, call.bodies.certificate(owner, owner.latest))

    def purge_deleted_certificate(self, call: Call) -> VaultReply:
        if call.vault.body["properties"].get("enablePurgeProtection"):
            raise VaultFailure(403, "Forbidden", "Operation purge is not allowed on a vault with purge protection.")
        self._deletions.purge(call.content, call.names["name"])
        return VaultReply(204)

    # -- issuers and contacts -----------------------------------------------------------------------------------------

    def get_certificate_issuers(self, call: Call) -> VaultReply:
        items = []
        for details in call.content.issuers.values():
            shown = call.bodies.issuer(details)
            items.append({"id": shown["id"], "provider": shown.get("provider")})
        return page(call, items)

    def get_certificate_issuer(self, call: Call) -> VaultReply:
        return VaultReply(200, call.bodies.issuer(self._issuer(call)))

    def set_certificate_issuer(self, call: Call) -> VaultReply:
        """An issuer that nobody bound to an authority refuses every request: its account is unknown."""
        name = call.names["issuer"]
        now = int(self._azure.clock.now.timestamp())
        if not call.body.get("provider"):
            raise bad_parameter("Property provider is required.")
        known = call.content.issuers.get(name.lower())
        details = {key: copy.deepcopy(value) for key, value in call.body.items() if key != "id"}
        attributes = details.get("attributes") or {}
        details["name"] = name
        details["attributes"] = {
            "enabled": attributes.get("enabled") is not False,
            "created": known["attributes"]["created"] if known else now,
            "updated": now,
        }
        call.content.issuers[name.lower()] = details
        return VaultReply(200, call.bodies.issuer(details))

    def update_certificate_issuer(self, call: Call) -> VaultReply:
        details = self._issuer(call)
        for key, value in call.body.items():
            if value is None or key == "id":
                continue
            if isinstance(value, dict) and isinstance(details.get(key), dict):
                details[key].update({inner: v for inner, v in value.items() if v is not None})
            else:
                details[key] = copy.deepcopy(value)
        details["attributes"]["updated"] = int(self._azure.clock.now.timestamp())
        return VaultReply(200, call.bodies.issuer(details))

    def delete_certificate_issuer(self, call: Call) -> VaultReply:
        details = self._issuer(call)
        del call.content.issuers[call.names["issuer"].lower()]
        return VaultReply(200, call.bodies.issuer(details))

    def _issuer(self, call: Call) -> dict[str, Any]:
        details = call.content.issuers.get(call.names["issuer"].lower())
        if details is None:
            raise VaultFailure(404, "CertificateIssuerNotFound", f"Issuer not found: {call.names['issuer']}")
        return details

    def get_certificate_contacts(self, call: Call) -> VaultReply:
        if call.content.contacts is None:
            raise VaultFailure(404, "ContactsNotFound", "Contacts not found")
        return VaultReply(200, call.bodies.contacts(call.content.contacts))

    def set_certificate_contacts(self, call: Call) -> VaultReply:
        contacts = call.body.get("contacts")
        if not isinstance(contacts, list):
            raise bad_parameter("Property contacts is required.")
        call.content.contacts = copy.deepcopy(contacts)
        return VaultReply(200, call.bodies.contacts(contacts))

    def delete_certificate_contacts(self, call: Call) -> VaultReply:
        reply = self.get_certificate_contacts(call)
        call.content.contacts = None
        return reply


def _policy(call: Call) -> dict[str, Any] | None:
    """The policy of a request, as its api-version has words for it."""
    given = call.body.get("policy")
    return as_known(call.query["api-version"], given) if isinstance(given, dict) else None


def _certificate(text: Any) -> x509.Certificate:
    try:
        # clients send base64 or base64url, padded or not
        raw = str(text).replace("-", "+").replace("_", "/").rstrip("=")
        return x509.load_der_x509_certificate(base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True))
    except (ValueError, binascii.Error) as error:
        raise bad_parameter("Property x5c has invalid value: an element is not an X.509 certificate.") from error
