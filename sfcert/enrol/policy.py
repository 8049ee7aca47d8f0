"""What does a certificate policy say, and in the vault's words? Reading `sfcert.policy/1`, checking, writing. Floor 3.

Leaves out: whether a cluster would take the result (see `gate`) and who may ask for it.
Source: Key Vault REST `CertificatePolicy`, whose `sans` have `uris` and `ipAddresses` since 2025-07-01; the limits of
lifetime actions as the vault states them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import msgspec

from sfcert.enrol.names import (
    address_fault,
    common_name_of,
    dns_name_fault,
    ip_address_fault,
    is_dns_name,
    subject_fault,
    uri_fault,
)
from sfcert.enrol.renewal import DEFAULT_PERCENTAGE
from sfcert.enrol.solvers import secret_faults
from sfcert.enrol.windows import parse_window
from sfcert.errors import Fault, InputError
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.codec import sha256_of
from sfcert.model.enrolment import FORMAT, EnrolmentPolicy, Issuer, PolicyChange, Renewal, Sans
from sfcert.yaml_text import places_of_keys, read_yaml

Json = dict[str, Any]

#: Words that people may write for the usages, beside dotted ids.
USAGES = {
    "server_auth": SERVER_AUTH,
    "client_auth": CLIENT_AUTH,
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "timestamping": "1.3.6.1.5.5.7.3.8",
}
KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
# below 0 and 1 there are only 40 numbers each (X.660)
_OID = re.compile(r"([01]\.([0-9]|[1-3][0-9])|2\.(0|[1-9]\d*))(\.(0|[1-9]\d*))*")
_ISSUER = re.compile(r"[0-9A-Za-z-]{1,127}")
_TAG_LIMIT = 256
_OTHER_NAMES = tuple(f"x509_props.sans.{kind}" for kind in ("emails", "upns", "uris", "ipAddresses"))


def read_policy(text: str, file: str) -> EnrolmentPolicy:
    """A policy file's text (YAML or JSON) as a value, defaults filled in, the subject's name among the DNS names.

    Raises:
        InputError: PolicyInvalid with every fault found; FormatTooNew for another major version.
    """
    given = read_yaml(text, file, "PolicyInvalid")
    if not isinstance(given, dict):
        raise InputError("PolicyInvalid", f"{file} is no policy: a mapping with `subject` and `issuer` is needed.")
    written = given.get("format", FORMAT)
    if written != FORMAT:
        token = "FormatTooNew" if str(written).startswith("sfcert.policy/") else "PolicyInvalid"
        raise InputError(token, f"{file}: its format says {written!r}; this version reads {FORMAT!r}.")
    try:
        return policy_of(given, file)
    except InputError as error:
        places = places_of_keys(text)
        placed = []
        for one in error.faults:
            line, column = places.get((one.path or "").split(".")[0], (None, None))
            placed.append(replace(one, line=line, column=column))
        raise InputError(error.token, f"{file} is no policy that can be used.", placed) from None


def policy_of(given: Json, file: str) -> EnrolmentPolicy:
    """Plain data as a policy; see `read_policy`. `file` is only named in faults."""
    faults: list[Fault] = []
    values: Json = {}
    known = {one.name: one for one in msgspec.structs.fields(EnrolmentPolicy)}
    for key, value in given.items():
        if key not in known:
            faults.append(Fault(f"unknown key; known are {', '.join(known)}", file, path=str(key)))
            continue
        if key == "issuer" and isinstance(value, str):
            value = {"name": value}
        if key == "ekus" and isinstance(value, list):
            value = [USAGES.get(str(one), one) for one in value]
        try:
            values[key] = msgspec.convert(value, known[key].type)
        except msgspec.ValidationError as error:
            faults.append(Fault(str(error), file, path=key))
    wanted = values.get("key")
    if wanted is not None and wanted.type.startswith("EC") and "size" in given["key"]:
        faults.append(Fault("`size` goes with an RSA key; a curve has its own", file, path="key"))
    for needed in ("subject", "issuer"):
        if needed not in given:
            faults.append(Fault("is missing", file, path=needed))
    if faults:
        raise InputError("PolicyInvalid", f"{file} is no policy that can be used.", faults)
    policy = EnrolmentPolicy(**values)
    # what is remembered of an enrolment, and what a plan holds, is this policy
    if held := secret_faults(policy):
        raise InputError("PolicyInvalid", f"{file} holds a secret.", [Fault(one, file) for one in held])
    return checked(policy, file)


def checked(policy: EnrolmentPolicy, file: str) -> EnrolmentPolicy:
    """The policy with its subject's name first among the DNS names, refused where the vault or a machine could not use
    it. First, because some CAs take the first of them for the subject, whatever the request's own says (measured:
    tests/e2e/acme/test_leaf_and_renewal.py).

    Raises:
        InputError: PolicyInvalid with every fault found.
    """
    faults = [Fault(message, file, path=path) for path, message in _faults(policy)]
    if faults:
        raise InputError("PolicyInvalid", f"{file} is no policy that can be used.", faults)
    name = common_name_of(policy.subject)
    names = policy.dns_names
    if name is not None and is_dns_name(name):
        names = (name, *names)
    # a name that stands twice would differ for ever from what the vault keeps
    once: dict[str, str] = {}
    for one in names:
        once.setdefault(one.lower(), one)
    sans = Sans(
        emails=tuple(dict.fromkeys(policy.sans.emails)),
        upns=tuple(dict.fromkeys(policy.sans.upns)),
        uris=tuple(dict.fromkeys(policy.sans.uris)),
        ip_addresses=tuple(dict.fromkeys(str(ip_address(one)) for one in policy.sans.ip_addresses)),
    )
    ekus = tuple(dict.fromkeys(policy.ekus))
    return msgspec.structs.replace(policy, dns_names=tuple(once.values()), sans=sans, ekus=ekus)


def _faults(policy: EnrolmentPolicy) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if (fault := subject_fault(policy.subject)) is not None:
        found.append(("subject", fault))
    found += [("dns_names", fault) for one in policy.dns_names if (fault := dns_name_fault(one)) is not None]
    found += [("sans.emails", fault) for one in policy.sans.emails if (fault := address_fault(one)) is not None]
    found += [("sans.emails", f"{one!r} is no mailbox in ASCII") for one in policy.sans.emails if not one.isascii()]
    found += [("sans.upns", fault) for one in policy.sans.upns if (fault := address_fault(one)) is not None]
    found += [("sans.uris", fault) for one in policy.sans.uris if (fault := uri_fault(one)) is not None]
    found += [
        ("sans.ip_addresses", fault) for one in policy.sans.ip_addresses if (fault := ip_address_fault(one)) is not None
    ]
    if policy.issuer.is_acme and policy.sans != Sans():
        found.append(("sans", "an ACME authority is asked for DNS names alone, since no others are proved to it here"))
    found += [
        ("ekus", f"{one!r} is no usage: {', '.join(USAGES)} or a dotted id")
        for one in policy.ekus
        if not _OID.fullmatch(one)
    ]
    found += [
        ("key_usage", f"{one!r} is none of {', '.join(KEY_USAGES)}")
        for one in policy.key_usage
        if one not in KEY_USAGES
    ]
    if not policy.key_usage:
        # RFC 5280, 4.2.1.3: at least one bit
        found.append(("key_usage", "is empty; leave it out for digitalSignature and keyEncipherment"))
    if not 1 <= policy.validity_months <= 1200:
        found.append(("validity_months", "must lie between 1 and 1200"))
    if policy.key.type.startswith("EC") != (policy.key.curve is not None):
        found.append(("key", "`curve` goes with an EC key, and only with one"))
    if policy.key.type.endswith("HSM") and policy.key.exportable:
        found.append(("key.exportable", "a key in a hardware module cannot leave it; set exportable: false"))
    found += _issuer_faults(policy.issuer)
    if policy.issuer.is_acme and policy.issuer.acme is None:
        found.append(("issuer.acme", "the issuer acme needs its directory and solvers"))
    if policy.issuer.acme is not None and not policy.issuer.is_acme:
        found.append(("issuer.acme", f"goes with the issuer acme, not with {policy.issuer.name}"))
    found += _renewal_faults(policy.renewal, policy.validity_months)
    if policy.renewal.windows and policy.renewal.by == "vault" and not policy.issuer.is_merged:
        found.append(("renewal.windows", "a vault that renews by itself knows no windows; set by: sfcert"))
    if len(policy.tags) > 15:
        found.append(("tags", "a vault takes at most 15"))
    if any(not key.strip() for key in policy.tags):
        found.append(("tags", "a tag has no name"))
    found += [
        ("tags", f"{key}: at most {_TAG_LIMIT} characters")
        for key, value in policy.tags.items()
        if len(key) > _TAG_LIMIT or len(value) > _TAG_LIMIT
    ]
    return found


def _issuer_faults(issuer: Issuer) -> list[tuple[str, str]]:
    if not issuer.name.strip():
        return [("issuer", "is empty; Self, Unknown, acme or the name of an issuer of the vault is needed")]
    if not _ISSUER.fullmatch(issuer.name):
        return [("issuer", f"{issuer.name!r} is no name of a vault's issuer: letters, digits and dashes, up to 127")]
    if issuer.is_integrated:
        return []
    only = ("provider", "account_id", "organization_id", "certificate_type")
    return [
        (f"issuer.{name}", f"goes with an issuer of the vault, not with {issuer.name}")
        for name in only
        if getattr(issuer, name) is not None
    ]


def _renewal_faults(renewal: Renewal, months: int) -> list[tuple[str, str]]:
    found = []
    if renewal.lifetime_percentage is not None and renewal.days_before_expiry is not None:
        found.append(("renewal", "give lifetime_percentage or days_before_expiry, not both"))
    if renewal.lifetime_percentage is not None and not 1 <= renewal.lifetime_percentage <= 99:
        found.append(("renewal.lifetime_percentage", "must lie between 1 and 99"))
    if renewal.days_before_expiry is not None and not 1 <= renewal.days_before_expiry <= months * 27:
        found.append(("renewal.days_before_expiry", f"must lie between 1 and {months * 27} (27 for each month)"))
    for window in renewal.windows:
        try:
            parse_window(window)
        except ValueError as error:
            found.append(("renewal.windows", str(error)))
    return found


def vault_policy(policy: EnrolmentPolicy, *, holds_renewal: bool = False) -> Json:
    """The policy in the vault's words, whole. AutoRenew only where somebody in the vault can renew, and where it is not
    held back."""
    key = policy.key
    sans: Json = {"dns_names": list(policy.dns_names)}
    if policy.sans.emails:
        sans["emails"] = list(policy.sans.emails)
    if policy.sans.upns:
        sans["upns"] = list(policy.sans.upns)
    if policy.sans.uris:
        sans["uris"] = list(policy.sans.uris)
    if policy.sans.ip_addresses:
        sans["ipAddresses"] = list(policy.sans.ip_addresses)
    shape: Json = {"crv": key.curve} if key.type.startswith("EC") else {"key_size": key.size}
    issuer: Json = {"name": policy.issuer.vault_name}
    if policy.issuer.certificate_type:
        issuer["cty"] = policy.issuer.certificate_type
    return {
        "key_props": {"exportable": key.exportable, "kty": key.type, "reuse_key": key.reuse, **shape},
        "secret_props": {"contentType": policy.content_type},
        "x509_props": {
            "subject": policy.subject,
            "sans": sans,
            "ekus": list(policy.ekus),
            "key_usage": list(policy.key_usage),
            "validity_months": policy.validity_months,
        },
        "lifetime_actions": [
            {"trigger": _trigger(policy.renewal), "action": {"action_type": _action(policy, holds_renewal)}}
        ],
        "issuer": issuer,
    }


def _trigger(renewal: Renewal) -> Json:
    if renewal.days_before_expiry is not None:
        return {"days_before_expiry": renewal.days_before_expiry}
    return {"lifetime_percentage": renewal.lifetime_percentage or DEFAULT_PERCENTAGE}


def _action(policy: EnrolmentPolicy, holds_renewal: bool) -> str:
    by_vault = policy.renewal.by == "vault" and not policy.issuer.is_merged and not holds_renewal
    return "AutoRenew" if by_vault else "EmailContacts"


def policy_changes(current: Json | None, wanted: EnrolmentPolicy) -> tuple[PolicyChange, ...]:
    """What differs between the vault's policy and the one asked for, in the order of paths.

    Args:
        current: the raw policy, None where there is none: then everything is a change.

    Lists are compared as sets where their order says nothing (names, usages). Only keys that we write are compared;
    what else the vault holds stays. Names of another kind that are not asked for any more are a change too.
    """
    found: list[PolicyChange] = []
    flat_now = _flat(current or {})
    none_of: Json = {path: [] for path in _OTHER_NAMES if flat_now.get(path)}
    for path, after in (none_of | _flat(vault_policy(wanted))).items():
        before = flat_now.get(path)
        if _same(path, before, after):
            continue
        found.append(
            PolicyChange(path=path, before=before, after=after, needs_new_version=not path.startswith("lifetime_"))
        )
    return tuple(sorted(found, key=lambda one: one.path))


def changed_parts(policy: EnrolmentPolicy, changes: tuple[PolicyChange, ...]) -> Json:
    """The top-level members of the policy, in the vault's words, in which something changes."""
    whole = vault_policy(policy)
    return {name: whole[name] for name in sorted({one.path.split(".")[0] for one in changes})}


