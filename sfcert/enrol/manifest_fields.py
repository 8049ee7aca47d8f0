"""Which fields of cert-manager's API are taken, and how? One table, for readers and the reference page. Floor 3.

A key that the table does not hold is a misspelt one, and refused: dropped in silence it would change what is asked
for. Left out on purpose: how values are read, which is the readers'.
Source: cert-manager 1.21, pkg/apis/certmanager/v1, pkg/apis/acme/v1, pkg/controller/certificate-shim/helper.go; NGINX
Ingress Controller 5, internal/certmanager (read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
#: "same": the same meaning. "turned": taken, with a difference that is told. "idle": means nothing in a vault, and is
#: left out. "refused": named in a fault wherever it is set.
Fate = Literal["same", "turned", "idle", "refused"]


@dataclass(frozen=True, slots=True)
class Field:
    """What becomes of one field. `says` is the difference, or a default; of a refused one the fault's message."""

    fate: Fate
    says: str = ""


class ManifestFault(Exception):
    """A part of a manifest that cannot be used; becomes a fault of `InputError`. `path` inside the document."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def _same(says: str = "") -> Field:
    return Field("same", says)


def _turned(says: str) -> Field:
    return Field("turned", says)


def _idle(says: str) -> Field:
    return Field("idle", says)


def _refused(says: str) -> Field:
    return Field("refused", says)


_NOT_BY_ACME = _turned("not with an ACME issuer, to which DNS names alone are proved here")
_OF_THE_SECRET = _idle("the vault's certificate takes the secret's place, under the Certificate's own name")
_OF_THE_POD = _idle("the answer is served by sfcert itself, not by a pod of the cluster")
_BY_LEXICON = _refused("has no equal from a manifest; write a policy with the solver lexicon and its provider")
_SIGNED_IN = _turned("Azure DNS is written with the identity that sfcert is signed in with")
_BY_HAND = _turned("put it in where the authority's key lies")

#: Place -> field -> what becomes of it. The places are those of the API, outer ones first.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "Certificate spec": {
        "secretName": _OF_THE_SECRET,
        "issuerRef": _same(),
        "commonName": _turned("without one, the first DNS name of at most 64 characters is taken"),
        "dnsNames": _turned("the common name is among them, and stands first"),
        "emailAddresses": _NOT_BY_ACME,
        "ipAddresses": _NOT_BY_ACME,
        "uris": _NOT_BY_ACME,
        "otherNames": _refused("a vault asks for no such names; a policy takes user principal names as sans.upns"),
        "duration": _turned("in whole months, as a vault counts; 90 days by default; an ACME authority is not asked"),
        "renewBefore": _turned("in whole days, rounded up; as a share of the life where it is more than a vault takes"),
        "renewBeforePercentage": _same("what is left of the life; by default a third (a vault is told 67 %)"),
        "renewal": _same("renewals are then begun by `sfcert renew --due`"),
        "privateKey": _same(),
        "usages": _turned(
            "digital signature and key encipherment where only extended ones stand; by default server auth beside them"
        ),
        "subject": _same(),
        "literalSubject": _same("without commonName and subject"),
        "secretTemplate": _turned("labels and annotations become tags of the certificate"),
        "keystores": _same(),
        "encodeUsagesInRequest": _turned("a vault always writes usages into the request: false is refused"),
        "revisionHistoryLimit": _idle("a vault keeps every version"),
        "isCA": _refused("an authority's certificate is not enrolled here"),
        "nameConstraints": _refused("belongs in an authority's certificate, which is not enrolled here"),
        "additionalOutputFormats": _refused("a vault writes one format; ask for it by a policy's content_type"),
        "signatureAlgorithm": _refused("a vault chooses how it signs its requests; take it out"),
    },
    "Certificate spec.issuerRef": {
        "name": _same(),
        "kind": _same("Issuer by default"),
        "group": _same("cert-manager.io alone"),
    },
    "Certificate spec.privateKey": {
        "algorithm": _turned("RSA by default, and ECDSA; a vault makes no Ed25519 keys"),
        "size": _turned("2048, 3072 and 4096; 256, 384 and 521"),
        "rotationPolicy": _same("Always by default, as since cert-manager 1.18"),
        "encoding": _idle("the key never leaves the vault in a file of its own"),
    },
    "Certificate spec.subject": {
        "organizations": _same(),
        "organizationalUnits": _same(),
        "localities": _same(),
        "provinces": _same(),
        "countries": _same(),
        "streetAddresses": _same(),
        "postalCodes": _refused("is no part of a subject that a vault is known to take; take it out"),
        "serialNumber": _refused("is no part of a subject that a vault is known to take; take it out"),
    },
    "Certificate spec.keystores": {
        "pkcs12": _turned("the vault's secret is a PKCS #12 file, without a password"),
        "jks": _refused("a vault makes no JKS file; take it out"),
    },
    "Certificate spec.secretTemplate": {"labels": _same(), "annotations": _same()},
    "Certificate spec.renewal": {
        "policy": _turned("RenewBefore alone: what is not to be renewed is kept out of the timer's reach"),
        "windows": _same(),
    },
    "Certificate spec.renewal.windows": {
        "cron": _same("numbers only, no names of days or months"),
        "windowDuration": _same("in whole minutes"),
        "timezone": _turned("UTC alone"),
    },
    "Issuer and ClusterIssuer spec": {
        "acme": _same(),
        "ca": _turned("the issuer Unknown: sign the request where the authority's key lies, then `sfcert merge`"),
        "selfSigned": _turned("the vault's issuer Self"),
        "vault": _refused("is not known here; acme, ca and selfSigned are"),
        "venafi": _refused("is not known here; acme, ca and selfSigned are"),
    },
    "Issuer spec.ca": {
        "secretName": _same(),
        "crlDistributionPoints": _BY_HAND,
        "ocspServers": _BY_HAND,
        "issuingCertificateURLs": _BY_HAND,
    },
    "Issuer spec.selfSigned": {
        "crlDistributionPoints": _refused("a vault puts no distribution points into what it signs itself; take it out"),
    },
    "Issuer spec.acme": {
        "server": _same(),
        "email": _same(),
        "preferredChain": _same(),
        "profile": _same(),
        "privateKeySecretRef": _turned("names the vault's secret for the account's key; one is made where none is"),
        "externalAccountBinding": _same(),
        "solvers": _same(),
        "renewalInformationSource": _same("ARI by default"),
        "caBundle": _refused("a manifest brings no roots in; write a policy with ca_file"),
        "skipTLSVerify": _refused("the authority is always verified; write a policy with ca_file"),
        "disableAccountKeyGeneration": _refused(
            "the account's key lies in the vault: put yours there as the secret that privateKeySecretRef names, as a "
            "JWK, and take this out"
        ),
        "enableDurationFeature": _refused("an ACME authority is not asked for an end date; take it out"),
    },
    "Issuer spec.acme.externalAccountBinding": {
        "keyID": _same(),
        "keySecretRef": _same(),
        "keyAlgorithm": _turned("HS256, as there"),
    },
    "Issuer spec.acme.solvers": {
        "selector": _same("dnsNames, then the longest zone, then the most labels, then the first"),
        "http01": _turned("the solver http01: a server of sfcert's own at port 80"),
        "dns01": _same(),
        "waitInsteadOfSelfCheck": _refused(
            "a record is looked for at the authoritative servers; a policy's patience_s says for how long"
        ),
    },
    "Issuer spec.acme.solvers.selector": {
        "matchLabels": _same("the labels of the Certificate, or of the Ingress or VirtualServer that asks"),
        "dnsNames": _same(),
        "dnsZones": _same(),
    },
    "Issuer spec.acme.solvers.http01": {"ingress": _OF_THE_POD, "gatewayHTTPRoute": _OF_THE_POD},
    "Issuer spec.acme.solvers.http01.ingress": {
        "serviceType": _OF_THE_POD,
        "ingressClassName": _OF_THE_POD,
        "class": _OF_THE_POD,
        "name": _OF_THE_POD,
        "podTemplate": _OF_THE_POD,
        "ingressTemplate": _OF_THE_POD,
    },
    "Issuer spec.acme.solvers.http01.gatewayHTTPRoute": {
        "serviceType": _OF_THE_POD,
        "labels": _OF_THE_POD,
        "parentRefs": _OF_THE_POD,
        "podTemplate": _OF_THE_POD,
    },
    "Issuer spec.acme.solvers.dns01": {
        "cnameStrategy": _turned("CNAMEs are always followed, as with Follow"),
        "nameservers": _turned("addresses alone, no hosts and no https://"),
        "azureDNS": _turned("the solver azure-dns"),
        "rfc2136": _turned("the solver rfc2136"),
        "cloudflare": _turned("the solver lexicon"),
        "digitalocean": _turned("the solver lexicon"),
        "akamai": _BY_LEXICON,
        "cloudDNS": _BY_LEXICON,
        "route53": _BY_LEXICON,
        "acmeDNS": _BY_LEXICON,
        "webhook": _refused("has no equal here; write a policy with one of the solvers"),
    },
    "Issuer spec.acme.solvers.dns01.azureDNS": {
        "subscriptionID": _same(),
        "resourceGroupName": _same(),
        "hostedZoneName": _same("without one, the longest zone that the name lies in"),
        "environment": _turned("AzurePublicCloud alone"),
        "zoneType": _turned("AzurePublicZone alone"),
        "clientID": _SIGNED_IN,
        "clientSecretSecretRef": _SIGNED_IN,
        "tenantID": _SIGNED_IN,
        "managedIdentity": _SIGNED_IN,
    },
    "Issuer spec.acme.solvers.dns01.rfc2136": {
        "nameserver": _same(),
        "tsigKeyName": _same("with its secret"),
        "tsigSecretSecretRef": _same("with its key's name"),
        "tsigAlgorithm": _same("HMACMD5 by default, as there"),
        "protocol": _turned("updates go by TCP"),
    },
    "Issuer spec.acme.solvers.dns01.cloudflare": {
        "apiTokenSecretRef": _same("or the key"),
        "apiKeySecretRef": _same("with email"),
        "email": _same(),
    },
    "Issuer spec.acme.solvers.dns01.digitalocean": {"tokenSecretRef": _same()},
    "Ingress annotations cert-manager.io/": {
        "issuer": _same(),
        "cluster-issuer": _same(),
        "issuer-kind": _same("beside issuer"),
        "issuer-group": _same("beside issuer; cert-manager.io alone"),
        "common-name": _same(),
        "alt-names": _same("beside the hosts"),
        "email-sans": _NOT_BY_ACME,
        "ip-sans": _NOT_BY_ACME,
        "uri-sans": _NOT_BY_ACME,
        "duration": _same("as in a Certificate"),
        "renew-before": _same("as in a Certificate"),
        "renew-before-percentage": _same(),
        "usages": _same(),
        "revision-history-limit": _idle("a vault keeps every version"),
        "private-key-algorithm": _same(),
        "private-key-size": _same(),
        "private-key-rotation-policy": _same(),
        "private-key-encoding": _idle("the key never leaves the vault in a file of its own"),
        "subject-organizations": _same(),
        "subject-organizationalunits": _same(),
        "subject-countries": _same(),
        "subject-provinces": _same(),
        "subject-localities": _same(),
        "subject-streetaddresses": _same(),
        "subject-postalcodes": _refused("is no part of a subject that a vault is known to take; take it out"),
        "subject-serialnumber": _refused("is no part of a subject that a vault is known to take; take it out"),
        "secret-template": _turned("labels and annotations become tags of the certificate"),
        "issue-temporary-certificate": _turned("no temporary certificate is made"),
    },
    "Ingress annotations acme.cert-manager.io/": {
        "http01-edit-in-place": _turned("no ingress is edited: the solver serves the answer at port 80"),
        "http01-ingress-class": _OF_THE_POD,
        "http01-ingress-ingressclassname": _OF_THE_POD,
    },
    "Ingress annotations kubernetes.io/": {
        "tls-acme": _turned(
            "leads to an issuer that only the installation knows; name it by cert-manager.io/cluster-issuer"
        ),
    },
    "VirtualServer spec.tls.cert-manager": {
        "issuer": _same(),
        "cluster-issuer": _same(),
        "issuer-kind": _same("beside issuer"),
        "issuer-group": _same("beside issuer; cert-manager.io alone"),
        "common-name": _same(),
        "duration": _same("as in a Certificate"),
        "renew-before": _same("as in a Certificate"),
        "usages": _same(),
        "issue-temp-cert": _turned("no temporary certificate is made"),
    },
}


def check_fields(given: Json, place: str, path: str) -> None:
    """Refuse what a place of the table does not hold, and what it refuses and is set.

    Args:
        path: of the mapping inside its document; an annotation's path ends with its slash.

    Raises:
        ManifestFault: the first such field. A field with its type's own nothing (false, "", []) is not set.
    """
    lead = path if path.endswith("/") else f"{path}."
    for key, value in given.items():
        field = FIELDS[place].get(str(key))
        if field is None:
            raise ManifestFault(f"{lead}{key}", "is no field that is known; check its spelling, or take it out")
        if field.fate == "refused" and value:
            raise ManifestFault(f"{lead}{key}", field.says)


def mapping_at(given: Json, key: str, path: str) -> Json:
    """The mapping under a key; empty where there is none."""
    value = given.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ManifestFault(f"{path}.{key}".lstrip("."), "has to be a mapping")
    return value


def list_at(given: Json, key: str, path: str) -> list[Any]:
    """The list under a key; empty where there is none. A text is no list: its letters would be taken."""
    value = given.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ManifestFault(f"{path}.{key}", "has to be a list")
    return value


def text_at(given: Json, key: str, path: str) -> str:
    """The text under a key; empty where there is none."""
    value = given.get(key)
    return "" if value is None else text_of(value, f"{path}.{key}")


def texts_at(given: Json, key: str, path: str) -> tuple[str, ...]:
    """The texts of the list under a key, each once, in their order; empty where there is none."""
    found = [text_of(one, f"{path}.{key}[{at}]") for at, one in enumerate(list_at(given, key, path))]
    return tuple(dict.fromkeys(found))


def pairs_at(given: Json, key: str, path: str) -> dict[str, str]:
    """The texts of the mapping under a key, by name."""
    return {str(name): text_of(one, f"{path}.{key}.{name}") for name, one in mapping_at(given, key, path).items()}


def text_of(value: Any, path: str) -> str:
    """The value, which has to be a text: `NO` without quotes is false in YAML, and `0123` is 83. Not shown."""
    if not isinstance(value, str):
        read = {bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
        raise ManifestFault(path, f"has to be a text; YAML reads {read.get(type(value), 'something else')}: quote it")
    return value


def flag_at(given: Json, key: str, path: str) -> bool | None:
    """The true or false under a key; None where there is none."""
    value = given.get(key)
    if value is not None and not isinstance(value, bool):
        raise ManifestFault(f"{path}.{key}", "has to be true or false")
    return value


def number_at(given: Json, key: str, path: str) -> int | None:
    """The whole number under a key; None where there is none."""
    value = given.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ManifestFault(f"{path}.{key}", "has to be a whole number")
    return value
