"""Which Certificates would cert-manager derive from an Ingress, or NGINX from a VirtualServer? Floor 3.

Source: cert-manager's ingress-shim and its annotations page; NGINX Ingress Controller, `tls.cert-manager` of a
VirtualServer.
"""

from __future__ import annotations

from typing import Any

from sfcert.enrol.manifest_certificate import ManifestFault

Json = dict[str, Any]
_LEAD = "cert-manager.io/"
#: Annotation -> field of the Certificate, and whether it holds a list.
_ANNOTATIONS: dict[str, tuple[str, bool]] = {
    "common-name": ("commonName", False),
    "duration": ("duration", False),
    "renew-before": ("renewBefore", False),
    "renew-before-percentage": ("renewBeforePercentage", False),
    "usages": ("usages", True),
    "email-sans": ("emailAddresses", True),
    "revision-history-limit": ("revisionHistoryLimit", False),
    "subject-organizations": ("subject.organizations", True),
    "subject-organizationalunits": ("subject.organizationalUnits", True),
    "subject-countries": ("subject.countries", True),
    "subject-provinces": ("subject.provinces", True),
    "subject-localities": ("subject.localities", True),
    "subject-streetaddresses": ("subject.streetAddresses", True),
    "private-key-algorithm": ("privateKey.algorithm", False),
    "private-key-size": ("privateKey.size", False),
    "private-key-rotation-policy": ("privateKey.rotationPolicy", False),
    "private-key-encoding": ("privateKey.encoding", False),
    "alt-names": ("dnsNames", True),
}
_NUMBERS = frozenset({"renew-before-percentage", "private-key-size", "revision-history-limit"})
_ISSUER = frozenset({"issuer", "cluster-issuer", "issuer-kind", "issuer-group"})
#: Of the ACME annotations: how an HTTP-01 answer gets into the ingress, which the solver settles here.
_ACME = frozenset({"http01-edit-in-place", "http01-ingress-class", "http01-ingress-ingressclassname"})


def certificates_of_ingress(body: Json) -> list[Json]:
    """One Certificate for each entry of `spec.tls`; none where no annotation asks for an issuer.

    Raises:
        ManifestFault: an annotation or an entry has no equal here.
    """
    annotations = {str(k): str(v) for k, v in ((body.get("metadata") or {}).get("annotations") or {}).items()}
    for key in annotations:
        lead, _, name = key.partition("/")
        if lead == "acme.cert-manager.io" and name not in _ACME:
            raise ManifestFault(f"metadata.annotations.{key}", "has no equal here")
    own = {key.removeprefix(_LEAD): value for key, value in annotations.items() if key.startswith(_LEAD)}
    if not own.get("issuer") and not own.get("cluster-issuer"):
        if annotations.get("kubernetes.io/tls-acme") == "true":
            raise ManifestFault(
                "metadata.annotations.kubernetes.io/tls-acme",
                "leads to an issuer that only the installation knows; name it by cert-manager.io/cluster-issuer",
            )
        return []
    ref = _issuer(own)
    spec: Json = {}
    for key, value in own.items():
        if key in _ISSUER:
            continue
        if key not in _ANNOTATIONS:
            raise ManifestFault(f"metadata.annotations.{_LEAD}{key}", "has no equal here")
        _set(spec, key, value)
    found: list[Json] = []
    for at, entry in enumerate((body.get("spec") or {}).get("tls") or []):
        secret, hosts = entry.get("secretName"), [str(one) for one in entry.get("hosts") or ()]
        if not secret or not hosts:
            raise ManifestFault(f"spec.tls[{at}]", "secretName and hosts are needed for a certificate")
        names = list(dict.fromkeys([*hosts, *spec.get("dnsNames", [])]))
        found.append(_certificate(str(secret), {**spec, "dnsNames": names, "issuerRef": ref}))
    return found


def _issuer(own: dict[str, str]) -> Json:
    if own.get("issuer") and own.get("cluster-issuer"):
        raise ManifestFault(f"metadata.annotations.{_LEAD}issuer", "names an issuer beside cluster-issuer; keep one")
    if own.get("cluster-issuer"):
        return {"name": own["cluster-issuer"], "kind": "ClusterIssuer"}
    return {"name": own["issuer"], "kind": own.get("issuer-kind") or "Issuer", "group": own.get("issuer-group")}


def _set(spec: Json, key: str, value: str) -> None:
    path, is_list = _ANNOTATIONS[key]
    outer, _, inner = path.partition(".")
    found: Any = [one.strip() for one in value.split(",") if one.strip()] if is_list else value
    if key in _NUMBERS:
        if not value.isdigit():
            raise ManifestFault(f"metadata.annotations.{_LEAD}{key}", f"{value!r} is no number")
        found = int(value)
    if inner:
        spec.setdefault(outer, {})[inner] = found
    else:
        spec[outer] = found


def certificates_of_virtual_server(body: Json) -> list[Json]:
    """The Certificate of a VirtualServer with `tls.cert-manager`; none without. Raises ManifestFault."""
    spec = body.get("spec") or {}
    tls = spec.get("tls") or {}
    asked = tls.get("cert-manager")
    if not asked:
        return []
    if not tls.get("secret") or not spec.get("host"):
        raise ManifestFault("spec.tls", "host and tls.secret are needed for a certificate")
    fields = {"common-name": "commonName", "duration": "duration", "renew-before": "renewBefore", "usages": "usages"}
    wanted: Json = {"dnsNames": [str(spec["host"])], "issuerRef": _issuer({k: str(v) for k, v in asked.items()})}
    for key, value in asked.items():
        if key in _ISSUER or key == "issue-temp-cert":
            continue
        if key not in fields:
            raise ManifestFault(f"spec.tls.cert-manager.{key}", "has no equal here")
        is_usages = key == "usages"
        wanted[fields[key]] = [one.strip() for one in str(value).split(",")] if is_usages else str(value)
    return [_certificate(str(tls["secret"]), wanted)]


def _certificate(name: str, spec: Json) -> Json:
    return {"kind": "Certificate", "metadata": {"name": name}, "spec": {"secretName": name, **spec}}
