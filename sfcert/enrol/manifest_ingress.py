"""Which Certificates would cert-manager derive from an Ingress, or NGINX from a VirtualServer? Floor 3.

Source: cert-manager's ingress-shim (pkg/controller/certificate-shim) and its annotations page; NGINX Ingress
Controller, `tls.cert-manager` of a VirtualServer (internal/certmanager).
"""

from __future__ import annotations

import csv
import ipaddress
import json
from typing import Any

from sfcert.enrol.manifest_fields import (
    ManifestFault,
    check_fields,
    flag_at,
    list_at,
    mapping_at,
    text_at,
    text_of,
    texts_at,
)

Json = dict[str, Any]
LEAD = "cert-manager.io/"
ACME_LEAD = "acme.cert-manager.io/"
_PATH = "metadata.annotations"
#: Annotation -> field of the Certificate, and how its text is read.
_ANNOTATIONS: dict[str, tuple[str, str]] = {
    "common-name": ("commonName", "text"),
    "duration": ("duration", "text"),
    "renew-before": ("renewBefore", "text"),
    "renew-before-percentage": ("renewBeforePercentage", "number"),
    "usages": ("usages", "list"),
    "email-sans": ("emailAddresses", "list"),
    "ip-sans": ("ipAddresses", "list"),
    "uri-sans": ("uris", "list"),
    "revision-history-limit": ("revisionHistoryLimit", "number"),
    "subject-organizations": ("subject.organizations", "csv"),
    "subject-organizationalunits": ("subject.organizationalUnits", "csv"),
    "subject-countries": ("subject.countries", "csv"),
    "subject-provinces": ("subject.provinces", "csv"),
    "subject-localities": ("subject.localities", "csv"),
    "subject-streetaddresses": ("subject.streetAddresses", "csv"),
    "private-key-algorithm": ("privateKey.algorithm", "text"),
    "private-key-size": ("privateKey.size", "number"),
    "private-key-rotation-policy": ("privateKey.rotationPolicy", "text"),
    "private-key-encoding": ("privateKey.encoding", "text"),
    "alt-names": ("dnsNames", "list"),
    "secret-template": ("secretTemplate", "json"),
}
_ISSUER = ("issuer", "cluster-issuer", "issuer-kind", "issuer-group")
#: What Go's strconv.ParseBool takes for true.
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
NO_TEMPORARY = "No temporary certificate is made while the real one is on its way."


def annotations_of(body: Json) -> Json:
    """The annotations of an object, as they stand."""
    return mapping_at(mapping_at(body, "metadata", ""), "annotations", "metadata")


def asks_for_certificates(body: Json) -> bool:
    """Whether an object of any kind names an issuer by annotation, as ingress-shim looks for it."""
    found = annotations_of(body)
    return f"{LEAD}issuer" in found or f"{LEAD}cluster-issuer" in found


def certificates_of_ingress(body: Json, notes: list[str]) -> list[Json]:
    """One Certificate for each entry of `spec.tls`; none where no annotation asks for an issuer.

    Args:
        notes: receives the entries that are passed over, as ingress-shim does.

    Raises:
        ManifestFault: an annotation or an entry has no equal here.
    """
    annotations = annotations_of(body)
    own = {key.removeprefix(LEAD): value for key, value in annotations.items() if str(key).startswith(LEAD)}
    acme = {key.removeprefix(ACME_LEAD): value for key, value in annotations.items() if str(key).startswith(ACME_LEAD)}
    if not asks_for_certificates(body):
        if str(annotations.get("kubernetes.io/tls-acme")) in _TRUE:
            raise ManifestFault(
                f"{_PATH}.kubernetes.io/tls-acme",
                "leads to an issuer that only the installation knows; name it by cert-manager.io/cluster-issuer",
            )
        return []
    check_fields(own, "Ingress annotations cert-manager.io/", f"{_PATH}.{LEAD}")
    check_fields(acme, "Ingress annotations acme.cert-manager.io/", f"{_PATH}.{ACME_LEAD}")
    ref = _issuer(own, f"{_PATH}.{LEAD}")
    spec: Json = {}
    for key in own:
        if key in _ANNOTATIONS:
            _set(spec, key, text_of(own[key], f"{_PATH}.{LEAD}{key}"))
    found: list[Json] = []
    for at, entry in enumerate(list_at(mapping_at(body, "spec", ""), "tls", "spec")):
        path = f"spec.tls[{at}]"
        if not isinstance(entry, dict):
            raise ManifestFault(path, "has to be a mapping")
        secret, hosts = text_at(entry, "secretName", path), texts_at(entry, "hosts", path)
        if not secret or not hosts:
            notes.append(f"{path} asks for no certificate: it needs both secretName and hosts.")
            continue
        for host in hosts:
            if _is_address(host):
                raise ManifestFault(f"{path}.hosts", f"{host} is an address; certificates are asked for by DNS names")
        names = list(dict.fromkeys([*hosts, *spec.get("dnsNames", [])]))
        found.append(_certificate(secret, body, {**spec, "dnsNames": names, "issuerRef": ref}))
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _issuer(given: Json, path: str) -> Json:
    """The issuerRef of what names its issuer itself."""
    given = {key: text_of(given[key], f"{path}{key}") for key in _ISSUER if key in given}
    if "issuer" in given and "cluster-issuer" in given:
        raise ManifestFault(f"{path}issuer", "names an issuer beside cluster-issuer; keep one")
    name = given.get("issuer") or given.get("cluster-issuer")
    if not name:
        raise ManifestFault(f"{path}issuer", "neither issuer nor cluster-issuer names one")
    if "cluster-issuer" in given:
        for key in ("issuer-kind", "issuer-group"):
            if key in given:
                raise ManifestFault(f"{path}{key}", "goes with issuer, not with cluster-issuer")
        return {"name": name, "kind": "ClusterIssuer"}
    return {"name": name, "kind": given.get("issuer-kind") or "Issuer", "group": given.get("issuer-group") or ""}


