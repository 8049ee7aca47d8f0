"""What does a Certificate of cert-manager ask for, as a policy? One document. Floor 3.

A vault counts validity in months and renews by whole days or per cent: durations are turned into those, with a note
where they do not fit. Source: cert-manager's API v1, CertificateSpec, its defaults (90 days, two thirds) and its
webhook's limits (an hour, five minutes, 64 characters).
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from sfcert.enrol.manifest_fields import (
    ManifestFault,
    check_fields,
    flag_at,
    list_at,
    mapping_at,
    number_at,
    pairs_at,
    text_at,
    texts_at,
)
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.enrolment import EnrolmentPolicy, Issuer, Key, Renewal, Sans, Window

Json = dict[str, Any]
_DAY = timedelta(days=1)
_MONTH_DAYS = 365.25 / 12
#: As Go writes them: messages speak the manifest's language.
_SHORTEST = "1h"
_SHORTEST_BEFORE = "5m"
_LIFE_BY_DEFAULT = "2160h"
#: As long as an X.509 common name may be (RFC 5280, ub-common-name).
_LONGEST_NAME = 64
#: A vault's own limit for a name.
_LONGEST_VAULT_NAME = 127
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+")
_DURATION_PART = re.compile(rf"{_NUMBER}(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
#: What Go's int64 of nanoseconds can hold.
_LONGEST_S = 2**63 / 1e9
_EXTENDED = {
    "any": "2.5.29.37.0",
    "server auth": SERVER_AUTH,
    "client auth": CLIENT_AUTH,
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
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


def usages_told() -> dict[str, str]:
    """Every usage that is taken -> what a vault is asked for: key usages, then extended ones as dotted ids."""
    return {**_PLAIN, **_EXTENDED}


def vault_name(name: str) -> str:
    """A Kubernetes name as a vault takes it: dots become dashes."""
    return re.sub(r"[^0-9A-Za-z-]", "-", name)


def certificate_name(body: Json) -> str:
    """The certificate's name in the vault. Raises ManifestFault where the manifest leaves it to Kubernetes."""
    metadata = mapping_at(body, "metadata", "")
    name = vault_name(text_at(metadata, "name", "metadata"))
    if not name:
        why = "a name that Kubernetes generates is not known here" if metadata.get("generateName") else "is missing"
        raise ManifestFault("metadata.name", why)
    if len(name) > _LONGEST_VAULT_NAME:
        raise ManifestFault("metadata.name", f"a vault takes at most {_LONGEST_VAULT_NAME} characters")
    return name


def certificate_policy(body: Json, issuer: Issuer, notes: list[str]) -> EnrolmentPolicy:
    """The policy of one Certificate.

    Args:
        body: without nulls.
        issuer: what its issuerRef leads to.
        notes: receives what was turned or left out, one sentence each.

    Raises:
        ManifestFault: a field asks for what has no equal here.
    """
    spec = mapping_at(body, "spec", "")
    check_fields(spec, "Certificate spec", "spec")
    flag_at(spec, "isCA", "spec")
    if flag_at(spec, "encodeUsagesInRequest", "spec") is False:
        raise ManifestFault("spec.encodeUsagesInRequest", "a vault always writes the usages into the request")
    dns_names = texts_at(spec, "dnsNames", "spec")
    written = text_at(spec, "duration", "spec") or _LIFE_BY_DEFAULT
    life = _duration(written, "duration", _SHORTEST)
    months = _months(life, written, issuer, notes)
    usages = _usages(spec, notes)
    _look_at_keystores(spec, notes)
    template = mapping_at(spec, "secretTemplate", "spec")
    check_fields(template, "Certificate spec.secretTemplate", "spec.secretTemplate")
    return EnrolmentPolicy(
        subject=_subject(spec, dns_names, notes),
        issuer=issuer,
        dns_names=dns_names,
        sans=Sans(
            emails=texts_at(spec, "emailAddresses", "spec"),
            uris=texts_at(spec, "uris", "spec"),
            ip_addresses=texts_at(spec, "ipAddresses", "spec"),
        ),
        key=_key(mapping_at(spec, "privateKey", "spec")),
        ekus=tuple(dict.fromkeys(_EXTENDED[one] for one in usages if one in _EXTENDED)),
        key_usage=tuple(dict.fromkeys(_PLAIN[one] for one in usages if one in _PLAIN)),
        validity_months=months,
        renewal=_renewal(spec, life, written, months, issuer, notes),
        tags=pairs_at(template, "labels", "spec.secretTemplate")
        | pairs_at(template, "annotations", "spec.secretTemplate"),
    )


