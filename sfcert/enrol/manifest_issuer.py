"""Who signs, by an Issuer or ClusterIssuer of cert-manager? One document. Floor 3.

acme with http01 and dns01 solvers (azureDNS, cloudflare, digitalocean, rfc2136), ca, selfSigned. Others are refused by
name. Secrets are only named here, as `<secret>/<key>`. Source: cert-manager's API v1, IssuerSpec and ACME solvers.
"""

from __future__ import annotations

from typing import Any, Literal

from sfcert.enrol.manifest_certificate import ManifestFault
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


def issuer_of(body: Json, secrets: dict[str, str], notes: list[str]) -> tuple[Issuer, frozenset[str]]:
    """The issuer, and the names of the secrets that its solvers need.

    Args:
        secrets: what the manifests hold; a secret that is needed and not there is a fault.
        notes: receives one sentence for each thing that means something else here.

    Raises:
        ManifestFault: something has no equal here.
    """
    spec = dict(body.get("spec") or {})
    kinds = sorted(spec)
    if len(kinds) != 1:
        raise ManifestFault("spec", f"one kind of issuer is needed, there are {', '.join(kinds) or 'none'}")
    kind = kinds[0]
    if kind == "selfSigned":
        return Issuer(name="Self"), frozenset()
    if kind == "ca":
        notes.append(
            f"The authority's key lies in the secret {(spec['ca'] or {}).get('secretName')}: sign the request with it "
            "where it lies, and bring the answer with `sfcert merge`."
        )
        return Issuer(name="Unknown"), frozenset()
    if kind != "acme":
        raise ManifestFault(f"spec.{kind}", "is not known here; acme, ca and selfSigned are")
    return _acme(dict(spec["acme"] or {}), secrets, notes)


def _acme(given: Json, secrets: dict[str, str], notes: list[str]) -> tuple[Issuer, frozenset[str]]:
    known = {
        "server",
        "email",
        "privateKeySecretRef",
        "externalAccountBinding",
        "preferredChain",
        "profile",
        "solvers",
        "disableAccountKeyGeneration",
        "enableDurationFeature",
        "skipTLSVerify",
    }
    for key in given:
        if key not in known:
            raise ManifestFault(f"spec.acme.{key}", "has no equal here; a CA's roots go into a policy's ca_file")
    if given.get("skipTLSVerify"):
        raise ManifestFault("spec.acme.skipTLSVerify", "the authority is always verified; use a policy with ca_file")
    if not given.get("server"):
        raise ManifestFault("spec.acme.server", "is missing")
    needed: set[str] = set()
    eab = given.get("externalAccountBinding") or {}
    if eab:
        _secret(eab.get("keySecretRef"), "spec.acme.externalAccountBinding.keySecretRef", secrets)
    solvers = tuple(
        _solver(one or {}, f"spec.acme.solvers[{at}]", secrets, needed, notes)
        for at, one in enumerate(given.get("solvers") or [])
    )
    if not solvers:
        raise ManifestFault("spec.acme.solvers", "none is given")
    account = (given.get("privateKeySecretRef") or {}).get("name") or "acme-account"
    notes.append(f"The account's key is kept in the vault, as secret {account}; one is made there at the first order.")
    acme = Acme(
        directory=str(given["server"]),
        contacts=(str(given["email"]),) if given.get("email") else (),
        account_key="".join(one if one.isalnum() or one == "-" else "-" for one in account),
        eab_key_id=str(eab["keyID"]) if eab.get("keyID") else None,
        profile=given.get("profile"),
        preferred_chain=given.get("preferredChain") or None,
        solvers=solvers,
    )
    return Issuer(name="acme", acme=acme), frozenset(needed)


def _secret(ref: Any, path: str, secrets: dict[str, str], default_key: str = "") -> str:
    """`name/key` of a reference, which must be among the documents."""
    if not isinstance(ref, dict) or not ref.get("name"):
        raise ManifestFault(path, "a secret's name and key are needed")
    name = f"{ref['name']}/{ref.get('key') or default_key or 'secret'}"
    if name not in secrets:
        raise ManifestFault(path, f"no document holds the secret {ref['name']} with the key {name.partition('/')[2]}")
    return name