def _set(spec: Json, key: str, value: str) -> None:
    field, kind = _ANNOTATIONS[key]
    found = _read(key, value, kind)
    outer, _, inner = field.partition(".")
    if inner:
        spec.setdefault(outer, {})[inner] = found
    else:
        spec[outer] = found


def _read(key: str, value: str, kind: str) -> Any:
    path = f"{_PATH}.{LEAD}{key}"
    if kind == "list":
        return [one.strip() for one in value.split(",") if one.strip()]
    if kind == "csv":
        # one line of CSV, so that a quoted part may hold a comma
        try:
            lines = list(csv.reader([value], strict=True))
        except csv.Error as error:
            raise ManifestFault(path, f"is no line of comma-separated values: {error}") from error
        return [one.strip() for one in lines[0] if one.strip()] if lines else []
    if kind == "number":
        if not (value.isascii() and value.isdecimal()) or len(value) > 9:
            raise ManifestFault(path, f"{value!r} is no number")
        return int(value)
    if kind == "json":
        try:
            template = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ManifestFault(path, "is no JSON") from error
        if not isinstance(template, dict):
            raise ManifestFault(path, "is no JSON object")
        return template
    return value


def certificates_of_virtual_server(body: Json, notes: list[str]) -> list[Json]:
    """The Certificate of a VirtualServer with `tls.cert-manager`; none without. Raises ManifestFault."""
    spec = mapping_at(body, "spec", "")
    tls = mapping_at(spec, "tls", "spec")
    if "cert-manager" not in tls:
        return []
    path = "spec.tls.cert-manager"
    asked = mapping_at(tls, "cert-manager", "spec.tls")
    check_fields(asked, "VirtualServer spec.tls.cert-manager", path)
    secret, host = text_at(tls, "secret", "spec.tls"), text_at(spec, "host", "spec")
    if not secret or not host:
        raise ManifestFault("spec.tls", "host and tls.secret are needed for a certificate")
    # an empty text is not set, as with NGINX
    given = {key: value for key, value in asked.items() if value != ""}
    if flag_at(given, "issue-temp-cert", path):
        notes.append(NO_TEMPORARY)
    wanted: Json = {"dnsNames": [host], "issuerRef": _issuer(given, f"{path}.")}
    for key, name in (("common-name", "commonName"), ("duration", "duration"), ("renew-before", "renewBefore")):
        if key in given:
            wanted[name] = text_at(given, key, path)
    if "usages" in given:
        wanted["usages"] = [one.strip() for one in text_at(given, "usages", path).split(",")]
    return [_certificate(secret, body, wanted)]


def _certificate(name: str, origin: Json, spec: Json) -> Json:
    """A Certificate as it would be made: with the labels of what asks for it, by which solvers select."""
    labels = mapping_at(origin, "metadata", "").get("labels") or {}
    return {
        "kind": "Certificate",
        "metadata": {"name": name, "labels": labels},
        "spec": {"secretName": name, **spec},
    }