def _usages(spec: Json, notes: list[str]) -> list[str]:
    given = [one.lower() for one in texts_at(spec, "usages", "spec")]
    for one in given:
        if one in ("cert sign", "crl sign"):
            raise ManifestFault("spec.usages", f"{one!r} is an authority's, which is not enrolled here")
        if one not in _EXTENDED and one not in _PLAIN:
            raise ManifestFault("spec.usages", f"{one!r} is no usage that a vault can ask for")
    if not given:
        notes.append("No usages are given; server auth is asked for beside cert-manager's own two.")
    if given and not any(one in _PLAIN for one in given):
        # there the extension is left out, which rules nothing out; a vault writes it, and with no bit set it rules out
        # the handshake itself
        notes.append(
            "usages name extended ones alone; digital signature and key encipherment are asked for beside them."
        )
        return [*_USAGES_BY_DEFAULT[:2], *given]
    return given or list(_USAGES_BY_DEFAULT)


def _look_at_keystores(spec: Json, notes: list[str]) -> None:
    """A keystore that is not to be made says nothing; its password is never looked at."""
    stores = mapping_at(spec, "keystores", "spec")
    made = {
        kind: True
        for kind in stores
        if flag_at(mapping_at(stores, kind, "spec.keystores"), "create", f"spec.keystores.{kind}") is not False
    }
    check_fields(made, "Certificate spec.keystores", "spec.keystores")
    if "pkcs12" in made:
        notes.append("spec.keystores.pkcs12: the vault's secret is a PKCS #12 file itself, without a password.")


def _subject(spec: Json, dns_names: tuple[str, ...], notes: list[str]) -> str:
    literal, name = text_at(spec, "literalSubject", "spec"), text_at(spec, "commonName", "spec")
    subject = mapping_at(spec, "subject", "spec")
    check_fields(subject, "Certificate spec.subject", "spec.subject")
    if literal:
        if name or any(subject.values()):
            raise ManifestFault("spec.literalSubject", "goes with neither commonName nor subject")
        return literal
    if len(name) > _LONGEST_NAME:
        raise ManifestFault("spec.commonName", f"at most {_LONGEST_NAME} characters fit into a common name")
    if not name:
        if not dns_names:
            raise ManifestFault("spec.commonName", "neither commonName nor dnsNames is given")
        name = next((one for one in dns_names if len(one) <= _LONGEST_NAME), "")
        if not name:
            raise ManifestFault("spec.dnsNames", f"none has at most {_LONGEST_NAME} characters to be the common name")
        notes.append(f"No commonName is given; {name} is taken, because Service Fabric finds certificates by it.")
    parts = [f"CN={_escaped(name)}"]
    for key, short in _SUBJECT:
        parts += [f"{short}={_escaped(one)}" for one in texts_at(subject, key, "spec.subject")]
    return ", ".join(parts)


def _escaped(text: str) -> str:
    return re.sub(r'([,\\+"<>;=])', r"\\\1", text)


def _key(given: Json) -> Key:
    check_fields(given, "Certificate spec.privateKey", "spec.privateKey")
    algorithm = text_at(given, "algorithm", "spec.privateKey") or "RSA"
    rotation = text_at(given, "rotationPolicy", "spec.privateKey") or "Always"
    if rotation not in ("Always", "Never"):
        raise ManifestFault("spec.privateKey.rotationPolicy", f"{rotation!r} is neither Always nor Never")
    encoding = text_at(given, "encoding", "spec.privateKey") or "PKCS1"
    if encoding not in ("PKCS1", "PKCS8"):
        raise ManifestFault("spec.privateKey.encoding", f"{encoding!r} is neither PKCS1 nor PKCS8")
    is_reused = rotation == "Never"
    size = number_at(given, "size", "spec.privateKey") or None
    if algorithm == "RSA":
        match size:
            case None | 2048:
                return Key(type="RSA", reuse=is_reused)
            case 3072:
                return Key(type="RSA", size=3072, reuse=is_reused)
            case 4096:
                return Key(type="RSA", size=4096, reuse=is_reused)
        raise ManifestFault("spec.privateKey.size", "a vault makes RSA keys of 2048, 3072 and 4096 bits")
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
    """A duration as Go writes it, `2160h`, `1h30m` or `1.5h`; None where it is none, or beyond what Go can hold.

    Source: Go's time.ParseDuration. A sign is not taken: no field here can be negative.
    """
    if text == "0":
        return timedelta(0)
    if _DURATION.fullmatch(text) is None:
        return None
    total_s = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    return timedelta(seconds=total_s) if total_s < _LONGEST_S else None


