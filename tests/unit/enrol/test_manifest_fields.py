"""Every field of cert-manager's API: taken with its meaning, told of, or refused by name; none dropped in silence."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from sfcert.enrol.manifest_fields import FIELDS
from sfcert.enrol.manifests import AskedFor, read_manifests
from sfcert.errors import InputError
from tests.unit.enrol.manifest_samples import API, ELSEWHERE, acme, certificate, document, issuer, samples

Json = dict[str, Any]
SAMPLES = list(samples())


def read(documents: list[Json]) -> AskedFor:
    (found,) = read_manifests([("m.yaml", yaml.safe_dump_all(documents))])
    return found


def refusal(*documents: Json) -> str:
    with pytest.raises(InputError) as refused:
        read(list(documents))
    assert refused.value.token == "ManifestInvalid"
    assert len(refused.value.faults) == 1
    return str(refused.value.faults[0])


def asked(found: AskedFor) -> tuple[Any, ...]:
    """All that a reader can learn: what is asked for, with which secrets, and what is told."""
    return (found.name, found.policy, found.secrets, found.notes)


def test_the_table_holds_every_field_of_the_api() -> None:
    assert set(API) == set(FIELDS)
    missing = {(place, one) for place, names in API.items() for one in names.split() if one not in FIELDS[place]}
    assert not missing


def test_every_field_of_the_table_is_tried() -> None:
    tried = {(place, field) for place, field, _, _ in SAMPLES}
    assert {(place, field) for place, fields in FIELDS.items() for field in fields} == tried | ELSEWHERE
    assert not tried & ELSEWHERE


@pytest.mark.parametrize(
    ("place", "field", "with_it", "without"), SAMPLES, ids=[f"{place} {field}" for place, field, _, _ in SAMPLES]
)
def test_no_field_is_dropped_in_silence(place: str, field: str, with_it: list[Json], without: list[Json]) -> None:
    fate = FIELDS[place][field]
    plain = read(without)
    if fate.fate == "refused":
        told = refusal(*with_it)
        assert told.endswith(fate.says)
        assert field in told
    elif fate.fate == "idle":
        assert asked(read(with_it)) == asked(plain)
    else:
        assert asked(read(with_it)) != asked(plain)


HTTP: Json = {"http01": {"ingress": {}}}
SELF = issuer({"selfSigned": {}})


def ingress(annotations: Json, **tls: Any) -> Json:
    entry = {"secretName": "web", "hosts": ["web.example.com"], **tls}
    return document("Ingress", "web", {"tls": [entry]}, "networking.k8s.io/v1", annotations=annotations)


def server(**asked_for: Any) -> Json:
    tls = {"secret": "web", "cert-manager": asked_for}
    return document("VirtualServer", "web", {"host": "web.example.com", "tls": tls}, "k8s.nginx.org/v1")


def solved_by(solver: Json, **more: Any) -> tuple[Json, Json]:
    return issuer(acme(solver, **more)), certificate()


OWN = "cert-manager.io/issuer"
REFUSED: list[tuple[str, tuple[Json, ...]]] = [
    ("spec.encodeUsagesInRequest", (SELF, certificate(encodeUsagesInRequest=False))),
    ("spec.issuerRef.group", (SELF, certificate(issuerRef={"name": "own", "group": "awspca.example.com"}))),
    ("spec.issuerRef.name: is missing", (SELF, certificate(issuerRef={"kind": "Issuer"}))),
    ("spec.renewal.policy", (SELF, certificate(renewal={"policy": "Disabled"}))),
    ("timezone", (SELF, certificate(renewal={"policy": "RenewBefore", "windows": [{"timezone": "Europe/Oslo"}]}))),
    ("spec.literalSubject", (SELF, certificate(literalSubject="CN=a.example.com", commonName="a.example.com"))),
    ("at most 64 characters", (SELF, certificate(commonName=f"{'a' * 60}.example.com"))),
    ("none has at most 64", (SELF, certificate(dnsNames=[f"{'a' * 60}.example.com"]))),
    ("rotationPolicy: 'never'", (SELF, certificate(privateKey={"rotationPolicy": "never"}))),
    ("encoding: 'PKCS12'", (SELF, certificate(privateKey={"encoding": "PKCS12"}))),
    ("shorter than cert-manager's least, 1h", (SELF, certificate(duration="59m"))),
    ("2400h is not shorter than the duration, 2160h", (SELF, certificate(renewBefore="2400h"))),
    ("1h30m is shorter than the month", (SELF, certificate(duration="1h30m"))),
    ("shorter than cert-manager's least, 5m", (SELF, certificate(renewBefore="4m59s"))),
    ("no duration", (SELF, certificate(duration="99999999999999h"))),
    ("spec.duration: has to be a text", (SELF, certificate(duration=2160))),
    ("spec.dnsNames: has to be a list", (SELF, certificate(dnsNames="web.example.com"))),
    ("spec.emailAddresses: has to be a list", (SELF, certificate(emailAddresses="ops@example.com"))),
    ("countries[0]: has to be a text; YAML reads true or false", (SELF, certificate(subject={"countries": [False]}))),
    ("renewBeforePercentage: has to be a whole number", (SELF, certificate(renewBeforePercentage=True))),
    ("is an authority's", (SELF, certificate(usages=["cert sign"]))),
    ("spec.dnsnames: is no field that is known", (SELF, certificate(dnsnames=["a.example.com"]))),
    ("metadata.name: a name that Kubernetes generates", (SELF, {**certificate(), "metadata": {"generateName": "w-"}})),
    ("spec.ca.secretName: is missing", (issuer({"ca": {}}), certificate())),
    ("one of http01 and dns01", solved_by({**HTTP, "dns01": {"azureDNS": {}}})),
    ("one of http01 and dns01", solved_by({})),
    ("one of ingress and gatewayHTTPRoute", solved_by({"http01": {}})),
    ("one provider is needed", solved_by({"dns01": {"azureDNS": {}, "rfc2136": {}}})),
    ("selector.dnsName: is no field", solved_by({**HTTP, "selector": {"dnsName": ["a.example.com"]}})),
    ("matchLabels of none fit", solved_by({**HTTP, "selector": {"matchLabels": {"tier": "back"}}})),
    ("cnameStrategy: 'follow'", solved_by({"dns01": {"azureDNS": {}, "cnameStrategy": "follow"}})),
    ("nameservers", solved_by({"dns01": {"azureDNS": {}, "nameservers": ["https://dns.example.com"]}})),
    ("azureDNS.environment", solved_by({"dns01": {"azureDNS": {"environment": "AzureChinaCloud"}}})),
    ("azureDNS.zoneType", solved_by({"dns01": {"azureDNS": {"zoneType": "AzurePrivateZone"}}})),
    ("one of apiTokenSecretRef and apiKeySecretRef", solved_by({"dns01": {"cloudflare": {}}})),
    ("cloudflare.email", solved_by({"dns01": {"cloudflare": {"apiKeySecretRef": {"name": "k", "key": "k"}}}})),
    (
        "rfc2136.tsigKeyName: is needed",
        solved_by({"dns01": {"rfc2136": {"nameserver": "192.0.2.1", "tsigSecretSecretRef": {"name": "k"}}}}),
    ),
    ("rfc2136.protocol", solved_by({"dns01": {"rfc2136": {"nameserver": "192.0.2.1", "protocol": "udp"}}})),
    ("keyID: is missing", solved_by(HTTP, externalAccountBinding={"keySecretRef": {"name": "k", "key": "k"}})),
    ("renewalInformationSource", solved_by(HTTP, renewalInformationSource="ari")),
    ("goes with issuer", (SELF, ingress({"cert-manager.io/cluster-issuer": "own", f"{OWN}-kind": "Issuer"}))),
    ("keep one", (SELF, ingress({"cert-manager.io/cluster-issuer": "own", OWN: "own"}))),
    ("neither issuer nor cluster-issuer", (SELF, ingress({OWN: ""}))),
    ("another product's", (SELF, ingress({OWN: "own", f"{OWN}-group": "certmanager.step.sm"}))),
    ("only the installation knows", (SELF, ingress({"kubernetes.io/tls-acme": "TRUE"}))),
    ("is an address", (SELF, ingress({OWN: "own"}, hosts=["192.0.2.1"]))),
    ("no line of comma-separated", (SELF, ingress({OWN: "own", "cert-manager.io/subject-localities": '"a'}))),
    ("secret-template: is no JSON", (SELF, ingress({OWN: "own", "cert-manager.io/secret-template": "{"}))),
    ("no-such-thing: is no field", (SELF, ingress({OWN: "own", "cert-manager.io/no-such-thing": "a"}))),
    ("neither issuer nor cluster-issuer", (SELF, server())),
    ("goes with issuer", (SELF, server(**{"cluster-issuer": "own", "issuer-group": "g"}))),
    ("another product's", (SELF, server(**{"issuer": "own", "issuer-group": "g"}))),
]


@pytest.mark.parametrize(("said", "documents"), REFUSED, ids=[f"{at} {one[0]}" for at, one in enumerate(REFUSED)])
def test_what_cert_manager_would_not_take_or_what_has_no_equal_is_one_fault(
    said: str, documents: tuple[Json, ...]
) -> None:
    assert said in refusal(*documents)


def test_a_cluster_issuer_by_annotation_and_by_a_virtual_server() -> None:
    everywhere = issuer({"ca": {"secretName": "root"}}, "own", "ClusterIssuer")
    for asking in (ingress({"cert-manager.io/cluster-issuer": "own"}), server(**{"cluster-issuer": "own"})):
        assert read([SELF, everywhere, asking]).policy.issuer.name == "Unknown"


def test_an_api_token_for_cloudflare_needs_no_email() -> None:
    config = {"apiTokenSecretRef": {"name": "keys", "key": "one"}, "email": "ops@example.com"}
    secret = {"kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"one": "token"}}
    found = read([*solved_by({"dns01": {"cloudflare": config}}), secret])
    assert found.policy.issuer.acme is not None
    assert found.policy.issuer.acme.solvers[0].settings == {"provider": "cloudflare", "auth_token_secret": "keys/one"}
    assert found.secrets == {"keys/one": "token"}


def test_an_issuer_without_solvers_is_for_names_that_the_authority_has_vetted() -> None:
    """`solvers` is optional there too, and no challenge is made for what is valid already."""
    found = read([issuer(acme()), certificate()])
    assert found.policy.issuer.acme is not None
    assert found.policy.issuer.acme.solvers == ()
    assert "No solver is given: the authority has to have vetted the names already." in found.notes