def _flat(value: Json, lead: str = "") -> Json:
    found: Json = {}
    for key, one in value.items():
        path = f"{lead}{key}"
        if isinstance(one, dict):
            found |= _flat(one, path + ".")
        else:
            found[path] = one
    return found


def _same(path: str, before: Any, after: Any) -> bool:
    if path == "lifetime_actions":
        return _actions(before) == _actions(after)
    if path == "x509_props.subject":
        return _spaceless(before) == _spaceless(after)
    if path == "issuer.name":
        return str(before or "").lower() == str(after).lower()
    if isinstance(after, list) and not after:
        return not before  # the vault may leave out what is empty
    if isinstance(before, list) and isinstance(after, list):
        return sorted(str(one) for one in before) == sorted(str(one) for one in after)
    return bool(before == after)


def _spaceless(subject: Any) -> list[str]:
    return [part.strip() for part in str(subject or "").split(",")]


def _actions(value: Any) -> list[Json]:
    """Lifetime actions without what the vault leaves null."""
    found = []
    for one in value if isinstance(value, list) else []:
        trigger = {key: number for key, number in (one.get("trigger") or {}).items() if number is not None}
        found.append({"trigger": trigger, "action": (one.get("action") or {}).get("action_type")})
    return sorted(found, key=str)


def tag_changes(body: Json, policy: EnrolmentPolicy) -> tuple[PolicyChange, ...]:
    """The tags that an enrolment would write otherwise than they stand; others stay."""
    has = body.get("tags") or {}
    return tuple(
        PolicyChange(path=f"tags.{key}", before=has.get(key), after=value, needs_new_version=False)
        for key, value in sorted(policy.tags.items())
        if has.get(key) != value
    )


def policy_digest(policy: EnrolmentPolicy) -> str:
    """What tells one request from another: the policy in the vault's words."""
    return sha256_of(vault_policy(policy))


def policy_schema() -> Json:
    """The JSON Schema of `sfcert.policy/1`; the short form `issuer: NAME` and usages by word are in it."""
    schema = msgspec.json.schema(EnrolmentPolicy)
    body = schema["$defs"]["EnrolmentPolicy"]["properties"]
    body["issuer"] = {"anyOf": [{"type": "string"}, body["issuer"]]}
    return schema