def _duration(text: str, key: str, shortest: str) -> timedelta:
    found, least = parse_duration(text), parse_duration(shortest)
    if found is None:
        raise ManifestFault(f"spec.{key}", f"{text!r} is no duration such as 2160h")
    if least is not None and found < least:
        raise ManifestFault(f"spec.{key}", f"{text!r} is shorter than cert-manager's least, {shortest}")
    return found


def _months(life: timedelta, written: str, issuer: Issuer, notes: list[str]) -> int:
    exact = life / _DAY / _MONTH_DAYS
    months = max(1, round(exact))
    if issuer.is_acme:
        return months
    if exact < 0.9:
        raise ManifestFault("spec.duration", f"{written} is shorter than the month in which a vault counts")
    if abs(months * _MONTH_DAYS - life / _DAY) > 2.5:
        notes.append(f"A vault counts in months: the duration of {life.days} days becomes {months} months.")
    return months


def _renewal(spec: Json, life: timedelta, written: str, months: int, issuer: Issuer, notes: list[str]) -> Renewal:
    early = text_at(spec, "renewBefore", "spec")
    before = _duration(early, "renewBefore", _SHORTEST_BEFORE) if early else None
    share = number_at(spec, "renewBeforePercentage", "spec")
    windows = _windows(mapping_at(spec, "renewal", "spec"))
    # the vault's own renewal knows no windows
    by: Any = "sfcert" if issuer.is_merged or windows else "vault"
    if before is not None and share is not None:
        raise ManifestFault("spec.renewBefore", "give renewBefore or renewBeforePercentage, not both")
    if share is not None:
        if not 1 <= share <= 99:
            raise ManifestFault("spec.renewBeforePercentage", "must lie between 1 and 99")
        return Renewal(lifetime_percentage=100 - share, by=by, windows=windows)
    if before is None:
        return Renewal(lifetime_percentage=67, by=by, windows=windows)
    if before >= life:
        raise ManifestFault("spec.renewBefore", f"{early} is not shorter than the duration, {written}")
    days = math.ceil(before / _DAY)
    if days > months * 27:
        percentage = max(1, min(99, round((1 - before / life) * 100)))
        notes.append(f"A vault takes at most {months * 27} days here: renewBefore becomes {percentage} % of the life.")
        return Renewal(lifetime_percentage=percentage, by=by, windows=windows)
    if before % _DAY:
        notes.append(f"A vault counts in days: renewBefore becomes {days} day{'s' if days > 1 else ''}.")
    return Renewal(days_before_expiry=days, by=by, windows=windows)


def _windows(given: Json) -> tuple[Window, ...]:
    """The renewal's windows. The policy Disabled has no equal: whoever runs the timer renews."""
    if not given:
        return ()
    check_fields(given, "Certificate spec.renewal", "spec.renewal")
    policy = text_at(given, "policy", "spec.renewal")
    if policy != "RenewBefore":
        raise ManifestFault("spec.renewal.policy", f"{policy!r} has no equal here; RenewBefore has")
    found = []
    for at, one in enumerate(list_at(given, "windows", "spec.renewal")):
        path = f"spec.renewal.windows[{at}]"
        if not isinstance(one, dict):
            raise ManifestFault(path, "has to be a mapping")
        check_fields(one, "Certificate spec.renewal.windows", path)
        zone = text_at(one, "timezone", path) or "UTC"
        if zone not in ("UTC", "Etc/UTC"):
            raise ManifestFault(f"{path}.timezone", f"windows are counted in UTC here, not in {zone}")
        length = parse_duration(text_at(one, "windowDuration", path))
        if length is None or length % timedelta(minutes=1) or not length:
            raise ManifestFault(f"{path}.windowDuration", "a duration of whole minutes is needed, such as 2h")
        found.append(Window(cron=text_at(one, "cron", path), minutes=length // timedelta(minutes=1)))
    return tuple(found)
