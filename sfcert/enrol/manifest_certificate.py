"""What does a Certificate of cert-manager ask for, as a policy? One document. Floor 3.

A vault counts validity in months and renews by whole days or per cent: durations are turned into those, with a note
where they do not fit. Source: cert-manager's API v1, CertificateSpec, and its defaults (90 days, two thirds).
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.enrolment import EnrolmentPolicy, Issuer, Key, Renewal, Sans

Json = dict[str, Any]
_DAY = timedelta(days=1)
_MONTH_DAYS = 365.25 / 12
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
#: Keys of the spec that mean nothing in a vault and cost nothing to leave out.
_SILENT = frozenset({"secretName", "issuerRef", "encodeUsagesInRequest", "revisionHistoryLimit"})
_KNOWN = frozenset(
    {
        "commonName",
        "dnsNames",
        "duration",
        "renewBefore",
        "renewBeforePercentage",
        "privateKey",
        "usages",
        "subject",
        "literalSubject",
        "emailAddresses",
        "secretTemplate",
        "keystores",
        "isCA",
    }
)
_EXTENDED = {
    "server auth": SERVER_AUTH,
    "client auth": CLIENT_AUTH,
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
}
_PLAIN = {
    "signing": "digitalSignature",
    "digital signature": "digitalSignature",
    "content commitment": "nonRepudiation",
    "key encipherment": "keyEncipherment",
    "key agreement": "keyAgreement",
    "data encipherment": "dataEncipherment",
    "encipher only": "encipherOnly",
    "decipher only": "decipherOnly",
}
_USAGES_BY_DEFAULT = ("digital signature", "key encipherment", "server auth")
_SUBJECT = (
    ("organizations", "O"),
    ("organizationalUnits", "OU"),
    ("localities", "L"),
    ("provinces", "ST"),
    ("countries", "C"),
    ("streetAddresses", "STREET"),
)


class ManifestFault(Exception):
    """A part of a manifest that cannot be used; becomes a fault of `InputError`. `path` inside the document."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def vault_name(name: str) -> str:
    """A Kubernetes name as a vault takes it: dots become dashes."""
    return re.sub(r"[^0-9A-Za-z-]", "-", name)


def certificate_policy(body: Json, issuer: Issuer, notes: list[str]) -> EnrolmentPolicy:
    """The policy of one Certificate.

    Args:
        issuer: what its issuerRef leads to.
        notes: receives what was turned or left out, one sentence each.

    Raises:
        ManifestFault: a field asks for what has no equal here.
    """
    spec = body.get("spec") or {}
    for key in spec:
        if key not in _KNOWN | _SILENT:
            raise ManifestFault(f"spec.{key}", "has no equal for a vault certificate; take it out")
    if spec.get("isCA"):
        raise ManifestFault("spec.isCA", "an authority's certificate is not enrolled here")
    dns_names = tuple(str(one) for one in spec.get("dnsNames") or ())
    life = _duration(spec, "duration") or 90 * _DAY
    months = _months(life, issuer, notes)
    usages = [str(one).lower() for one in spec.get("usages") or _USAGES_BY_DEFAULT]
    for one in usages:
        if one not in _EXTENDED and one not in _PLAIN:
            raise ManifestFault("spec.usages", f"{one!r} is no usage that a vault can ask for")
    template = spec.get("secretTemplate") or {}
    return EnrolmentPolicy(
        subject=_subject(spec, dns_names, notes),
        issuer=issuer,
        dns_names=dns_names,
        sans=Sans(emails=tuple(spec.get("emailAddresses") or ())),
        key=_key(spec.get("privateKey") or {}),
        ekus=tuple(dict.fromkeys(_EXTENDED[one] for one in usages if one in _EXTENDED)),
        key_usage=tuple(dict.fromkeys(_PLAIN[one] for one in usages if one in _PLAIN)),
        validity_months=months,
        renewal=_renewal(spec, life, months, issuer, notes),
        tags={str(k): str(v) for part in ("labels", "annotations") for k, v in (template.get(part) or {}).items()},
    )


