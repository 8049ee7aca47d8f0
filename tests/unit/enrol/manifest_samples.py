"""A sample of every field of cert-manager's API that the table knows, and the names in that API. Not a test.

`samples()` gives, for each field, documents that set it to something other than its default and documents that do not:
what a reader takes has to make a difference, or be told of.
Source of the names: cert-manager 1.21 (pkg/apis/certmanager/v1, pkg/apis/acme/v1, pkg/controller/certificate-shim);
NGINX Ingress Controller 5 (pkg/apis/configuration/v1, CertManager). Read 2026-11-30.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

#: Place -> every field that the API has there.
API: dict[str, str] = {
    "Certificate spec": "subject literalSubject commonName duration renewBefore renewBeforePercentage renewal dnsNames "
    "ipAddresses uris otherNames emailAddresses secretName secretTemplate keystores issuerRef isCA usages privateKey "
    "signatureAlgorithm encodeUsagesInRequest revisionHistoryLimit additionalOutputFormats nameConstraints",
    "Certificate spec.issuerRef": "name kind group",
    "Certificate spec.privateKey": "rotationPolicy encoding algorithm size",
    "Certificate spec.subject": "organizations countries organizationalUnits localities provinces streetAddresses "
    "postalCodes serialNumber",
    "Certificate spec.keystores": "jks pkcs12",
    "Certificate spec.secretTemplate": "annotations labels",
    "Certificate spec.renewal": "policy windows",
    "Certificate spec.renewal.windows": "timezone windowDuration cron",
    "Issuer and ClusterIssuer spec": "acme ca vault selfSigned venafi",
    "Issuer spec.ca": "secretName crlDistributionPoints ocspServers issuingCertificateURLs",
    "Issuer spec.selfSigned": "crlDistributionPoints",
    "Issuer spec.acme": "email server preferredChain caBundle skipTLSVerify externalAccountBinding privateKeySecretRef "
    "solvers disableAccountKeyGeneration enableDurationFeature profile renewalInformationSource",
    "Issuer spec.acme.externalAccountBinding": "keyID keySecretRef keyAlgorithm",
    "Issuer spec.acme.solvers": "selector http01 dns01 waitInsteadOfSelfCheck",
    "Issuer spec.acme.solvers.selector": "matchLabels dnsNames dnsZones",
    "Issuer spec.acme.solvers.http01": "ingress gatewayHTTPRoute",
    "Issuer spec.acme.solvers.http01.ingress": "serviceType ingressClassName class name podTemplate ingressTemplate",
    "Issuer spec.acme.solvers.http01.gatewayHTTPRoute": "serviceType labels parentRefs podTemplate",
    "Issuer spec.acme.solvers.dns01": "cnameStrategy nameservers akamai cloudDNS cloudflare route53 azureDNS "
    "digitalocean acmeDNS rfc2136 webhook",
    "Issuer spec.acme.solvers.dns01.azureDNS": "clientID clientSecretSecretRef subscriptionID tenantID "
    "resourceGroupName hostedZoneName environment managedIdentity zoneType",
    "Issuer spec.acme.solvers.dns01.rfc2136": "nameserver tsigSecretSecretRef tsigKeyName tsigAlgorithm protocol",
    "Issuer spec.acme.solvers.dns01.cloudflare": "email apiKeySecretRef apiTokenSecretRef",
    "Issuer spec.acme.solvers.dns01.digitalocean": "tokenSecretRef",
    "Ingress annotations cert-manager.io/": "issuer cluster-issuer issuer-kind issuer-group common-name alt-names "
    "ip-sans uri-sans email-sans subject-organizations subject-organizationalunits subject-countries subject-provinces "
    "subject-localities subject-postalcodes subject-streetaddresses subject-serialnumber duration renew-before "
    "renew-before-percentage usages revision-history-limit private-key-algorithm private-key-encoding private-key-size "
    "private-key-rotation-policy secret-template",
    "Ingress annotations acme.cert-manager.io/": "http01-edit-in-place http01-ingress-class "
    "http01-ingress-ingressclassname",
    "Ingress annotations kubernetes.io/": "tls-acme",
    "VirtualServer spec.tls.cert-manager": "cluster-issuer issuer issuer-kind issuer-group common-name duration "
    "renew-before usages issue-temp-cert",
}
_SECRET = {"name": "keys", "key": "one"}
_OTHER = {"name": "keys", "key": "two"}
SECRETS: Json = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "keys"},
    "stringData": {"one": "c2VjcmV0", "two": "b3RoZXI="},
}
#: Place -> field -> what it is set to, and what stands there otherwise (left out: nothing).
_VALUES: dict[str, dict[str, tuple[Any, ...]]] = {
    "Certificate spec": {
        "subject": ({"organizations": ["Shop"]},),
        "literalSubject": ("CN=web.example.com, O=Shop",),
        "commonName": ("www.example.com",),
        "duration": ("8760h",),
        "renewBefore": ("240h",),
        "renewBeforePercentage": (20,),
        "renewal": ({"policy": "RenewBefore", "windows": [{"cron": "0 2 * * 6", "windowDuration": "2h"}]},),
        "dnsNames": (["web.example.com", "www.example.com"], ["web.example.com"]),
        "ipAddresses": (["192.0.2.1"],),
        "uris": (["spiffe://a/b"],),
        "otherNames": ([{"oid": "1.2.3", "utf8Value": "a"}],),
        "emailAddresses": (["ops@example.com"],),
        "secretName": ("other", "web-tls"),
        "secretTemplate": ({"labels": {"team": "core"}},),
        "keystores": ({"pkcs12": {"create": True, "passwordSecretRef": _SECRET}},),
        "issuerRef": ({"name": "other"}, {"name": "own"}),
        "isCA": (True,),
        "usages": (["client auth"],),
        "privateKey": ({"algorithm": "ECDSA"},),
        "signatureAlgorithm": ("SHA512WithRSA",),
        "revisionHistoryLimit": (3,),
        "additionalOutputFormats": ([{"type": "DER"}],),
        "nameConstraints": ({"critical": True},),
    },
    "Certificate spec.issuerRef": {"name": ("other", "own"), "kind": ("ClusterIssuer", "Issuer")},
    "Certificate spec.privateKey": {
        "rotationPolicy": ("Never",),
        "encoding": ("PKCS8",),
        "algorithm": ("ECDSA",),
        "size": (4096,),
    },
    "Certificate spec.subject": {
        "organizations": (["Shop"],),
        "countries": (["NO"],),
        "organizationalUnits": (["Sales"],),
        "localities": (["Oslo"],),
        "provinces": (["Oslo"],),
        "streetAddresses": (["Gate 1"],),
        "postalCodes": (["0150"],),
        "serialNumber": ("7",),
    },
    "Certificate spec.keystores": {"jks": ({"create": True},), "pkcs12": ({"create": True},)},
    "Certificate spec.secretTemplate": {"annotations": ({"a": "b"},), "labels": ({"a": "b"},)},
    "Certificate spec.renewal": {"windows": ([{"cron": "0 2 * * 6", "windowDuration": "2h"}],)},
    "Certificate spec.renewal.windows": {"windowDuration": ("3h", "2h"), "cron": ("1 2 * * 6", "0 2 * * 6")},
    "Issuer and ClusterIssuer spec": {
        "ca": ({"secretName": "root"},),
        "selfSigned": ({},),
        "vault": ({},),
        "venafi": ({},),
    },
    "Issuer spec.ca": {
        "secretName": ("other", "root"),
        "crlDistributionPoints": (["http://a"],),
        "ocspServers": (["http://a"],),
        "issuingCertificateURLs": (["http://a"],),
    },
    "Issuer spec.selfSigned": {"crlDistributionPoints": (["http://a"],)},
    "Issuer spec.acme": {
        "email": ("ops@example.com",),
        "server": ("https://b/directory", "https://a/directory"),
        "preferredChain": ("Root",),
        "caBundle": ("LS0t",),
        "skipTLSVerify": (True,),
        "externalAccountBinding": ({"keyID": "k", "keySecretRef": _SECRET},),
        "privateKeySecretRef": ({"name": "other"},),
        "solvers": ([{"dns01": {"azureDNS": {}}}], [{"http01": {"ingress": {}}}]),
        "disableAccountKeyGeneration": (True,),
        "enableDurationFeature": (True,),
        "profile": ("shortlived",),
        "renewalInformationSource": ("None",),
    },
    "Issuer spec.acme.externalAccountBinding": {
        "keyID": ("other", "k"),
        "keySecretRef": (_OTHER, _SECRET),
        "keyAlgorithm": ("HS512",),
    },
    "Issuer spec.acme.solvers": {
        "selector": ({"dnsNames": ["web.example.com"]},),
        "waitInsteadOfSelfCheck": ("30s",),
    },
    "Issuer spec.acme.solvers.selector": {
        "matchLabels": ({"tier": "front"}, {"tier": "back"}),
        "dnsNames": (["web.example.com"],),
        "dnsZones": (["example.com"],),
    },
    "Issuer spec.acme.solvers.http01": {"ingress": ({},), "gatewayHTTPRoute": ({},)},
    "Issuer spec.acme.solvers.http01.ingress": {
        "serviceType": ("ClusterIP",),
        "ingressClassName": ("nginx",),
        "class": ("nginx",),
        "name": ("web",),
        "podTemplate": ({"spec": {}},),
        "ingressTemplate": ({"metadata": {}},),
    },
    "Issuer spec.acme.solvers.http01.gatewayHTTPRoute": {
        "serviceType": ("ClusterIP",),
        "labels": ({"a": "b"},),
        "parentRefs": ([{"name": "gate"}],),
        "podTemplate": ({"spec": {}},),
    },
    "Issuer spec.acme.solvers.dns01": {
        "cnameStrategy": ("None",),
        "nameservers": (["192.0.2.53:53"],),
        "akamai": ({},),
        "cloudDNS": ({"project": "p"},),
        "cloudflare": ({"apiTokenSecretRef": _SECRET},),
        "route53": ({"region": "eu-west-1"},),
        "azureDNS": ({},),
        "digitalocean": ({"tokenSecretRef": _SECRET},),
        "acmeDNS": ({"host": "h"},),
        "rfc2136": ({"nameserver": "192.0.2.1"},),
        "webhook": ({"groupName": "g", "solverName": "s"},),
    },
    "Issuer spec.acme.solvers.dns01.azureDNS": {
        "clientID": ("c",),
        "clientSecretSecretRef": (_SECRET,),
        "subscriptionID": ("s",),
        "tenantID": ("t",),
        "resourceGroupName": ("g",),
        "hostedZoneName": ("example.com",),
        "managedIdentity": ({"clientID": "c"},),
    },
    "Issuer spec.acme.solvers.dns01.rfc2136": {
        "nameserver": ("192.0.2.2", "192.0.2.1"),
        "tsigKeyName": ("other", "update"),
        "tsigSecretSecretRef": (_OTHER, _SECRET),
        "tsigAlgorithm": ("HmacSha512", "HMACSHA256"),
        "protocol": ("UDP",),
    },
    "Issuer spec.acme.solvers.dns01.cloudflare": {
        "email": ("other@example.com", "ops@example.com"),
        "apiKeySecretRef": (_OTHER, _SECRET),
    },
    "Issuer spec.acme.solvers.dns01.digitalocean": {"tokenSecretRef": (_OTHER, _SECRET)},
    "Ingress annotations cert-manager.io/": {
        "issuer": ("other", "own"),
        "issuer-kind": ("ClusterIssuer",),
        "common-name": ("www.example.com",),
        "alt-names": ("b.example.com, c.example.com",),
        "ip-sans": ("192.0.2.1",),
        "uri-sans": ("spiffe://a",),
        "email-sans": ("ops@example.com",),
        "subject-organizations": ('"Shop, Inc",Other',),
        "subject-organizationalunits": ("Sales",),
        "subject-countries": ("NO",),
        "subject-provinces": ("Oslo",),
        "subject-localities": ("Oslo",),
        "subject-postalcodes": ("0150",),
        "subject-streetaddresses": ("Gate 1",),
        "subject-serialnumber": ("7",),
        "duration": ("8760h",),
        "renew-before": ("240h",),
        "renew-before-percentage": ("20",),
        "usages": ("digital signature,client auth",),
        "revision-history-limit": ("3",),
        "private-key-algorithm": ("ECDSA",),
        "private-key-encoding": ("PKCS8",),
        "private-key-size": ("4096",),
        "private-key-rotation-policy": ("Never",),
        "secret-template": ('{"labels": {"a": "b"}}',),
        "issue-temporary-certificate": ("true",),
    },
    "Ingress annotations acme.cert-manager.io/": {
        "http01-edit-in-place": ("true",),
        "http01-ingress-class": ("nginx",),
        "http01-ingress-ingressclassname": ("nginx",),
    },
    "VirtualServer spec.tls.cert-manager": {
        "issuer": ("other", "own"),
        "issuer-kind": ("ClusterIssuer",),
        "common-name": ("www.example.com",),
        "duration": ("8760h",),
        "renew-before": ("240h",),
        "usages": ("digital signature,client auth",),
        "issue-temp-cert": (True,),
    },
}
#: Fields whose other value has a test of its own, because it is refused or the two do not compare.
ELSEWHERE = {
    ("Certificate spec", "encodeUsagesInRequest"),
    ("Certificate spec.issuerRef", "group"),
    ("Certificate spec.renewal", "policy"),
    ("Certificate spec.renewal.windows", "timezone"),
    ("Issuer and ClusterIssuer spec", "acme"),
    ("Issuer spec.acme.solvers", "http01"),
    ("Issuer spec.acme.solvers", "dns01"),
    ("Issuer spec.acme.solvers.dns01.azureDNS", "environment"),
    ("Issuer spec.acme.solvers.dns01.azureDNS", "zoneType"),
    ("Issuer spec.acme.solvers.dns01.cloudflare", "apiTokenSecretRef"),
    ("Ingress annotations cert-manager.io/", "cluster-issuer"),
    ("Ingress annotations cert-manager.io/", "issuer-group"),
    ("Ingress annotations kubernetes.io/", "tls-acme"),
    ("VirtualServer spec.tls.cert-manager", "cluster-issuer"),
    ("VirtualServer spec.tls.cert-manager", "issuer-group"),
}


def document(kind: str, name: str, spec: Json, api: str = "cert-manager.io/v1", **metadata: Any) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def certificate(**spec: Any) -> Json:
    base = {"secretName": "web-tls", "dnsNames": ["web.example.com"], "issuerRef": {"name": "own"}}
    return document("Certificate", "web", {**base, **spec}, labels={"tier": "front"})


def issuer(spec: Json, name: str = "own", kind: str = "Issuer") -> Json:
    return document(kind, name, spec)


def acme(*solvers: Json, **more: Any) -> Json:
    return {"acme": {"server": "https://a/directory", "solvers": list(solvers), **more}}


OTHERS = [
    issuer({"ca": {"secretName": "root"}}, "other"),
    issuer({"ca": {"secretName": "root"}}, "own", "ClusterIssuer"),
    SECRETS,
]


def _set(place: str, field: str, value: Any) -> list[Json]:
    """Documents in which the field has this value; None leaves it out."""
    given = {} if value is None else {field: value}
    own = issuer({"selfSigned": {}})
    web = certificate()
    if place == "Certificate spec":
        web = certificate(**given)
        if field == "literalSubject":
            web["spec"]["dnsNames"] = ["web.example.com"]
    elif place == "Certificate spec.renewal":
        web = certificate(renewal={"policy": "RenewBefore", **given})
    elif place == "Certificate spec.renewal.windows":
        window = {"cron": "0 2 * * 6", "windowDuration": "2h", **given}
        web = certificate(renewal={"policy": "RenewBefore", "windows": [window]})
    elif place.startswith("Certificate spec."):
        part = place.rpartition(".")[2]
        web = certificate(**{part: {"name": "own", **given} if part == "issuerRef" else given})
    elif place == "Issuer and ClusterIssuer spec":
        own = issuer(given or acme({"http01": {"ingress": {}}}))
    elif place in ("Issuer spec.ca", "Issuer spec.selfSigned"):
        part = place.rpartition(".")[2]
        own = issuer({part: {"secretName": "root", **given} if part == "ca" else given})
    elif place.startswith("Issuer spec.acme"):
        own = issuer(_acme(place, field, given))
        web = certificate(dnsNames=["web.example.com", "a.example.net"])
    elif place.startswith("Ingress"):
        lead = place.removeprefix("Ingress annotations ")
        own = issuer(acme({"http01": {"ingress": {}}})) if lead.startswith("acme") else own
        annotations = {"cert-manager.io/issuer": "own", **{f"{lead}{key}": one for key, one in given.items()}}
        tls = {"tls": [{"secretName": "web", "hosts": ["web.example.com"]}]}
        web = document("Ingress", "web", tls, "networking.k8s.io/v1", annotations=annotations)
    else:
        tls = {"secret": "web", "cert-manager": {"issuer": "own", **given}}
        web = document("VirtualServer", "web", {"host": "web.example.com", "tls": tls}, "k8s.nginx.org/v1")
    return copy.deepcopy([own, web, *OTHERS])


def _acme(place: str, field: str, given: Json) -> Json:
    inner = place.removeprefix("Issuer spec.acme").removeprefix(".")
    http = {"http01": {"ingress": {}}}
    if not inner:
        return acme(http, **given) if field != "solvers" else acme(*given.get("solvers", [http]))
    if inner == "externalAccountBinding":
        return acme(http, externalAccountBinding={"keyID": "k", "keySecretRef": _SECRET, **given})
    if inner == "solvers":
        return acme({**http, **given})
    if inner == "solvers.selector":
        return acme({"dns01": {"azureDNS": {}}, "selector": given}, http)
    if inner == "solvers.http01":
        return acme({"http01": given or {"ingress": {}}})
    if inner.startswith("solvers.http01."):
        return acme({"http01": {inner.rpartition(".")[2]: given}})
    if inner == "solvers.dns01":
        is_provider = field not in ("cnameStrategy", "nameservers")
        return acme({"dns01": given if is_provider and given else {"azureDNS": {"subscriptionID": "s"}, **given}})
    provider = inner.rpartition(".")[2]
    base: Json = {
        "azureDNS": {},
        "rfc2136": {
            "nameserver": "192.0.2.1",
            "tsigKeyName": "update",
            "tsigSecretSecretRef": _SECRET,
            "tsigAlgorithm": "HMACSHA256",
        },
        "cloudflare": {"email": "ops@example.com", "apiKeySecretRef": _SECRET},
        "digitalocean": {"tokenSecretRef": _SECRET},
    }[provider]
    return acme({"dns01": {provider: {**base, **given}}})


def samples() -> Iterator[tuple[str, str, list[Json], list[Json]]]:
    """Place, field, documents with the sample's value, documents without it."""
    for place, fields in _VALUES.items():
        for field, (value, *otherwise) in fields.items():
            yield place, field, _set(place, field, value), _set(place, field, otherwise[0] if otherwise else None)
