"""Every way of an order by ACME that the policy, the command line and the manifests know, whole, against real servers.

Pebble signs, Knot or the embedded Azure's zones answer, the embedded vault holds key and chain.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from lexicon._private.providers.cloudflare import Provider as provider

from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
from sfcert.sim.front import Groups
from sfcert.sim.host import Running
from sfcert.sim.worlds.build import operator_of, put
from tests.e2e.acme_site import AcmeSite, by_http, by_update, ca, enter, running_azure, texts
from tests.e2e.site import Ended
from tests.servers.cloudflare import TOKEN, running_cloudflare
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot, running_knot
from tests.servers.pebble import EAB_KID, EAB_MAC, ChallengeServer, Pebble, running_challenge_server, running_pebble
from tests.servers.ports import program

Json = dict[str, Any]
RECORDS = ("example.test _acme-challenge.led CNAME led.answers.example.test.",)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Json]]:
    """One embedded Azure for all of them: each works on a certificate of its own."""
    with running_azure(tmp_path_factory.mktemp("azure")) as running:
        yield running


@pytest.fixture
def site(azure: tuple[Running, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AcmeSite:
    enter(monkeypatch, azure[0])
    return AcmeSite(*azure, tmp_path)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChallengeServer]:
    with running_challenge_server(tmp_path_factory.mktemp("names")) as running:
        yield running


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, names: ChallengeServer) -> Iterator[Pebble]:
    """Looks names up at made-up answers: for HTTP-01."""
    with running_pebble(tmp_path_factory.mktemp("pebble"), dns=names.dns) as running:
        yield running


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory, names: ChallengeServer) -> Iterator[Pebble]:
    """With renewal information and profiles; it grants server authentication alone."""
    with running_pebble(tmp_path_factory.mktemp("newer"), dns=names.dns, is_newer=True) as running:
        yield running


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with running_knot(tmp_path_factory.mktemp("knot"), ("example.test",), records=RECORDS) as running:
        yield running


@pytest.fixture(scope="module")
def by_zone(tmp_path_factory: pytest.TempPathFactory, knot: Knot) -> Iterator[Pebble]:
    """Looks names up at Knot; some nonces are refused and validations take their time, as Pebble has it by default."""
    folder = tmp_path_factory.mktemp("by-zone")
    with running_pebble(folder, dns=f"{knot.address}:{knot.port}", is_friendly=False, sleep_s=1) as running:
        yield running


def leaf_of(site: AcmeSite, name: str | None = None) -> x509.Certificate:
    found: x509.Certificate = site.running.call(
        lambda azure: azure.find_service("vaults").content(site.vault).certificate(name or site.name).latest.leaf
    )
    return found


def sans(leaf: x509.Certificate) -> set[str]:
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


def good(ended: Ended) -> Json:
    assert ended.code == 0, ended.err
    return ended.json


# -- by single options -------------------------------------------------------------------------------------------------


def test_by_options_alone_with_a_bound_account_and_the_chain_that_is_wanted(
    site: AcmeSite, names: ChallengeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mac").write_text(EAB_MAC + "\n")
    with running_pebble(tmp_path / "bound", dns=names.dns, has_external_accounts=True) as bound:
        Path("roots.pem").write_bytes(bound.ca_file.read_bytes())
        issuer = ["--issuer", "acme", "--acme-directory", bound.directory_url, "--acme-ca-file", "roots.pem"]
        issuer += ["--acme-eab-key-id", EAB_KID, "--acme-eab-key-file", "mac", "--acme-account-key", "bound-by-options"]
        issuer += ["--acme-contact", "ops@example.test", "--acme-chain", "No Such Root"]
        issuer += ["--solver", f"http01,host=127.0.0.1,port={bound.http_port},dns_names={site.host}"]
        done = site.run("enrol", site.name, "--subject", f"CN={site.host}", *issuer)
        assert good(done)["outcome"] == "issued"
        assert "No Such Root" in done.err
        assert "prefer DNS-01" in done.err
        # a timer runs somewhere else, and knows the files all the same
        monkeypatch.chdir("/")
        assert len(good(site.run("renew", site.name))["renewed"]) == 1
    assert (site.versions(), sans(leaf_of(site))) == (2, {site.host})


def test_a_solver_that_is_no_list_of_settings_is_misuse(site: AcmeSite) -> None:
    issuer = ("--issuer", "acme", "--acme-directory", "https://ca.example/dir", "--solver", "rfc2136,192.0.2.1")
    failed = site.run("enrol", site.name, "--subject", f"CN={site.host}", *issuer)
    assert failed.code == 1
    assert "KEY=VALUE is needed" in failed.err


# -- each solver -------------------------------------------------------------------------------------------------------


def test_a_web_root_that_a_web_server_of_ones_own_serves(site: AcmeSite, pebble: Pebble, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    address = ("127.0.0.1", pebble.http_port)
    with ThreadingHTTPServer(address, partial(Quiet, directory=str(tmp_path / "www"))) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        done = site.enrol(ca(pebble, {"kind": "http01-webroot", "settings": {"root": "www"}}))
        server.shutdown()
        thread.join(timeout=5)
    assert good(done)["outcome"] == "issued"
    assert list((tmp_path / "www").iterdir()) == []


def test_by_update_a_wildcard_and_its_parent_through_refused_nonces_and_slow_validation(
    site: AcmeSite, by_zone: Pebble, knot: Knot
) -> None:
    wanted = [f"*.{site.host}", site.host]
    good(site.enrol(ca(by_zone, by_update(knot, site.folder)), subject=f"CN=*.{site.host}", dns_names=wanted))
    assert sans(leaf_of(site)) == set(wanted)
    assert texts(knot, site.host) == set()


def test_a_cname_leads_the_record_elsewhere(site: AcmeSite, by_zone: Pebble, knot: Knot) -> None:
    good(site.enrol(ca(by_zone, by_update(knot, site.folder)), subject="CN=led.example.test"))
    assert texts(knot, "led.example.test") == set()


def test_azure_dns_in_which_the_ca_looks_itself(site: AcmeSite, tmp_path: Path) -> None:
    """The embedded Azure's zones answer on a port of their own, where this Pebble looks names up."""
    group, zone = f"rg-{site.name}", "azure.test"

    def make(azure: Any) -> str:
        azure.service("groups", Groups).put(azure.subscription_id, group, {"location": "westeurope"})
        where = f"/subscriptions/{azure.subscription_id}/resourceGroups/{group}/providers/Microsoft.Network/dnsZones"
        put(azure, f"{where}/{zone}", "2018-05-01", {"location": "global"}, operator_of(azure))
        # a name that another team leads into this zone
        alias = {"properties": {"TTL": 60, "CNAMERecord": {"cname": f"elsewhere.{zone}"}}}
        put(azure, f"{where}/{zone}/CNAME/_acme-challenge.led", "2018-05-01", alias, operator_of(azure))
        return f"{where}/{zone}"

    where = site.running.call(make)
    with running_pebble(tmp_path / "pebble", dns=site.running.dns_server) as pebble:
        solver = {"kind": "azure-dns", "settings": {"resource_group": group}}
        wanted = [f"*.{zone}", f"led.{zone}"]
        good(site.enrol(ca(pebble, solver), subject=f"CN={zone}", dns_names=wanted))
    assert sans(leaf_of(site)) == {zone, *wanted}
    kept = site.running.call(lambda azure: [one.id.text for one in azure.resources.under(where)])
    assert not [one for one in kept if "/TXT/" in one]


