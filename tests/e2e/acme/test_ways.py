"""Every way of an order by ACME that the policy and the command line know, whole, against real servers.

Pebble signs, Knot or the embedded Azure's zones answer, the embedded vault holds key and chain.
"""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sfcert.sim.front import Groups
from sfcert.sim.worlds.build import operator_of, put
from tests.e2e.acme_site import AcmeSite, by_http, by_update, ca, good, leaf_of, sans, texts
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot
from tests.servers.pebble import EAB_KID, EAB_MAC, ChallengeServer, Pebble, running_pebble
from tests.servers.ports import program
from tests.servers.serving import served
from tests.servers.small_acme import SmallAcme


def test_by_options_alone_with_a_bound_account_and_the_chain_that_is_wanted(
    site: AcmeSite, challenge_server: ChallengeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mac").write_text(EAB_MAC + "\n")
    with running_pebble(tmp_path / "bound", dns=challenge_server.dns, has_external_accounts=True) as bound:
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


def test_names_that_the_authority_has_vetted_need_no_solver(site: AcmeSite, small: SmallAcme) -> None:
    """As with an external account whose domains were validated beforehand; cert-manager makes no challenge either."""
    asked = good(site.enrol(ca(small), "--dry-run"))
    assert asked["outcome"] == "planned"
    refused = site.enrol(ca(small))
    assert (refused.code, f"No solver of the policy answers for {site.host}" in refused.err) == (1, True)
    small.reuses_authorizations = True
    assert good(site.enrol(ca(small)))["outcome"] == "issued"
    assert sans(leaf_of(site)) == {site.host}


def test_a_solver_that_is_no_list_of_settings_is_misuse(site: AcmeSite) -> None:
    issuer = ("--issuer", "acme", "--acme-directory", "https://ca.example/dir", "--solver", "rfc2136,192.0.2.1")
    failed = site.run("enrol", site.name, "--subject", f"CN={site.host}", *issuer)
    assert failed.code == 1
    assert "KEY=VALUE is needed" in failed.err


def test_a_web_root_that_a_web_server_of_ones_own_serves(site: AcmeSite, pebble: Pebble, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    address = ("127.0.0.1", pebble.http_port)
    with served(ThreadingHTTPServer(address, partial(Quiet, directory=str(tmp_path / "www")))):
        done = site.enrol(ca(pebble, {"kind": "http01-webroot", "settings": {"root": "www"}}))
    assert good(done)["outcome"] == "issued"
    assert list((tmp_path / "www").iterdir()) == []


def test_by_update_a_wildcard_and_its_parent_through_refused_nonces_and_slow_validation(
    site: AcmeSite, unkind_pebble: Pebble, knot: Knot
) -> None:
    wanted = [f"*.{site.host}", site.host]
    good(site.enrol(ca(unkind_pebble, by_update(knot, site.folder)), subject=f"CN=*.{site.host}", dns_names=wanted))
    assert sans(leaf_of(site)) == set(wanted)
    assert texts(knot, site.host) == set()


def test_a_cname_leads_the_record_elsewhere(site: AcmeSite, unkind_pebble: Pebble, knot: Knot) -> None:
    good(site.enrol(ca(unkind_pebble, by_update(knot, site.folder)), subject="CN=led.example.test"))
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


def test_lego_has_the_same_from_the_same_servers(
    site: AcmeSite, unkind_pebble: Pebble, knot: Knot, tmp_path: Path
) -> None:
    """Another client beside ours, in the same run: names, usages, life and issuer are the CA's doing, not ours."""
    at = f"{knot.address}:{knot.port}"
    command = [
        program("lego", "lego"),
        "-s",
        unkind_pebble.directory_url,
        "-m",
        "ops@example.test",
        "-a",
        "-d",
        site.host,
    ]
    command += ["--path", str(tmp_path / "lego"), "--dns", "rfc2136", "--dns.resolvers", at, "--dns.disable-cp", "run"]
    more = {
        "LEGO_CA_CERTIFICATES": str(unkind_pebble.ca_file),
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
    good(site.enrol(ca(unkind_pebble, by_update(knot, site.folder))))
    ours = leaf_of(site)
    assert (sans(ours), ours.issuer, life(ours)) == (sans(theirs), theirs.issuer, life(theirs))
    for kind in (x509.ExtendedKeyUsage, x509.KeyUsage, x509.AuthorityKeyIdentifier):
        assert ours.extensions.get_extension_for_class(kind) == theirs.extensions.get_extension_for_class(kind)


def life(leaf: x509.Certificate) -> timedelta:
    return leaf.not_valid_after_utc - leaf.not_valid_before_utc


def test_two_solvers_each_for_its_own_names(
    site: AcmeSite, pebble: Pebble, challenge_server: ChallengeServer, knot: Knot
) -> None:
    """The selectors decide: the CA would refuse HTTP-01 for a wildcard, and Knot is not where it looks."""
    solvers = ({**by_http(pebble), "dns_zones": [site.host]}, {**by_update(knot, site.folder), "dns_names": ["a.b"]})
    good(site.enrol(ca(pebble, *solvers), dns_names=[f"www.{site.host}"]))
    assert sans(leaf_of(site)) == {site.host, f"www.{site.host}"}
