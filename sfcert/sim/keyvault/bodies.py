"""What does the data plane show? The JSON shapes of certificates, operations, secrets, keys, issuers.

Instants are whole seconds since the epoch; `x5t` and key numbers are base64url without padding, `cer` and `csr` plain
base64 of DER.

Source: Key Vault data-plane models of azure-keyvault-certificates and -secrets 4.12.0 (api 2026-04-01).
"""

from __future__ import annotations

import base64
import copy
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.kernel.resources import Resource
from sfcert.sim.keyvault import api_versions
from sfcert.sim.keyvault.state import CertificateObject, Deleted, Pending, SecretVersion, StoredVersion


class Bodies:
    """The shapes for one vault; ids begin with its production URL however it was reached."""

    def __init__(self, vault: Resource, host: str, api_version: str) -> None:
        self._root = f"https://{host}"
        self._api_version = api_version
        self._shows_order = api_versions.shows_order(api_version)
        self._shows_days = api_versions.shows_days(api_version)
        properties = vault.body["properties"]
        self.retention_days = int(properties.get("softDeleteRetentionInDays") or 90)
        self._recovery = "Recoverable" if properties.get("enablePurgeProtection") else "Recoverable+Purgeable"

    def _attributes(self, version: StoredVersion | SecretVersion) -> dict[str, Any]:
        if isinstance(version, StoredVersion):
            starts: int | None = _epoch(version.leaf.not_valid_before_utc)
            ends: int | None = _epoch(version.leaf.not_valid_after_utc)
        else:
            starts, ends = version.not_before, version.expires
        body: dict[str, Any] = {"enabled": version.enabled}
        if starts is not None:
            body["nbf"] = starts
        if ends is not None:
            body["exp"] = ends
        body["created"], body["updated"] = _epoch(version.created), _epoch(version.updated)
        body["recoveryLevel"] = self._recovery
        if self._shows_days:
            body["recoverableDays"] = self.retention_days
        return body

    # -- certificates -------------------------------------------------------------------------------------------------

    def certificate(self, owner: CertificateObject, version: StoredVersion) -> dict[str, Any]:
        """The bundle; it shows the policy of the name, not of the version."""
        path = f"{owner.name}/{version.version}"
        body: dict[str, Any] = {
            "id": f"{self._root}/certificates/{path}",
            "kid": f"{self._root}/keys/{path}",
            "sid": f"{self._root}/secrets/{path}",
            "x5t": x5t(version),
            "cer": base64.b64encode(version.leaf.public_bytes(Encoding.DER)).decode("ascii"),
            "attributes": self._attributes(version),
            "policy": self.policy(owner),
        }
        if self._shows_order:
            body["preserveCertOrder"] = False
        if version.tags:
            body["tags"] = dict(version.tags)
        if owner.pending is not None:
            body["pending"] = {"id": f"{self._root}/certificates/{owner.name}/pending"}
        return body

    def certificate_item(self, owner: CertificateObject, version: StoredVersion, *, versioned: bool) -> dict[str, Any]:
        tail = f"/{version.version}" if versioned else ""
        body: dict[str, Any] = {
            "id": f"{self._root}/certificates/{owner.name}{tail}",
            "x5t": x5t(version),
            "attributes": self._attributes(version),
        }
        if version.tags:
            body["tags"] = dict(version.tags)
        return body

    def pending_item(self, owner: CertificateObject) -> dict[str, Any]:
        """A certificate that has no version yet, for a list that includes those."""
        stamp = _epoch(owner.policy_created)
        attributes = {"enabled": False, "created": stamp, "updated": stamp}
        return {"id": f"{self._root}/certificates/{owner.name}", "attributes": attributes}

    def policy(self, owner: CertificateObject) -> dict[str, Any]:
        body = copy.deepcopy(api_versions.as_known(self._api_version, owner.policy))
        body["attributes"] = {
            **body.get("attributes", {}),
            "created": _epoch(owner.policy_created),
            "updated": _epoch(owner.policy_updated),
        }
        return {"id": f"{self._root}/certificates/{owner.name}/policy", **body}

    def pending(self, owner: CertificateObject, pending: Pending) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": f"{self._root}/certificates/{owner.name}/pending",
            "issuer": copy.deepcopy(pending.policy["issuer"]),
            "csr": base64.b64encode(pending.csr).decode("ascii"),
            "cancellation_requested": pending.cancellation_requested,
            "status": pending.status,
            "request_id": pending.request_id,
        }
        if self._shows_order:
            body["preserveCertOrder"] = False
        if pending.status_details:
            body["status_details"] = pending.status_details
        if pending.error is not None:
            body["error"] = dict(pending.error)
        if pending.status == "completed":
            body["target"] = f"{self._root}/certificates/{owner.name}"
        return body

    def deleted(self, body: dict[str, Any], kind: str, name: str, deleted: Deleted) -> dict[str, Any]:
        return {
            "recoveryId": f"{self._root}/deleted{kind}/{name}",
            "deletedDate": _epoch(deleted.at),
            "scheduledPurgeDate": _epoch(deleted.purge_at),
            **body,
        }

    def issuer(self, details: dict[str, Any]) -> dict[str, Any]:
        """An issuer without its password."""
        body = {key: copy.deepcopy(value) for key, value in details.items() if key != "name"}
        if "credentials" in body:
            body["credentials"].pop("pwd", None)
        return {"id": f"{self._root}/certificates/issuers/{details['name']}", **body}

    def contacts(self, contacts: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": f"{self._root}/certificates/contacts", "contacts": copy.deepcopy(contacts)}

    # -- secrets and keys ---------------------------------------------------------------------------------------------

    def secret(self, name: str, version: StoredVersion | SecretVersion, value: str | None) -> dict[str, Any]:
        """The bundle, or without a value the shape that an update answers with."""
        body: dict[str, Any] = {} if value is None else {"value": value}
        if version.content_type:
            body["contentType"] = version.content_type
        body["id"] = f"{self._root}/secrets/{name}/{version.version}"
        if isinstance(version, StoredVersion):
            body["managed"] = True
            body["kid"] = f"{self._root}/keys/{name}/{version.version}"
        body["attributes"] = self._attributes(version)
        body["tags"] = dict(version.tags)
        return body

    def secret_item(self, name: str, version: StoredVersion | SecretVersion, *, versioned: bool) -> dict[str, Any]:
        body = self.secret(name, version, None)
        body.pop("kid", None)
        if not versioned:
            body["id"] = f"{self._root}/secrets/{name}"
        return body

    def key(self, name: str, version: StoredVersion) -> dict[str, Any]:
        """The public half, as a JSON web key (RFC 7517)."""
        kid = f"{self._root}/keys/{name}/{version.version}"
        operations = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
        public = version.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            jwk = {"kid": kid, "kty": "RSA", "key_ops": operations, "n": _number(numbers.n), "e": _number(numbers.e)}
        else:
            point = public.public_numbers()
            size = (public.key_size + 7) // 8
            jwk = {"kid": kid, "kty": "EC", "key_ops": ["sign", "verify"], "crv": _CURVES[public.key_size]}
            jwk |= {"x": _number(point.x, size), "y": _number(point.y, size)}
        return {"key": jwk, "attributes": self._attributes(version), "managed": True, "tags": dict(version.tags)}

    def key_item(self, name: str, version: StoredVersion, *, versioned: bool) -> dict[str, Any]:
        tail = f"/{version.version}" if versioned else ""
        return {
            "kid": f"{self._root}/keys/{name}{tail}",
            "attributes": self._attributes(version),
            "managed": True,
            "tags": dict(version.tags),
        }


_CURVES = {256: "P-256", 384: "P-384", 521: "P-521"}


def x5t(version: StoredVersion) -> str:
    """The SHA-1 of the leaf as base64url without padding."""
    return base64.urlsafe_b64encode(version.leaf.fingerprint(hashes.SHA1())).rstrip(b"=").decode("ascii")


def _number(value: int, size: int | None = None) -> str:
    raw = value.to_bytes(size or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _epoch(instant: datetime) -> int:
    return int(instant.timestamp())