def test_cloudflare_by_a_manifest_through_lexicons_own_provider(
    site: AcmeSite, by_zone: Pebble, knot: Knot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real API cannot be asked here: a small answerer of it stands in, whose zone Knot serves."""
    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
    seen: list[int] = []
    served: dict[str, frozenset[str]] = {}
    with running_cloudflare() as host:

        def serve(name: str, values: frozenset[str]) -> None:
            seen.append(len(values))
            for value in served.get(name, frozenset()) - values:
                writer.remove_text("example.test", name, value)
            for value in values:
                writer.add_text("example.test", name, value)
            served[name] = values

        host.on_change = serve
        monkeypatch.setattr(provider, "__init__", led_to(host.url, provider.__init__))
        trust(monkeypatch, site, by_zone)
        monkeypatch.setenv("SFCERT_DNS_SERVER", f"{knot.address}:{knot.port}")
        token = {"kind": "Secret", "metadata": {"name": "cloudflare"}, "stringData": {"api-token": TOKEN}}
        solver = {"dns01": {"cloudflare": {"apiTokenSecretRef": {"name": "cloudflare", "key": "api-token"}}}}
        wanted = certificate(site.name, f"*.{site.host}", "own", dnsNames=[f"*.{site.host}", site.host])
        done = site.run("enrol", *manifest(site, token, cluster_issuer("own", by_zone, solver), wanted))
    assert good(done)["outcome"] == "issued"
    assert TOKEN not in done.out + done.err
    assert max(seen) == 2
    assert (host.records, texts(knot, site.host)) == ({}, set())


def led_to(url: str, made: Any) -> Any:
    """A provider's way of being made, after which its API is somewhere else."""

    def make(self: Any, config: Any) -> None:
        made(self, config)
        self.api_endpoint = url

    return make


def test_lego_has_the_same_from_the_same_servers(site: AcmeSite, by_zone: Pebble, knot: Knot, tmp_path: Path) -> None:
    """Another client beside ours, in the same run: names, usages, life and issuer are the CA's doing, not ours."""
    at = f"{knot.address}:{knot.port}"
    command = [program("lego", "lego"), "-s", by_zone.directory_url, "-m", "ops@example.test", "-a", "-d", site.host]
    command += ["--path", str(tmp_path / "lego"), "--dns", "rfc2136", "--dns.resolvers", at, "--dns.disable-cp", "run"]
    more = {
        "LEGO_CA_CERTIFICATES": str(by_zone.ca_file),
        "RFC2136_NAMESERVER": at,
        "RFC2136_TSIG_KEY": KEY_NAME,
        "RFC2136_TSIG_SECRET": KEY_SECRET,
        "RFC2136_TSIG_ALGORITHM": "hmac-sha256.",
        "RFC2136_POLLING_INTERVAL": "1",
    }
    home = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(command, env={**home, **more}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    file = tmp_path / "lego" / "certificates" / f"{site.host}.crt"
    theirs = x509.load_pem_x509_certificates(file.read_bytes())[0]
    good(site.enrol(ca(by_zone, by_update(knot, site.folder))))
    ours = leaf_of(site)
    assert (sans(ours), ours.issuer, life(ours)) == (sans(theirs), theirs.issuer, life(theirs))
    for kind in (x509.ExtendedKeyUsage, x509.KeyUsage, x509.AuthorityKeyIdentifier):
        assert ours.extensions.get_extension_for_class(kind) == theirs.extensions.get_extension_for_class(kind)


def life(leaf: x509.Certificate) -> timedelta:
    return leaf.not_valid_after_utc - leaf.not_valid_before_utc


def test_two_solvers_each_for_its_own_names(site: AcmeSite, pebble: Pebble, names: ChallengeServer, knot: Knot) -> None:
    """The selectors decide: the CA would refuse HTTP-01 for a wildcard, and Knot is not where it looks."""
    solvers = ({**by_http(pebble), "dns_zones": [site.host]}, {**by_update(knot, site.folder), "dns_names": ["a.b"]})
    good(site.enrol(ca(pebble, *solvers), dns_names=[f"www.{site.host}"]))
    assert sans(leaf_of(site)) == {site.host, f"www.{site.host}"}


def test_the_other_chain_of_the_ca_by_its_issuers_name(site: AcmeSite, pebble: Pebble) -> None:
    asked = ca(pebble, by_http(pebble))
    first = good(site.enrol(asked))
    chains = pebble.roots()
    other = next(one for one in chains if one not in root_names(site))
    second = good(site.enrol({**asked, "preferred_chain": other}, "--renew"))
    assert root_names(site) == {other}
    assert first["pins"] != second["pins"] or first["issuer"] == second["issuer"]


def root_names(site: AcmeSite) -> set[str]:
    """The name of whoever signed the last certificate of the merged chain."""
    chain = site.running.call(
        lambda azure: azure.find_service("vaults").content(site.vault).certificate(site.name).latest.chain
    )
    return {chain[-1].issuer.rfc4514_string().removeprefix("CN=")}


# -- what Pebble puts into a leaf --------------------------------------------------------------------------------------


def test_what_pebble_puts_into_a_leaf_for_the_vaults_request(site: AcmeSite, pebble: Pebble, newer: Pebble) -> None:
    """Measured, and written down in docs/explanation/enrolment-by-acme.md: the request's usages count for nothing, and
    the subject is the first of the request's alternative names, whatever its own says."""
    both = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    for server, wanted, granted in (
        (pebble, ["server_auth"], both),
        (pebble, ["server_auth", "client_auth"], both),
        (newer, ["server_auth"], {ExtendedKeyUsageOID.SERVER_AUTH}),
    ):
        asked = ca(server, by_http(server), profile="classic" if server is newer else None)
        good(site.enrol(asked, "--renew", ekus=wanted, dns_names=[f"www.{site.host}"]))
        leaf = leaf_of(site)
        assert set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == granted
        assert sans(leaf) == {site.host, f"www.{site.host}"}
        assert leaf.subject.rfc4514_string() == f"CN={site.host}"
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.digital_signature
        assert usage.key_encipherment is (server is pebble)


def test_the_subjects_own_name_stands_first_for_a_ca_that_takes_the_first_for_the_subject(
    site: AcmeSite, pebble: Pebble
) -> None:
    good(site.enrol(ca(pebble, by_http(pebble)), dns_names=[f"www.{site.host}", site.host, f"a.{site.host}"]))
    assert leaf_of(site).subject.rfc4514_string() == f"CN={site.host}"


def test_a_profile_that_leaves_the_subject_out_is_no_use_to_a_cluster(site: AcmeSite, newer: Pebble) -> None:
    refused = site.enrol(ca(newer, by_http(newer), profile="shortlived"), ekus=["server_auth"])
    assert refused.code == 3
    assert "states no common name" in refused.err
    assert "another one may keep it" in refused.err
    assert (site.versions(), site.has_pending()) == (0, False)


def test_a_ca_that_grants_no_client_authentication_is_stopped_where_it_is_asked_for(
    site: AcmeSite, newer: Pebble
) -> None:
    refused = site.enrol(ca(newer, by_http(newer), profile="classic"))
    assert refused.code == 3
    assert "usages: fail" in refused.err
    assert (site.versions(), site.has_pending()) == (0, False)


# -- renewal information, replaces, profiles ---------------------------------------------------------------------------


def test_advice_makes_a_certificate_due_and_its_renewal_says_what_it_replaces(site: AcmeSite, newer: Pebble) -> None:
    asked = ca(newer, by_http(newer), profile="classic")
    more: Json = {"ekus": ["server_auth"], "renewal": {"by": "sfcert"}}
    good(site.enrol(asked, **more))
    assert good(site.run("renew", "--due"))["renewed"] == []
    leaf = leaf_of(site)
    begins = leaf.not_valid_before_utc
    at_once = {"start": begins.isoformat(), "end": (begins + timedelta(seconds=2)).isoformat()}
    pem = leaf.public_bytes(Encoding.PEM).decode()
    newer.set_renewal_info(pem, json.dumps({"suggestedWindow": at_once}))
    # the CA wants to be left alone for six hours, so the timer's next runs do not ask
    asked_before = newer.child.output().count("GET /draft-ietf-acme-ari-03/renewalInfo/")
    assert good(site.run("renew", "--due"))["renewed"] == []
    assert newer.child.output().count("GET /draft-ietf-acme-ari-03/renewalInfo/") == asked_before
    forget_the_wait(site)
    renewed = good(site.run("renew", "--due"))["renewed"]
    assert [one["name"] for one in renewed] == [site.name]
    assert "is a replacement of" in newer.child.output()
    assert site.versions() == 2


def forget_the_wait(site: AcmeSite) -> None:
    (file,) = site.state.rglob(f"{site.name}.json")
    kept = json.loads(file.read_text())
    assert kept["renewal_ask_again_utc"] is not None
    file.write_text(json.dumps({**kept, "renewal_ask_again_utc": None}))


# -- cert-manager's manifests ------------------------------------------------------------------------------------------


def manifest(site: AcmeSite, *documents: Json) -> tuple[str, ...]:
    file = site.folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    return ("--manifest", str(file))


def certificate(name: str, host: str, issuer: str, **spec: Any) -> Json:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": name},
        "spec": {
            "secretName": f"{name}-tls",
            "commonName": host,
            "dnsNames": [host],
            "issuerRef": {"name": issuer, "kind": "ClusterIssuer"},
            "usages": ["digital signature", "key encipherment", "server auth"],
            **spec,
        },
    }


def cluster_issuer(name: str, pebble: Pebble, *solvers: Json, **acme: Any) -> Json:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": name},
        "spec": {"acme": {"server": pebble.directory_url, "solvers": list(solvers), **acme}},
    }


