"""cert-manager's manifests with an ACME issuer, whole, against real servers."""

from __future__ import annotations

from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from lexicon._private.providers.cloudflare import Provider as provider

from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
from tests.e2e.acme_site import AcmeSite, Json, good, leaf_of, sans, texts
from tests.servers.cloudflare import TOKEN, running_cloudflare
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot
from tests.servers.pebble import EAB_KID, EAB_MAC, ChallengeServer, Pebble, running_pebble


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
    site: AcmeSite, unkind_pebble: Pebble, knot: Knot, monkeypatch: pytest.MonkeyPatch, algorithm: str | None
) -> None:
    trust(monkeypatch, site, unkind_pebble)
    # the manifest names no resolvers: where this machine's are not the zone's, the environment leads to them
    monkeypatch.setenv("SFCERT_DNS_SERVER", f"{knot.address}:{knot.port}")
    key = KEY_NAME if algorithm else "md5-key"
    settings = {"nameserver": f"{knot.address}:{knot.port}", "tsigKeyName": key}
    settings |= {"tsigAlgorithm": algorithm} if algorithm else {}
    solver = {"dns01": {"rfc2136": {**settings, "tsigSecretSecretRef": {"name": "tsig", "key": "key"}}}}
    documents = (
        {"kind": "Secret", "metadata": {"name": "tsig"}, "stringData": {"key": KEY_SECRET}},
        cluster_issuer("own", unkind_pebble, solver, privateKeySecretRef={"name": "account"}),
        certificate(site.name, site.host, "own"),
    )
    done = site.run("enrol", *manifest(site, *documents))
    assert good(done)["outcome"] == "issued"
    assert KEY_SECRET not in done.out + done.err
    assert texts(knot, site.host) == set()


def test_a_manifest_with_a_bound_account_and_port_80(
    site: AcmeSite, challenge_server: ChallengeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest's HTTP-01 is at port 80, as the CA comes there: this Pebble does."""
    if not may_listen(80):
        pytest.skip("port 80 cannot be opened here")
    with running_pebble(
        tmp_path / "bound", dns=challenge_server.dns, has_external_accounts=True, http_port=80
    ) as bound:
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
    site: AcmeSite, unkind_pebble: Pebble, knot: Knot, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, site, unkind_pebble)
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
        cluster_issuer(
            "own", unkind_pebble, {"dns01": {"rfc2136": rfc2136}}, privateKeySecretRef={"name": f"a-{site.name}"}
        ),
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


def test_cloudflare_by_a_manifest_through_lexicons_own_provider(
    site: AcmeSite, unkind_pebble: Pebble, knot: Knot, monkeypatch: pytest.MonkeyPatch
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
        trust(monkeypatch, site, unkind_pebble)
        monkeypatch.setenv("SFCERT_DNS_SERVER", f"{knot.address}:{knot.port}")
        token = {"kind": "Secret", "metadata": {"name": "cloudflare"}, "stringData": {"api-token": TOKEN}}
        solver = {"dns01": {"cloudflare": {"apiTokenSecretRef": {"name": "cloudflare", "key": "api-token"}}}}
        wanted = certificate(site.name, f"*.{site.host}", "own", dnsNames=[f"*.{site.host}", site.host])
        done = site.run("enrol", *manifest(site, token, cluster_issuer("own", unkind_pebble, solver), wanted))
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
