"""cert-manager's manifests as policies: the same names, the same meanings; what has none is refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.enrol.manifest_certificate import parse_duration
from sfcert.enrol.manifests import AskedFor, read_manifests
from sfcert.enrol.solvers import solver_for_name
from sfcert.errors import InputError
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.enrolment import Solver
from tests.unit.enrol.manifest_text import CERTIFICATE, INGRESS, ISSUER, TOKEN


def read(text: str) -> AskedFor:
    (found,) = read_manifests([("m.yaml", text)])
    return found


def test_a_certificate_with_its_acme_issuer_becomes_a_policy() -> None:
    asked = read(ISSUER + CERTIFICATE)
    policy = asked.policy
    assert asked.name == "shop-cluster"
    assert policy.subject == r"CN=shop.example.com, O=Example\, Inc"
    assert policy.dns_names == ("shop.example.com", "www.example.com")
    assert policy.validity_months == 4
    assert policy.renewal.days_before_expiry == 30
    assert policy.key.size == 3072
    assert policy.ekus == (SERVER_AUTH, CLIENT_AUTH)
    assert policy.tags == {"team": "core"}
    assert policy.issuer.acme is not None
    assert policy.issuer.acme.account_key == "acme-account"
    kinds = [one.kind for one in policy.issuer.acme.solvers]
    assert kinds == ["http01", "lexicon", "azure-dns", "rfc2136"]


def test_secrets_are_held_in_memory_and_shown_nowhere() -> None:
    asked = read(ISSUER + CERTIFICATE)
    assert asked.secrets == {"cloudflare/api-token": TOKEN, "tsig/key": "c2VjcmV0"}
    assert TOKEN not in repr(asked)
    assert TOKEN not in str(asked.policy)


def test_the_most_specific_selector_answers() -> None:
    acme = read(ISSUER + CERTIFICATE).policy.issuer.acme
    assert acme is not None
    chosen = {name: solver_for_name(acme.solvers, name) for name in ("www.example.com", "a.example.com", "b.other")}
    assert [one.kind for one in chosen.values() if one is not None] == ["http01", "lexicon", "azure-dns"]


def test_a_wildcard_is_never_proved_by_http() -> None:
    only = (Solver(kind="http01"),)
    assert solver_for_name(only, "*.example.com") is None


def test_a_selector_of_names_and_zones_wants_both() -> None:
    both = Solver(kind="azure-dns", dns_names=("a.example.com",), dns_zones=("example.com",))
    plain = Solver(kind="rfc2136", dns_names=("a.example.com",))
    assert solver_for_name((both,), "b.example.com") is None
    assert solver_for_name((plain, both), "a.example.com") is both
    assert solver_for_name((both, plain), "A.EXAMPLE.COM.") is both


_NAMES = st.sampled_from(["a.example.com", "b.a.example.com", "*.example.com", "example.com", "example.org"])
_SOLVERS = st.lists(
    st.builds(
        Solver,
        kind=st.sampled_from(["http01", "azure-dns"]),
        dns_names=st.lists(_NAMES, max_size=2).map(tuple),
        dns_zones=st.lists(st.sampled_from(["com", "example.com", "a.example.com", "*.example.com"]), max_size=2).map(
            tuple
        ),
    ),
    max_size=4,
)


def beats(one: Solver, standing: Solver, name: str) -> bool:
    """Whether a solver takes the place of the one chosen before it: an own reading of cert-manager's comparison."""

    def labels(solver: Solver) -> int:
        zones = [one.split(".") for one in solver.dns_zones]
        return max((len(one) for one in zones if name.split(".")[-len(one) :] == one), default=0)

    if (name in one.dns_names) != (name in standing.dns_names):
        return name in one.dns_names
    return labels(one) > labels(standing)


def fits(one: Solver, name: str) -> bool:
    in_zone = any(f".{name}".endswith(f".{zone}") for zone in one.dns_zones)
    by_kind = one.kind != "http01" or not name.startswith("*.")
    return by_kind and (not one.dns_names or name in one.dns_names) and (not one.dns_zones or in_zone)


@given(_SOLVERS, _NAMES)
def test_the_solver_is_the_one_that_cert_manager_would_pick(solvers: list[Solver], name: str) -> None:
    chosen: Solver | None = None
    for one in solvers:
        if fits(one, name) and (chosen is None or beats(one, chosen, name)):
            chosen = one
    assert solver_for_name(solvers, name) is chosen