@pytest.mark.parametrize("algorithm", ["HMACSHA256", None], ids=["named", "cert-manager's default, MD5"])
def test_a_manifest_with_updates_signed_by_the_key_in_its_secret(
    site: AcmeSite, by_zone: Pebble, knot: Knot, monkeypatch: pytest.MonkeyPatch, algorithm: str | None
) -> None:
    trust(monkeypatch, site, by_zone)
    # the manifest names no resolvers: where this machine's are not the zone's, the environment leads to them
    monkeypatch.setenv("SFCERT_DNS_SERVER", f"{knot.address}:{knot.port}")
    key = KEY_NAME if algorithm else "md5-key"
    settings = {"nameserver": f"{knot.address}:{knot.port}", "tsigKeyName": key}
    settings |= {"tsigAlgorithm": algorithm} if algorithm else {}
    solver = {"dns01": {"rfc2136": {**settings, "tsigSecretSecretRef": {"name": "tsig", "key": "key"}}}}
    documents = (
        {"kind": "Secret", "metadata": {"name": "tsig"}, "stringData": {"key": KEY_SECRET}},
        cluster_issuer("own", by_zone, solver, privateKeySecretRef={"name": "account"}),
        certificate(site.name, site.host, "own"),
    )
    done = site.run("enrol", *manifest(site, *documents))
    assert good(done)["outcome"] == "issued"
    assert KEY_SECRET not in done.out + done.err
    assert texts(knot, site.host) == set()