def _subject(spec: Json, dns_names: tuple[str, ...], notes: list[str]) -> str:
    if spec.get("literalSubject"):
        return str(spec["literalSubject"])
    name = spec.get("commonName")
    if not name:
        if not dns_names:
            raise ManifestFault("spec.commonName", "neither commonName nor dnsNames is given")
        name = dns_names[0]
        notes.append(f"No commonName is given; {name} is taken, because Service Fabric finds certificates by it.")
    subject = spec.get("subject") or {}
    unknown = sorted(set(subject) - {key for key, _ in _SUBJECT})
    if unknown:
        raise ManifestFault(f"spec.subject.{unknown[0]}", "has no equal here")
    parts = [f"CN={_escaped(str(name))}"]
    parts += [f"{short}={_escaped(str(one))}" for key, short in _SUBJECT for one in subject.get(key) or ()]
    return ", ".join(parts)


def _escaped(text: str) -> str:
    return re.sub(r'([,\\+"<>;=])', r"\\\1", text)


def _key(given: Json) -> Key:
    for one in given:
        if one not in ("algorithm", "size", "rotationPolicy", "encoding"):
            raise ManifestFault(f"spec.privateKey.{one}", "is not known")
    algorithm = str(given.get("algorithm") or "RSA")
    is_reused = str(given.get("rotationPolicy") or "Always") == "Never"
    size = given.get("size")
    if algorithm == "RSA":
        if size not in (None, 2048, 3072, 4096):
            raise ManifestFault("spec.privateKey.size", "a vault makes RSA keys of 2048, 3072 and 4096 bits")
        return Key(type="RSA", size=size or 2048, reuse=is_reused)
    if algorithm == "ECDSA":
        if size in (None, 256):
            return Key(type="EC", curve="P-256", reuse=is_reused)
        if size == 384:
            return Key(type="EC", curve="P-384", reuse=is_reused)
        if size == 521:
            return Key(type="EC", curve="P-521", reuse=is_reused)
        raise ManifestFault("spec.privateKey.size", "256, 384 and 521 are known for ECDSA")
    raise ManifestFault("spec.privateKey.algorithm", f"a vault makes no {algorithm} keys; RSA and ECDSA are known")


def parse_duration(text: str) -> timedelta | None:
    """A duration as Go writes it, `2160h` or `1h30m`; None where it is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (float(one or 0) for one in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _duration(spec: Json, key: str) -> timedelta | None:
    if spec.get(key) is None:
        return None
    found = parse_duration(str(spec[key]))
    if found is None or found <= timedelta(0):
        raise ManifestFault(f"spec.{key}", f"{spec[key]!r} is no duration such as 2160h")
    return found


def _months(life: timedelta, issuer: Issuer, notes: list[str]) -> int:
    exact = life / _DAY / _MONTH_DAYS
    months = max(1, round(exact))
    if issuer.is_acme:
        return months
    if exact < 0.9:
        raise ManifestFault("spec.duration", f"{life} is shorter than the month in which a vault counts")
    if abs(months * _MONTH_DAYS - life / _DAY) > 2.5:
        notes.append(f"A vault counts in months: the duration of {life.days} days becomes {months} months.")
    return months


def _renewal(spec: Json, life: timedelta, months: int, issuer: Issuer, notes: list[str]) -> Renewal:
    before, share = _duration(spec, "renewBefore"), spec.get("renewBeforePercentage")
    if before is not None and share is not None:
        raise ManifestFault("spec.renewBefore", "give renewBefore or renewBeforePercentage, not both")
    by: Any = "sfcert" if issuer.is_merged else "vault"
    if share is not None:
        if not isinstance(share, int) or not 1 <= share <= 99:
            raise ManifestFault("spec.renewBeforePercentage", "must lie between 1 and 99")
        return Renewal(lifetime_percentage=100 - share, by=by)
    if before is None:
        return Renewal(lifetime_percentage=67, by=by)
    if before >= life:
        raise ManifestFault("spec.renewBefore", f"{before} is not shorter than the duration, {life}")
    days = math.ceil(before / _DAY)
    if days > months * 27:
        percentage = max(1, min(99, round((1 - before / life) * 100)))
        notes.append(f"A vault takes at most {months * 27} days here: renewBefore becomes {percentage} % of the life.")
        return Renewal(lifetime_percentage=percentage, by=by)
    if before % _DAY:
        notes.append(f"A vault counts in days: renewBefore becomes {days} days.")
    return Renewal(days_before_expiry=days, by=by)