_BY_LABEL = """
kind: Issuer
metadata: {name: own}
spec:
  acme:
    server: https://ca.example.com/directory
    solvers:
    - {http01: {ingress: {}}}
    - {dns01: {azureDNS: {resourceGroupName: one}}, selector: {matchLabels: {tier: front}}}
    - {dns01: {azureDNS: {resourceGroupName: two}}, selector: {matchLabels: {tier: front, team: core}}}
    - {dns01: {azureDNS: {resourceGroupName: zone}}, selector: {dnsZones: [example.org]}}
---
kind: Certificate
metadata: {name: web, labels: LABELS}
spec: {dnsNames: [web.example.com], issuerRef: {name: own}}
"""


@pytest.mark.parametrize(
    ("labels", "name", "chosen"),
    [
        ("{}", "web.example.com", "http01"),
        ("{tier: back, team: core}", "web.example.com", "http01"),
        ("{tier: front}", "web.example.com", "one"),
        ("{tier: front, team: core}", "web.example.com", "two"),
        ("{tier: front, team: core}", "web.example.org", "zone"),
    ],
)
def test_more_matching_labels_win_where_names_and_zones_say_nothing(labels: str, name: str, chosen: str) -> None:
    acme = read(_BY_LABEL.replace("LABELS", labels)).policy.issuer.acme
    assert acme is not None
    found = solver_for_name(acme.solvers, name)
    assert found is not None
    assert found.settings.get("resource_group", found.kind) == chosen


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2160h", 2160), ("2160h0m0s", 2160), ("1.5h", 1.5), ("30m1h", 1.5), (".5h", 0.5), ("3600000ms", 1), ("0", 0)],
)
def test_durations_as_go_reads_them(text: str, hours: float) -> None:
    found = parse_duration(text)
    assert found is not None
    assert found.total_seconds() == hours * 3600


@pytest.mark.parametrize("text", ["", "90d", "-1h", "1", "1h 30m", "PT1H", "1e3h", "h", "9999999999h", "1h\n"])
def test_what_go_reads_as_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


def test_an_ingress_asks_as_ingress_shim_would() -> None:
    asked = read(ISSUER + INGRESS)
    assert asked.name == "web-tls"
    assert asked.policy.dns_names == ("web.example.com", "api.example.com")
    assert asked.policy.renewal.days_before_expiry == 15
    assert asked.policy.key.size == 4096


def test_a_virtual_server_asks_by_its_tls() -> None:
    server = """
---
apiVersion: k8s.nginx.org/v1
kind: VirtualServer
metadata: {name: cafe}
spec:
  host: cafe.example.com
  tls: {secret: cafe-tls, cert-manager: {cluster-issuer: ca-by-acme, common-name: cafe.example.com}}
"""
    asked = read(ISSUER + server)
    assert (asked.name, asked.policy.dns_names) == ("cafe-tls", ("cafe.example.com",))


@pytest.mark.parametrize(("kind", "vault_issuer"), [("selfSigned: {}", "Self"), ("ca: {secretName: root}", "Unknown")])
def test_other_issuers_have_their_own_way(kind: str, vault_issuer: str) -> None:
    issuer = f"kind: Issuer\nmetadata: {{name: ca-by-acme}}\nspec: {{{kind}}}\n"
    text = CERTIFICATE.replace("ClusterIssuer", "Issuer")
    assert read(issuer + text).policy.issuer.name == vault_issuer


def test_names_of_other_kinds_are_asked_for_as_there() -> None:
    names = "emailAddresses: [a@example.com]\n  uris: [spiffe://a/b]\n  ipAddresses: [192.0.2.1, '2001:db8::1']"
    found = read(
        "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: own}\nspec: {selfSigned: {}}\n---\n"
        "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: web}\n"
        f"spec:\n  dnsNames: [web.example.com]\n  issuerRef: {{name: own}}\n  {names}\n"
    ).policy.sans
    assert (found.emails, found.uris) == (("a@example.com",), ("spiffe://a/b",))
    assert found.ip_addresses == ("192.0.2.1", "2001:db8::1")


def test_an_ingress_asks_for_addresses_and_uris_by_annotations() -> None:
    named = {"cert-manager.io/ip-sans": "192.0.2.1, 192.0.2.2", "cert-manager.io/uri-sans": "spiffe://a/b"}
    text = json.dumps(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "web", "annotations": {"cert-manager.io/issuer": "own", **named}},
            "spec": {"tls": [{"hosts": ["web.example.com"], "secretName": "web"}]},
        }
    )
    own = "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: own}\nspec: {selfSigned: {}}\n---\n"
    found = read(own + text).policy.sans
    assert (found.ip_addresses, found.uris) == (("192.0.2.1", "192.0.2.2"), ("spiffe://a/b",))