def test_a_manifest_with_a_bound_account_and_port_80(
    site: AcmeSite, names: ChallengeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest's HTTP-01 is at port 80, as the CA comes there: this Pebble does."""
    if not may_listen(80):
        pytest.skip("port 80 cannot be opened here")
    with running_pebble(tmp_path / "bound", dns=names.dns, has_external_accounts=True, http_port=80) as bound:
        trust(monkeypatch, site, bound)
        eab = {"keyID": EAB_KID, "keySecretRef": {"name": "eab", "key": "mac"}}
        solver = {"http01": {"ingress": {"ingressClassName": "nginx"}}}
        documents = (
            {"kind": "Secret", "metadata": {"name": "eab"}, "stringData": {"mac": EAB_MAC}},
            cluster_issuer("bound", bound, solver, externalAccountBinding=eab, privateKeySecretRef={"name": "bound80"}),
            certificate(site.name, site.host, "bound"),
        )
        done = site.run("enrol", *manifest(site, *documents))
    assert good(done)["outcome"] == "issued"
    assert "prefer DNS-01" in done.err
    assert EAB_MAC not in done.out + done.err


def test_many_certificates_of_a_manifest_share_account_session_and_record_sets(
    site: AcmeSite, by_zone: Pebble, knot: Knot, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, site, by_zone)
    monkeypatch.setenv("SFCERT_DNS_SERVER", f"{knot.address}:{knot.port}")
    rfc2136 = {
        "nameserver": f"{knot.address}:{knot.port}",
        "tsigKeyName": KEY_NAME,
        "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": {"name": "tsig", "key": "key"},
    }
    # all of them at one name: a wildcard's record set is its parent's, and each has its own value there
    wanted = {f"{site.name}-{at}": f"{'*.' if at % 2 else ''}{site.host}" for at in range(6)}
    documents = (
        {"kind": "Secret", "metadata": {"name": "tsig"}, "stringData": {"key": KEY_SECRET}},
        cluster_issuer("own", by_zone, {"dns01": {"rfc2136": rfc2136}}, privateKeySecretRef={"name": f"a-{site.name}"}),
        *(certificate(name, host, "own") for name, host in wanted.items()),
        certificate(f"{site.name}-bad", "www.nowhere.invalid", "own"),
    )
    done = site.run("enrol", *manifest(site, *documents), "--at-once", "6")
    assert done.code == 1
    assert [one["name"] for one in done.json["enrolled"]] == list(wanted)
    assert [(one["name"], one["token"]) for one in done.json["failed"]] == [(f"{site.name}-bad", "DnsZoneNotFound")]
    assert done.err.count("Account at localhost") == 1
    assert texts(knot, site.host) == set()
    for name, host in wanted.items():
        assert sans(leaf_of(site, name)) == {host}


def trust(monkeypatch: pytest.MonkeyPatch, site: AcmeSite, pebble: Pebble) -> None:
    """A manifest names no roots: this machine's have to hold the CA's, as an operator would add them."""
    both = site.folder / "roots.pem"
    kept = Path(site.running.env()["REQUESTS_CA_BUNDLE"]).read_bytes()
    both.write_bytes(kept + b"\n" + pebble.ca_file.read_bytes())
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(both))


def may_listen(port: int) -> bool:
    try:
        ThreadingHTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler).server_close()
    except OSError:
        return False
    return True
