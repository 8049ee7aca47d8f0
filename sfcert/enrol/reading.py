"""What does the vault's raw answer say of one certificate? Versions, pending operation, policy, as facts. Floor 3."""

from __future__ import annotations

import base64
from typing import Any, Literal

from sfcert.enrol.granted import asked_names, is_same
from sfcert.enrol.names import common_name_of
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import EnrolmentPolicy, Issuer, Key, Record, Renewal, Sans
from sfcert.pki import read_certificate
from sfcert.pki.names import alternative_names
from sfcert.pki.request import read_request

Json = dict[str, Any]
PendingState = Literal["none", "ours", "foreign", "completed", "failed", "cancelled"]


def latest_version(body: Json | None) -> Json | None:
    """The newest version, enabled or not; None where there is none."""
    versions = (body or {}).get("versions") or []
    return versions[0] if versions else None


def leaf_of_version(version: Json | None) -> Certificate | None:
    """The certificate of a version; None where the vault hides its bytes. Raises ValueError where they are none."""
    text = (version or {}).get("cer")
    return read_certificate(base64.b64decode(text)) if text else None


def version_id(version: Json) -> str:
    return str(version.get("id", "")).rstrip("/").rsplit("/", 1)[-1]


def is_enabled(version: Json) -> bool:
    return (version.get("attributes") or {}).get("enabled") is not False


def status_of(pending: Json | None) -> str | None:
    """The status of an operation, lower-case, one spelling: "inprogress", "completed", "cancelled", "failed"."""
    text = str((pending or {}).get("status") or "").lower()
    return {"canceled": "cancelled"}.get(text, text) or None


def request_der(pending: Json) -> bytes | None:
    """The operation's signing request; None where the vault shows none."""
    try:
        return base64.b64decode(str(pending.get("csr") or ""), validate=False) or None
    except ValueError:
        return None


def request_key(pending: Json | None) -> str | None:
    """The fingerprint of the request's key as in `Certificate.public_key_sha256`; None where it cannot be read."""
    der = request_der(pending or {})
    try:
        return read_request(der).public_key_sha256 if der else None
    except ValueError:
        return None


def is_ours(pending: Json, record: Record | None, policy: EnrolmentPolicy, digest: str) -> bool:
    """Whether an operation in progress is the one that an earlier run of ours began for this policy.

    By its request id where that run came to write it down; else, where it had written that it was about to ask for
    this very policy, by the names in the request.
    """
    if record is None or record.policy_digest != digest or record.step == "idle":
        return False
    if record.request_id is not None:
        return record.request_id == pending.get("request_id")
    der = request_der(pending)
    try:
        asked = read_request(der) if der else None
    except ValueError:
        return False
    if asked is None:
        return False
    is_named_so = asked.common_name == common_name_of(policy.subject)
    return is_named_so and is_same(asked.alternative_names, asked_names(policy))


def policy_from_vault(raw: Json, tags: dict[str, str]) -> EnrolmentPolicy:
    """The vault's policy as ours, so that a certificate can be renewed without its file. Odd values are kept out:
    what our form cannot say takes our default."""
    x509, key = raw.get("x509_props") or {}, raw.get("key_props") or {}
    sans = x509.get("sans") or {}
    action: Json = next(iter(raw.get("lifetime_actions") or []), {})
    trigger = action.get("trigger") or {}
    by_vault = (action.get("action") or {}).get("action_type") == "AutoRenew"
    size = key.get("key_size")
    return EnrolmentPolicy(
        subject=str(x509.get("subject") or ""),
        issuer=Issuer(
            name=str((raw.get("issuer") or {}).get("name") or "Unknown"),
            certificate_type=(raw.get("issuer") or {}).get("cty"),
        ),
        dns_names=tuple(sans.get("dns_names") or ()),
        sans=Sans(
            emails=tuple(sans.get("emails") or ()),
            upns=tuple(sans.get("upns") or ()),
            uris=tuple(sans.get("uris") or ()),
            ip_addresses=tuple(sans.get("ipAddresses") or ()),
        ),
        key=Key(
            type=key.get("kty") or "RSA",
            size=size if size in (2048, 3072, 4096) else 2048,
            curve=key.get("crv"),
            reuse=bool(key.get("reuse_key")),
            exportable=key.get("exportable") is not False,
        ),
        ekus=tuple(x509.get("ekus") or ()),
        key_usage=tuple(x509.get("key_usage") or ()),
        validity_months=int(x509.get("validity_months") or 12),
        renewal=Renewal(
            lifetime_percentage=trigger.get("lifetime_percentage"),
            days_before_expiry=trigger.get("days_before_expiry"),
            by="vault" if by_vault else "sfcert",
        ),
        content_type=(raw.get("secret_props") or {}).get("contentType") or "application/x-pkcs12",
        tags=dict(tags),
    )


def policy_of_leaf(leaf: Certificate) -> EnrolmentPolicy:
    """What would have asked for this certificate: for one that was issued elsewhere and is judged all the same."""
    has = alternative_names(leaf.der)
    return EnrolmentPolicy(
        subject=f"CN={leaf.common_name}" if leaf.common_name else leaf.subject,
        issuer=Issuer(name="Unknown"),
        dns_names=leaf.dns_names,
        sans=Sans(emails=has.emails, upns=has.upns, uris=has.uris, ip_addresses=has.ip_addresses),
        ekus=leaf.ekus or (),
    )
