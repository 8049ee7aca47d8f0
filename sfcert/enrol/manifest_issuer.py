"""Who signs, by an Issuer or ClusterIssuer of cert-manager? One document. Floor 3.

acme with http01 and dns01 solvers (azureDNS, cloudflare, digitalocean, rfc2136), ca, selfSigned. Others are refused by
name. Secrets are only named in the policy, as `<secret>/<key>`. Source: cert-manager's API v1, IssuerSpec and ACME
solvers, and what its webhook refuses.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sfcert.enrol.manifest_fields import (
    ManifestFault,
    check_fields,
    list_at,
    mapping_at,
    pairs_at,
    text_at,
    texts_at,
)
from sfcert.enrol.manifest_secrets import SecretShelf
from sfcert.model.enrolment import Acme, Issuer, Solver

Json = dict[str, Any]
_ALGORITHMS = {
    "HMACMD5": "hmac-md5",
    "HMACSHA1": "hmac-sha1",
    "HMACSHA256": "hmac-sha256",
    "HMACSHA512": "hmac-sha512",
}
_PORT_80 = (
    "HTTP-01 means that the authority reaches port 80 at each name's own address, which for a cluster's name is its "
    "load balancer: prefer DNS-01."
)
_SIGNED_IN = "Azure DNS is written with the identity that sfcert is signed in with, not the manifest's."
_FOLLOWED = "cnameStrategy None: a CNAME at the challenge's name is followed all the same."
_BY_HAND = ("crlDistributionPoints", "ocspServers", "issuingCertificateURLs")
Settings = dict[str, str]
Kind = Literal["http01", "azure-dns", "rfc2136", "lexicon"]


@dataclass(slots=True)
class _Reading:
    """What one issuer is read with: where its secrets lie, and what was found on the way."""

    shelf: SecretShelf
    namespace: str | None
    labels: Mapping[str, str]
    notes: list[str]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def secret(self, given: Json, key: str, path: str) -> str:
        """`name/key` of a reference; its value is kept."""
        name, value = self.shelf.value_of(given.get(key), f"{path}.{key}", self.namespace)
        self.secrets[name] = value
        return name

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def issuer_of(
    body: Json, shelf: SecretShelf, namespace: str | None, labels: Mapping[str, str], notes: list[str]
) -> tuple[Issuer, dict[str, str]]:
    """The issuer for one Certificate, and the secrets that it needs: `<secret>/<key>`, and `eab`, to their texts.

    Args:
        body: without nulls.
        namespace: the issuer's own; None for a ClusterIssuer.
        labels: the Certificate's, by which solvers may select.
        notes: receives one sentence for each thing that means something else here.

    Raises:
        ManifestFault: something has no equal here.
    """
    spec = mapping_at(body, "spec", "")
    kinds = sorted(str(one) for one in spec)
    if len(kinds) != 1:
        raise ManifestFault("spec", f"one kind of issuer is needed, there are {', '.join(kinds) or 'none'}")
    kind = kinds[0]
    # an issuer without settings is set all the same
    check_fields({kind: True}, "Issuer and ClusterIssuer spec", "spec")
    given = mapping_at(spec, kind, "spec")
    if kind == "selfSigned":
        check_fields(given, "Issuer spec.selfSigned", "spec.selfSigned")
        return Issuer(name="Self"), {}
    if kind == "ca":
        _note_authority(given, notes)
        return Issuer(name="Unknown"), {}
    reading = _Reading(shelf, namespace, labels, notes)
    return _acme(given, reading), reading.secrets


def _note_authority(given: Json, notes: list[str]) -> None:
    check_fields(given, "Issuer spec.ca", "spec.ca")
    secret = text_at(given, "secretName", "spec.ca")
    if not secret:
        raise ManifestFault("spec.ca.secretName", "is missing")
    notes.append(
        f"The authority's key lies in the secret {secret}: sign the request with it where it lies, and bring the "
        "answer with `sfcert merge`."
    )
    by_hand = [one for one in _BY_HAND if texts_at(given, one, "spec.ca")]
    if by_hand:
        notes.append(f"spec.ca: {', '.join(by_hand)} is for whoever signs the request to put in.")


def _acme(given: Json, reading: _Reading) -> Issuer:
    path = "spec.acme"
    check_fields(given, "Issuer spec.acme", path)
    server, email = text_at(given, "server", path), text_at(given, "email", path)
    if not server:
        raise ManifestFault(f"{path}.server", "is missing")
    source = text_at(given, "renewalInformationSource", path) or "ARI"
    if source not in ("ARI", "None"):
        raise ManifestFault(f"{path}.renewalInformationSource", f"{source!r} is neither ARI nor None")
    account = text_at(mapping_at(given, "privateKeySecretRef", path), "name", f"{path}.privateKeySecretRef")
    account = account or "acme-account"
    eab_key_id = _external_account(given, reading)
    solvers = _solvers(given, reading)
    reading.note(f"The account's key is kept in the vault, as secret {account}; one is made there at the first order.")
    acme = Acme(
        directory=server,
        contacts=(email,) if email else (),
        account_key="".join(one if (one.isascii() and one.isalnum()) or one == "-" else "-" for one in account),
        eab_key_id=eab_key_id,
        profile=text_at(given, "profile", path) or None,
        preferred_chain=text_at(given, "preferredChain", path) or None,
        renewal_information=source == "ARI",
        solvers=solvers,
    )
    return Issuer(name="acme", acme=acme)


def _external_account(given: Json, reading: _Reading) -> str | None:
    path = "spec.acme.externalAccountBinding"
    eab = mapping_at(given, "externalAccountBinding", "spec.acme")
    if not eab:
        return None
    check_fields(eab, "Issuer spec.acme.externalAccountBinding", path)
    key_id = text_at(eab, "keyID", path)
    if not key_id:
        raise ManifestFault(f"{path}.keyID", "is missing")
    algorithm = text_at(eab, "keyAlgorithm", path) or "HS256"
    if algorithm not in ("HS256", "HS384", "HS512"):
        raise ManifestFault(f"{path}.keyAlgorithm", f"{algorithm!r} is none of HS256, HS384, HS512")
    if algorithm != "HS256":
        reading.note(f"{path}.keyAlgorithm: HS256 is used, as cert-manager does whatever stands here.")
    _, reading.secrets["eab"] = reading.shelf.value_of(
        eab.get("keySecretRef"), f"{path}.keySecretRef", reading.namespace
    )
    return key_id


def _solvers(given: Json, reading: _Reading) -> tuple[Solver, ...]:
    """The solvers whose labels fit, those with more labels first: among equals the first one answers."""
    path = "spec.acme.solvers"
    entries = list_at(given, "solvers", "spec.acme")
    if not entries:
        reading.note("No solver is given: the authority has to have vetted the names already.")
        return ()
    found: list[tuple[int, Solver]] = []
    for at, one in enumerate(entries):
        where = f"{path}[{at}]"
        if not isinstance(one, dict):
            raise ManifestFault(where, "has to be a mapping")
        check_fields(one, "Issuer spec.acme.solvers", where)
        selector = mapping_at(one, "selector", where)
        check_fields(selector, "Issuer spec.acme.solvers.selector", f"{where}.selector")
        wanted = pairs_at(selector, "matchLabels", f"{where}.selector")
        if any(reading.labels.get(name) != value for name, value in wanted.items()):
            continue
        kind, settings = _kind(one, where, reading)
        solver = Solver(
            kind=kind,
            dns_names=texts_at(selector, "dnsNames", f"{where}.selector"),
            dns_zones=texts_at(selector, "dnsZones", f"{where}.selector"),
            settings=settings,
        )
        found.append((len(wanted), solver))
    if not found:
        raise ManifestFault(path, "the matchLabels of none fit the labels of what asks for the certificate")
    return tuple(solver for _, solver in sorted(found, key=lambda one: -one[0]))


def _kind(given: Json, path: str, reading: _Reading) -> tuple[Kind, Settings]:
    if ("http01" in given) == ("dns01" in given):
        raise ManifestFault(path, "one of http01 and dns01 is needed")
    if "http01" in given:
        _check_http(mapping_at(given, "http01", path), f"{path}.http01")
        reading.note(_PORT_80)
        return "http01", {}
    at = f"{path}.dns01"
    dns = mapping_at(given, "dns01", path)
    providers = {key: True for key in dns if key not in ("cnameStrategy", "nameservers")}
    if len(providers) != 1:
        raise ManifestFault(at, "one provider is needed")
    provider = str(next(iter(providers)))
    # a provider without settings is set all the same
    check_fields(providers, "Issuer spec.acme.solvers.dns01", at)
    strategy = text_at(dns, "cnameStrategy", at)
    if strategy not in ("", "None", "Follow"):
        raise ManifestFault(f"{at}.cnameStrategy", f"{strategy!r} is neither None nor Follow")
    if strategy == "None":
        reading.note(_FOLLOWED)
    asked = _resolvers(texts_at(dns, "nameservers", at), f"{at}.nameservers")
    config, at = mapping_at(dns, provider, at), f"{at}.{provider}"
    check_fields(config, f"Issuer spec.acme.solvers.dns01.{provider}", at)
    kind: Kind
    if provider == "azureDNS":
        kind, settings = "azure-dns", _azure(config, at, reading)
    elif provider == "rfc2136":
        kind, settings = "rfc2136", _rfc2136(config, at, reading)
    elif provider == "cloudflare":
        kind, settings = "lexicon", _cloudflare(config, at, reading)
    else:
        token = reading.secret(config, "tokenSecretRef", at)
        kind, settings = "lexicon", {"provider": "digitalocean", "auth_token_secret": token}
    return kind, {**settings, **asked}


def _check_http(given: Json, path: str) -> None:
    """How a cluster routes to the answer is its own affair; that it does has to be said in one way."""
    check_fields(given, "Issuer spec.acme.solvers.http01", path)
    if len(given) != 1:
        raise ManifestFault(path, "one of ingress and gatewayHTTPRoute is needed")
    way = next(iter(given))
    check_fields(mapping_at(given, way, path), f"Issuer spec.acme.solvers.http01.{way}", f"{path}.{way}")


def _resolvers(servers: tuple[str, ...], path: str) -> Settings:
    """The servers that are asked whether a record is there, instead of the authoritative ones."""
    for one in servers:
        host, _, port = one.rpartition(":")
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            raise ManifestFault(path, f"{one!r} is no ADDRESS:PORT; hosts and https:// are not asked here") from None
        if not port.isdecimal():
            raise ManifestFault(path, f"{one!r} is no ADDRESS:PORT")
    listed = ",".join(servers)
    return {"resolvers": listed, "authoritative": listed} if servers else {}


def _azure(config: Json, path: str, reading: _Reading) -> Settings:
    for key, only in (("environment", "AzurePublicCloud"), ("zoneType", "AzurePublicZone")):
        if text_at(config, key, path) not in ("", only):
            raise ManifestFault(f"{path}.{key}", f"only {only} is known")
    if any(config.get(key) for key in ("clientSecretSecretRef", "managedIdentity", "clientID", "tenantID")):
        reading.note(_SIGNED_IN)
    wanted = (
        ("subscriptionID", "subscription_id"),
        ("resourceGroupName", "resource_group"),
        ("hostedZoneName", "zone"),
    )
    found = {ours: text_at(config, theirs, path) for theirs, ours in wanted}
    return {key: value for key, value in found.items() if value}


def _cloudflare(config: Json, path: str, reading: _Reading) -> Settings:
    has_token, has_key = "apiTokenSecretRef" in config, "apiKeySecretRef" in config
    if has_token == has_key:
        raise ManifestFault(path, "one of apiTokenSecretRef and apiKeySecretRef is needed")
    if has_token:
        return {"provider": "cloudflare", "auth_token_secret": reading.secret(config, "apiTokenSecretRef", path)}
    email = text_at(config, "email", path)
    if not email:
        raise ManifestFault(f"{path}.email", "is needed beside apiKeySecretRef")
    key = reading.secret(config, "apiKeySecretRef", path)
    return {"provider": "cloudflare", "auth_username": email, "auth_token_secret": key}


def _rfc2136(config: Json, path: str, reading: _Reading) -> Settings:
    server, key_name = text_at(config, "nameserver", path), text_at(config, "tsigKeyName", path)
    if not server:
        raise ManifestFault(f"{path}.nameserver", "is missing")
    algorithm = (text_at(config, "tsigAlgorithm", path) or "HMACMD5").upper()
    if algorithm not in _ALGORITHMS:
        raise ManifestFault(f"{path}.tsigAlgorithm", f"{algorithm} is none of {', '.join(_ALGORITHMS)}")
    protocol = text_at(config, "protocol", path)
    if protocol not in ("", "TCP", "UDP"):
        raise ManifestFault(f"{path}.protocol", f"{protocol!r} is neither TCP nor UDP")
    if protocol == "UDP":
        reading.note(f"{path}.protocol: updates are sent by TCP.")
    if mapping_at(config, "tsigSecretSecretRef", path) and not key_name:
        # without the name the update would go unsigned
        raise ManifestFault(f"{path}.tsigKeyName", "is needed beside tsigSecretSecretRef")
    settings = {"server": server}
    if key_name:
        settings["key_name"] = key_name
        settings["key_algorithm"] = _ALGORITHMS[algorithm]
        settings["key_secret_secret"] = reading.secret(config, "tsigSecretSecretRef", path)
    return settings
