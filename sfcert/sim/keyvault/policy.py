"""What does a certificate policy say once its defaults are filled in, and is it allowed?

Source: Key Vault certificates REST (`CertificatePolicy`), about-certificates and overview-renew-certificate for the
defaults: 12 months, RSA 2048, server and client authentication, renewal at 80 % of the lifetime.
"""

from __future__ import annotations

import copy
from calendar import monthrange
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sfcert.sim.authority import building
from sfcert.sim.authority.keys import CURVES, PrivateKey
from sfcert.sim.keyvault.failures import bad_parameter
from sfcert.sim.keyvault.state import PEM, PFX

MEMBERS = ("key_props", "secret_props", "x509_props", "lifetime_actions", "issuer", "attributes")
# szOID_NT_PRINCIPAL_NAME: a user principal name among the alternative names
PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
KEY_TYPES = {"RSA", "RSA-HSM", "EC", "EC-HSM"}


def complete(given: dict[str, Any], *, captured: bool = False) -> dict[str, Any]:
    """`given` with every default filled in; unknown members are kept.

    Args:
        captured: it was read from a real vault, so names and lifetime actions are taken as they are.

    Raises:
        VaultFailure: 400 for a policy that Key Vault would refuse.
    """
    policy = {key: copy.deepcopy(value) for key, value in given.items() if value is not None and key != "id"}
    key = policy.setdefault("key_props", {})
    kty = key.setdefault("kty", "RSA")
    if kty not in KEY_TYPES:
        raise bad_parameter(f"Property policy.key_props.kty has invalid value '{kty}'.")
    if kty.startswith("RSA"):
        if key.setdefault("key_size", 2048) not in (2048, 3072, 4096):
            raise bad_parameter("Property policy.key_props.key_size has invalid value.")
    elif key.setdefault("crv", "P-256") not in CURVES:
        raise bad_parameter("Property policy.key_props.crv has invalid value.")
    key.setdefault("reuse_key", False)
    if key.setdefault("exportable", not kty.endswith("HSM")) and kty.endswith("HSM"):
        raise bad_parameter("Property policy.key_props.exportable must be false for a key that an HSM protects.")
    content_type = policy.setdefault("secret_props", {}).setdefault("contentType", PFX)
    if content_type not in (PFX, PEM):
        raise bad_parameter("Property policy.secret_props.contentType has invalid value.")
    x509_props = policy.setdefault("x509_props", {})
    x509_props.setdefault("subject", "")
    if not x509_props["subject"] and not sans_of(policy):
        raise bad_parameter("Property policy.x509_props must specify at least one of 'subject' or 'sans'.")
    if not captured:
        subject_of(policy)
    x509_props.setdefault("ekus", [building.SERVER_AUTH, building.CLIENT_AUTH])
    x509_props.setdefault("key_usage", ["digitalSignature", "keyEncipherment"])
    if not captured:
        _check_extensions(policy)
    months = x509_props.setdefault("validity_months", 12)
    if not isinstance(months, int) or months < 1:
        raise bad_parameter("Property policy.x509_props.validity_months has invalid value.")
    x509_props.setdefault("basic_constraints", {"ca": False})
    issuer = policy.setdefault("issuer", {})
    if not issuer.setdefault("name", "Unknown"):
        issuer["name"] = "Unknown"
    by_hand = is_unknown(policy)
    if policy.get("lifetime_actions") is None:
        action = "EmailContacts" if by_hand else "AutoRenew"
        policy["lifetime_actions"] = [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": action}}]
    for action in [] if captured else policy["lifetime_actions"]:
        _check_action(action, months, by_hand)
    policy.setdefault("attributes", {}).setdefault("enabled", True)
    return policy


def _check_extensions(policy: dict[str, Any]) -> None:
    """Names, usages and key usages that no certificate could hold are refused."""
    x509_props = policy["x509_props"]
    try:
        sans_of(policy)
    except (ValueError, TypeError):
        raise bad_parameter("Property policy.x509_props.sans has invalid value.") from None
    try:
        [x509.ObjectIdentifier(oid) for oid in x509_props["ekus"] or ()]
    except (ValueError, TypeError):
        raise bad_parameter("Property policy.x509_props.ekus has invalid value.") from None


def _check_action(action: dict[str, Any], months: int, by_hand: bool) -> None:
    trigger = action.get("trigger") or {}
    # clients send the other one as null
    for name in [name for name, value in trigger.items() if value is None]:
        del trigger[name]
    kind = (action.get("action") or {}).get("action_type")
    if kind not in ("AutoRenew", "EmailContacts"):
        raise bad_parameter("Property policy.lifetime_actions.action.action_type has invalid value.")
    if kind == "AutoRenew" and by_hand:
        raise bad_parameter("The action AutoRenew is not possible for an issuer of name 'Unknown'.")
    percentage, days = trigger.get("lifetime_percentage"), trigger.get("days_before_expiry")
    if (percentage is None) == (days is None):
        raise bad_parameter("Property policy.lifetime_actions.trigger must have exactly one of its members set.")
    if percentage is not None and not 1 <= percentage <= 99:
        raise bad_parameter("Property policy.lifetime_actions.trigger.lifetime_percentage must be between 1 and 99.")
    if days is not None and not 1 <= days <= months * 27:
        raise bad_parameter(
            "Property policy.lifetime_actions.trigger.days_before_expiry must be between 1 and "
            "validity_months multiplied by 27."
        )


def patched(policy: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`policy` with the members of `change` set: objects member by member, lists as a whole, nulls left alone."""
    result = copy.deepcopy(policy)
    for name, value in change.items():
        if value is None or name == "id":
            continue
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            merged = result[name]
            merged.update({key: copy.deepcopy(inner) for key, inner in value.items() if inner is not None})
        else:
            result[name] = copy.deepcopy(value)
    key = result.get("key_props", {})
    if (change.get("key_props") or {}).get("kty", "").startswith("EC"):
        key.pop("key_size", None)
    return complete(result)


def from_certificate(leaf: x509.Certificate, key: PrivateKey, content_type: str) -> dict[str, Any]:
    """The policy that an import without one is given: what the certificate itself shows, issuer `Unknown`."""
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    size = {"key_size": key.key_size} if is_rsa else {"crv": {256: "P-256", 384: "P-384", 521: "P-521"}[key.key_size]}
    months = max(1, round((leaf.not_valid_after_utc - leaf.not_valid_before_utc).days / 30.44))
    x509_props: dict[str, Any] = {"subject": subject_text(leaf.subject), "validity_months": months, "ekus": []}
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        x509_props["sans"] = {"dns_names": names.get_values_for_type(x509.DNSName)}
    except x509.ExtensionNotFound:
        pass
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        x509_props["ekus"] = [oid.dotted_string for oid in usages]
    except x509.ExtensionNotFound:
        pass
    return {
        "key_props": {"exportable": True, "kty": "RSA" if is_rsa else "EC", "reuse_key": False, **size},
        "secret_props": {"contentType": content_type},
        "x509_props": x509_props,
        "issuer": {"name": "Unknown"},
    }


def subject_text(name: x509.Name) -> str:
    """A name in reading order: `CN=a.example, O=Example`."""
    return ", ".join(rdn.rfc4514_string() for rdn in name.rdns)


def subject_of(policy: dict[str, Any]) -> x509.Name:
    subject = policy["x509_props"].get("subject") or ""
    if subject and "=" not in subject:
        raise bad_parameter(f"Property policy.x509_props.subject has invalid value '{subject}': no X.500 name.")
    try:
        return building.name_of(subject)
    except ValueError as error:
        raise bad_parameter(
            f"Property policy.x509_props.subject has invalid value '{subject}': no X.500 name."
        ) from error


def common_name_of(policy: dict[str, Any]) -> str:
    found = subject_of(policy).get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def sans_of(policy: dict[str, Any]) -> list[x509.GeneralName]:
    sans = policy["x509_props"].get("sans") or {}
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in sans.get("dns_names") or []]
    names += [x509.RFC822Name(name) for name in sans.get("emails") or []]
    names += [x509.OtherName(PRINCIPAL_NAME, building.utf8_string(name)) for name in sans.get("upns") or []]
    names += [x509.UniformResourceIdentifier(name) for name in sans.get("uris") or []]
    names += [x509.IPAddress(ip_address(name)) for name in sans.get("ipAddresses") or []]
    return names


def is_unknown(policy: dict[str, Any]) -> bool:
    return str(policy["issuer"].get("name", "")).lower() == "unknown"


def is_self(policy: dict[str, Any]) -> bool:
    return str(policy["issuer"].get("name", "")).lower() == "self"


def expiry(policy: dict[str, Any], start: datetime) -> datetime:
    """`start` plus the months of the policy, on the same day of the month or its last one."""
    months = start.month - 1 + int(policy["x509_props"]["validity_months"])
    year, month = start.year + months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))


def trigger_instant(action: dict[str, Any], leaf: x509.Certificate) -> datetime | None:
    """When a lifetime action falls due for this certificate; None for a trigger that says nothing."""
    starts, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    trigger = action.get("trigger") or {}
    if trigger.get("days_before_expiry") is not None:
        return ends - timedelta(days=int(trigger["days_before_expiry"]))
    if trigger.get("lifetime_percentage") is None:
        return None
    return starts + (ends - starts) * (int(trigger["lifetime_percentage"]) / 100)