def _solver(given: Json, path: str, secrets: dict[str, str], needed: set[str], notes: list[str]) -> Solver:
    selector = given.get("selector") or {}
    if selector.get("matchLabels"):
        raise ManifestFault(f"{path}.selector.matchLabels", "there are no labels here; select by dnsNames or dnsZones")
    kind, settings = _kind(given, path, secrets, notes)
    needed.update(value for key, value in settings.items() if key.endswith("_secret"))
    return Solver(
        kind=kind,
        dns_names=tuple(selector.get("dnsNames") or ()),
        dns_zones=tuple(selector.get("dnsZones") or ()),
        settings=settings,
    )


def _kind(
    given: Json, path: str, secrets: dict[str, str], notes: list[str]
) -> tuple[Literal["http01", "azure-dns", "rfc2136", "lexicon"], dict[str, str]]:
    if "http01" in given:
        if _PORT_80 not in notes:
            notes.append(_PORT_80)
        return "http01", {}
    dns = {key: value for key, value in (given.get("dns01") or {}).items() if key != "cnameStrategy"}
    if len(dns) != 1:
        raise ManifestFault(path, "one of http01 and dns01 with one provider is needed")
    provider, config = next(iter(dns.items()))
    config = config or {}
    at = f"{path}.dns01.{provider}"
    if provider == "azureDNS":
        return "azure-dns", _azure(config, at, notes)
    if provider == "rfc2136":
        return "rfc2136", _rfc2136(config, at, secrets)
    if provider == "cloudflare":
        if config.get("apiTokenSecretRef"):
            token = _secret(config["apiTokenSecretRef"], f"{at}.apiTokenSecretRef", secrets, "api-token")
            return "lexicon", {"provider": "cloudflare", "auth_token_secret": token}
        key = _secret(config.get("apiKeySecretRef"), f"{at}.apiKeySecretRef", secrets, "api-key")
        email = str(config.get("email") or "")
        return "lexicon", {"provider": "cloudflare", "auth_username": email, "auth_token_secret": key}
    if provider == "digitalocean":
        token = _secret(config.get("tokenSecretRef"), f"{at}.tokenSecretRef", secrets, "access-token")
        return "lexicon", {"provider": "digitalocean", "auth_token_secret": token}
    raise ManifestFault(at, "has no equal from a manifest; write a policy with the solver lexicon and its provider")


def _azure(config: Json, path: str, notes: list[str]) -> dict[str, str]:
    if config.get("environment") not in (None, "", "AzurePublicCloud"):
        raise ManifestFault(f"{path}.environment", "only AzurePublicCloud is known")
    if config.get("clientSecretSecretRef") or config.get("managedIdentity") or config.get("clientID"):
        notes.append("Azure DNS is written with the identity that sfcert is signed in with, not the manifest's.")
    wanted = (
        ("subscriptionID", "subscription_id"),
        ("resourceGroupName", "resource_group"),
        ("hostedZoneName", "zone"),
    )
    return {ours: str(config[theirs]) for theirs, ours in wanted if config.get(theirs)}


def _rfc2136(config: Json, path: str, secrets: dict[str, str]) -> dict[str, str]:
    if not config.get("nameserver"):
        raise ManifestFault(f"{path}.nameserver", "is missing")
    settings = {"server": str(config["nameserver"])}
    if config.get("tsigKeyName"):
        algorithm = str(config.get("tsigAlgorithm") or "HMACMD5").upper()
        if algorithm not in _ALGORITHMS:
            raise ManifestFault(f"{path}.tsigAlgorithm", f"{algorithm} is none of {', '.join(_ALGORITHMS)}")
        settings["key_name"] = str(config["tsigKeyName"])
        settings["key_algorithm"] = _ALGORITHMS[algorithm]
        settings["key_secret_secret"] = _secret(
            config.get("tsigSecretSecretRef"), f"{path}.tsigSecretSecretRef", secrets
        )
    return settings