WRONG = [
    (CERTIFICATE.replace("duration: 2880h", "duration: four months"), "no duration"),
    (CERTIFICATE.replace("algorithm: RSA, size: 3072", "algorithm: Ed25519"), "no Ed25519 keys"),
    (CERTIFICATE.replace("renewBefore: 720h", "isCA: true"), "spec.isCA"),
    (CERTIFICATE.replace("renewBefore: 720h", "otherNames: [{oid: 1.2.3, utf8Value: a}]"), "spec.otherNames"),
    (CERTIFICATE.replace("client auth", "world domination"), "no usage"),
    (CERTIFICATE.replace("ca-by-acme", "nobody"), "no document holds the ClusterIssuer 'nobody'"),
    ("\n---\nkind: Deployment\nmetadata: {name: x}\n", "hold no Certificate"),
    (CERTIFICATE + CERTIFICATE, "two of the documents"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_has_no_equal_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        read_manifests([("m.yaml", ISSUER + text)])
    assert refused.value.token == "ManifestInvalid"


def test_a_solver_without_its_secret_and_one_that_is_not_known_are_refused() -> None:
    bare = ISSUER.split("---", 1)[0] + CERTIFICATE
    with pytest.raises(InputError, match="no document holds the secret cloudflare"):
        read_manifests([("m.yaml", bare)])
    other = ISSUER.replace(
        "azureDNS: {subscriptionID: s-1, resourceGroupName: dns, hostedZoneName: example.net}",
        "route53: {region: eu-west-1}",
    )
    with pytest.raises(InputError, match=r"dns01\.route53"):
        read_manifests([("m.yaml", other + CERTIFICATE)])


def test_short_lives_become_months_with_a_note_or_are_refused() -> None:
    selfsigned = "kind: ClusterIssuer\nmetadata: {name: ca-by-acme}\nspec: {selfSigned: {}}\n"
    odd = read(selfsigned + CERTIFICATE.replace("2880h", "2400h"))
    assert odd.policy.validity_months == 3
    assert any("becomes 3 months" in one for one in odd.notes)
    with pytest.raises(InputError, match="shorter than the month"):
        read(selfsigned + CERTIFICATE.replace("2880h", "240h").replace("720h", "24h"))


_OWN = """
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {{name: own, namespace: {namespace}}}
spec: {spec}
---
"""
_ASKS = """
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: shop}
spec: {dnsNames: [web.example.com], issuerRef: {name: own}}
"""


def test_an_issuer_serves_its_own_namespace() -> None:
    shop = _OWN.format(namespace="shop", spec="{selfSigned: {}}")
    other = _OWN.format(namespace="other", spec="{ca: {secretName: x}}")
    assert read(shop + other + _ASKS).policy.issuer.name == "Self"
    assert read(other + shop + _ASKS).policy.issuer.name == "Self"
    with pytest.raises(InputError) as refused:
        read(other + _ASKS)
    assert "is in another namespace (other)" in str(refused.value.faults)


def test_two_issuers_of_one_name_and_namespace_are_no_answer() -> None:
    both = _OWN.format(namespace="shop", spec="{selfSigned: {}}") + _OWN.format(namespace="shop", spec="{ca: {}}")
    with pytest.raises(InputError) as refused:
        read(both + _ASKS)
    assert "another document holds the Issuer own too" in str(refused.value.faults)


def test_a_kind_of_another_product_is_passed_over_and_said_so() -> None:
    foreign = """
apiVersion: networking.internal.knative.dev/v1alpha1
kind: Certificate
metadata: {name: strange}
spec: {dnsNames: [strange.example.com]}
---
"""
    asked = read(foreign + _OWN.format(namespace="shop", spec="{selfSigned: {}}") + _ASKS)
    assert asked.name == "web"
    assert any("knative" in note for note in asked.notes)
    with pytest.raises(InputError, match="They hold only networking"):
        read(foreign)


def test_a_secret_with_two_values_is_no_answer_and_neither_is_shown() -> None:
    again = "---\nkind: Secret\nmetadata: {name: cloudflare}\nstringData: {api-token: another-value}\n---\n"
    with pytest.raises(InputError) as refused:
        read(ISSUER + again + CERTIFICATE)
    told = str(refused.value) + str(refused.value.faults)
    assert "another value" in told
    assert TOKEN not in told
    assert "another-value" not in told


def test_an_ingress_that_wants_to_be_edited_is_told_how_the_answer_is_served() -> None:
    assert any("http01-edit-in-place" in note for note in read(ISSUER + INGRESS).notes)
