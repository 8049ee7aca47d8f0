"""What goes wrong with an order by ACME, from the command line: token, exit code, one sentence, and nothing left.

Against real servers where they do it when asked (Pebble, Knot, the embedded Azure); CAA refusals, broken chains, rate
limits and expired orders come from a small server of our own, because no Pebble does them.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sfcert.acme.account import deactivate_account, open_account
from sfcert.acme.session import AcmeSession
from sfcert.acme.values import AcmeOptions
from sfcert.azure.clock import WallClock
from sfcert.sim.host import Running
from tests.e2e.acme_site import AcmeSite, by_http, by_update, ca, enter, running_azure, said, texts
from tests.e2e.site import command
from tests.servers.knot import OTHER_SECRET, Knot, running_knot
from tests.servers.pebble import EAB_KID, EAB_MAC, ChallengeServer, Pebble, running_challenge_server, running_pebble
from tests.servers.ports import free_port
from tests.servers.small_acme import SmallAcme, problem, running_small_acme

Json = dict[str, Any]


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
    """A CA that resolves through made-up answers: every name leads to loopback, TXT records are not Knot's."""
    with running_pebble(tmp_path_factory.mktemp("pebble"), dns=names.dns) as running:
        yield running


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with running_knot(tmp_path_factory.mktemp("knot"), ("example.test",)) as running:
        yield running


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallAcme]:
    with running_small_acme(tmp_path) as running:
        yield running


def nothing_is_left(site: AcmeSite, knot: Knot | None = None) -> None:
    assert site.versions() == 0
    assert not site.has_pending()
    if knot is not None:
        assert texts(knot, site.host) == set()


# -- the challenge -----------------------------------------------------------------------------------------------------


def test_another_server_answers_at_port_80(site: AcmeSite, pebble: Pebble, tmp_path: Path) -> None:
    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"welcome to the portal")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", pebble.http_port), Portal)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        (tmp_path / "web").mkdir()
        failed = site.enrol(ca(pebble, {"kind": "http01-webroot", "settings": {"root": "web"}}))
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
    assert said(failed) == (1, "AcmeChallengeFailed")
    assert "Something else answers on port 80" in failed.err
    assert not [one for one in (tmp_path / "web").rglob("*") if one.is_file()]
    nothing_is_left(site)


def test_the_ca_asks_another_name_server_than_the_one_that_was_written(
    site: AcmeSite, pebble: Pebble, names: ChallengeServer, knot: Knot
) -> None:
    """A second delegation of the zone: Knot holds the record, the CA sees a stranger's."""
    names.set_txt(f"_acme-challenge.{site.host}.", "somebody else's")
    failed = site.enrol(ca(pebble, by_update(knot, site.folder)))
    assert said(failed) == (1, "AcmeChallengeFailed")
    assert "second delegation" in failed.err
    nothing_is_left(site, knot)


def test_a_caa_record_names_another_ca(site: AcmeSite, small: SmallAcme, knot: Knot) -> None:
    small.challenge_error = problem("caa", f"CAA record for {site.host} prevents issuance")
    failed = site.enrol(ca(small, by_update(knot, site.folder)))
    assert said(failed) == (1, "AcmeCaaForbids")
    assert "Add a CAA record" in failed.err
    nothing_is_left(site, knot)


def test_the_port_of_the_challenge_is_taken(site: AcmeSite, pebble: Pebble) -> None:
    with ThreadingHTTPServer(("127.0.0.1", pebble.http_port), BaseHTTPRequestHandler):
        failed = site.enrol(ca(pebble, by_http(pebble)))
    assert said(failed) == (1, "ChallengeNotServed")
    nothing_is_left(site)


# -- the account -------------------------------------------------------------------------------------------------------


def test_a_deactivated_account_and_the_way_out_that_is_named(site: AcmeSite, pebble: Pebble) -> None:
    asked = ca(pebble, by_http(pebble), account_key="gone")
    assert site.enrol(asked).code == 0
    options = AcmeOptions(directory_url=pebble.directory_url, ca_file=str(pebble.ca_file))
    with AcmeSession(options, site.account_key("gone"), WallClock()) as session:
        open_account(session, None)
        deactivate_account(session)
    failed = site.enrol(asked, "--renew")
    assert said(failed) == (1, "AcmeAccountRefused")
    assert "another `account_key`" in failed.err
    assert not site.has_pending()
    again = site.enrol({**asked, "account_key": "fresh"}, "--renew")
    assert again.code == 0, again.err
    assert site.versions() == 2


def test_external_account_binding_missing_halved_wrong_and_right(
    site: AcmeSite, names: ChallengeServer, tmp_path: Path
) -> None:
    (tmp_path / "wrong.mac").write_text(OTHER_SECRET.replace("=", ""))
    (tmp_path / "garbled.mac").write_text("not base64url!")
    (tmp_path / "right.mac").write_text(EAB_MAC + "\n")
    with running_pebble(tmp_path / "bound", dns=names.dns, has_external_accounts=True) as bound:
        asked = ca(bound, by_http(bound), account_key="bound")
        for more, token in (
            ({}, "AcmeOptionsInvalid"),
            ({"eab_key_id": EAB_KID}, "AcmeOptionsInvalid"),
            ({"eab_key_id": EAB_KID, "eab_key_file": "nowhere.mac"}, "FileUnreadable"),
            ({"eab_key_id": EAB_KID, "eab_key_file": "garbled.mac"}, "AcmeOptionsInvalid"),
            ({"eab_key_id": EAB_KID, "eab_key_file": "wrong.mac"}, "AcmeAccountRefused"),
            ({"eab_key_id": "nobody", "eab_key_file": "right.mac"}, "AcmeAccountRefused"),
        ):
            failed = site.enrol({**asked, **more})
            assert said(failed) == (1, token), failed.err
            assert OTHER_SECRET.rstrip("=") not in failed.err + failed.out
            nothing_is_left(site)
        done = site.enrol({**asked, "eab_key_id": EAB_KID, "eab_key_file": "right.mac"})
        assert done.code == 0, done.err


# -- the order ---------------------------------------------------------------------------------------------------------


def test_an_order_that_expired_is_followed_by_one_new_one_for_the_same_request(
    site: AcmeSite, small: SmallAcme, knot: Knot
) -> None:
    asked = ca(small, by_update(knot, site.folder))
    small.expires = datetime.now(UTC) + timedelta(seconds=2)
    small.answers["/finalize/0"] = [(503, problem("serverInternal", "the signer rests"), {"Retry-After": "9999"})]
    first = site.enrol(asked)
    assert said(first) == (1, "RemoteFailed")
    assert site.has_pending()
    WallClock().sleep(2)
    small.expires = datetime.now(UTC) + timedelta(days=1)
    done = site.enrol(asked)
    assert done.code == 0, done.err
    assert "it has expired" in done.err
    assert len(small.orders) == 2
    assert (site.versions(), site.has_pending(), texts(knot, site.host)) == (1, False, set())


def test_a_ca_that_has_forgotten_account_and_order_is_begun_with_anew(
    site: AcmeSite, names: ChallengeServer, tmp_path: Path
) -> None:
    """Pebble keeps everything in memory: started again on its port, it is such a CA."""
    port, http_port = free_port(), free_port()
    with running_pebble(tmp_path / "before", dns=names.dns, port=port, http_port=http_port) as before:
        asked = ca(before, by_http(before), account_key="forgotten")
        assert site.enrol(asked).code == 0
    with running_pebble(tmp_path / "after", dns=names.dns, port=port, http_port=http_port) as after:
        done = site.enrol({**asked, "ca_file": str(after.ca_file)}, "--renew")
        assert done.code == 0, done.err
    assert site.versions() == 2


def test_a_rate_limit_says_until_when(site: AcmeSite, small: SmallAcme, knot: Knot) -> None:
    limited = problem("rateLimited", "too many certificates (5) already issued for this exact set of identifiers")
    small.answers["/new-order"] = [(429, limited, {"Retry-After": "86400"})]
    failed = site.enrol(ca(small, by_update(knot, site.folder)))
    assert said(failed) == (1, "AcmeRateLimited")
    assert "It asks to come again after" in failed.err
    nothing_is_left(site, knot)


def test_a_name_that_the_ca_does_not_serve(site: AcmeSite, pebble: Pebble) -> None:
    failed = site.enrol(ca(pebble, by_http(pebble)), dns_names=["blocked-domain.example"])
    assert said(failed) == (1, "AcmeOrderRefused")
    nothing_is_left(site)


def test_a_profile_at_a_ca_that_has_none(site: AcmeSite, pebble: Pebble) -> None:
    failed = site.enrol(ca(pebble, by_http(pebble), profile="tlsserver"))
    assert said(failed) == (1, "AcmeOptionsInvalid")
    nothing_is_left(site)


# -- the answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chain", "sentence"),
    [
        ("a stranger within", "certificate 2 is not signed by the one that follows it"),
        ("leaf alone", "the issuer's certificate is missing"),
        ("other key", "for another key than the vault's request"),
        ("gap", "certificate 1 is not signed by the one that follows it"),
        ("no pem", "not a list of PEM certificates"),
    ],
)
def test_a_chain_that_must_not_be_merged(
    site: AcmeSite, small: SmallAcme, knot: Knot, chain: str, sentence: str
) -> None:
    asked = ca(small, by_update(knot, site.folder))
    small.chain = chain
    failed = site.enrol(asked)
    assert said(failed) == (3, "AcmeChainUnusable")
    assert sentence in failed.err
    nothing_is_left(site, knot)
    small.chain = "good"
    assert site.enrol(asked).code == 0


# -- the CA's door -----------------------------------------------------------------------------------------------------


def test_what_is_no_ca(site: AcmeSite, pebble: Pebble, small: SmallAcme, tmp_path: Path) -> None:
    solver = by_http(pebble)
    small.answers["/dir"] = [(200, "<html>a portal</html>", {})]
    nobody = {"directory": f"https://127.0.0.1:{free_port()}/dir", "solvers": [solver]}
    stranger = {"directory": pebble.directory_url, "solvers": [solver]}
    (tmp_path / "empty.pem").write_text("")
    for asked, token in (
        (ca(small, solver), "AcmeServerUnfit"),
        ({**nobody, "directory": "http://127.0.0.1/dir"}, "AcmeOptionsInvalid"),
        (stranger, "RemoteUnreachable"),
        ({**stranger, "ca_file": "nowhere.pem"}, "FileUnreadable"),
        ({**stranger, "ca_file": "empty.pem"}, "FileUnreadable"),
    ):
        assert said(site.enrol(asked)) == (1, token)
    nothing_is_left(site)


# -- DNS ---------------------------------------------------------------------------------------------------------------


def test_a_zone_that_is_not_there(site: AcmeSite, pebble: Pebble, knot: Knot) -> None:
    failed = site.enrol(ca(pebble, by_update(knot, site.folder)), dns_names=["www.nowhere.invalid"])
    assert said(failed) == (1, "DnsZoneNotFound")
    nothing_is_left(site, knot)


def test_a_wrong_key_for_updates_is_told_without_it(site: AcmeSite, pebble: Pebble, knot: Knot) -> None:
    failed = site.enrol(ca(pebble, by_update(knot, site.folder, secret=OTHER_SECRET)))
    assert said(failed) == (1, "DnsUpdateRefused")
    assert OTHER_SECRET not in failed.err + failed.out
    nothing_is_left(site, knot)


def test_a_server_of_the_zone_that_does_not_follow(
    site: AcmeSite, pebble: Pebble, names: ChallengeServer, knot: Knot
) -> None:
    both = f"{knot.address}:{knot.port} {names.dns}"
    failed = site.enrol(ca(pebble, by_update(knot, site.folder, authoritative=both, patience_s="1")))
    assert said(failed) == (1, "DnsNotVisible")
    assert names.dns in failed.err
    nothing_is_left(site, knot)


@pytest.mark.parametrize(
    ("zone", "servers", "token"),
    [("other.test", None, "DnsZoneNotFound"), ("example.test", "ns1.elsewhere.test.", "DnsDelegatedElsewhere")],
    ids=["no zone of that name", "the registrar points elsewhere"],
)
def test_azure_dns_without_the_zone_or_without_its_delegation(
    site: AcmeSite, pebble: Pebble, zone: str, servers: str | None, token: str
) -> None:
    group = f"rg-{site.name}"
    make_zone(site, group, zone, servers)
    try:
        failed = site.enrol(ca(pebble, {"kind": "azure-dns", "settings": {"resource_group": group}}))
    finally:
        site.running.call(lambda azure: azure.resources.remove(zone_id(azure, group, zone)))
    assert said(failed) == (1, token)
    nothing_is_left(site)


def zone_id(azure: Any, group: str, zone: str) -> str:
    return f"/subscriptions/{azure.subscription_id}/resourceGroups/{group}/providers/Microsoft.Network/dnsZones/{zone}"


def make_zone(site: AcmeSite, group: str, zone: str, servers: str | None = None) -> None:
    """A zone of the embedded Azure; `servers` are what the world is told instead of its own."""
    from sfcert.sim.front import Groups
    from sfcert.sim.worlds.build import operator_of, put

    def do(azure: Any) -> None:
        azure.service("groups", Groups).put(azure.subscription_id, group, {"location": "westeurope"})
        where = zone_id(azure, group, zone)
        put(azure, where, "2018-05-01", {"location": "global"}, operator_of(azure))
        if servers is not None:
            body = {"properties": {"TTL": 60, "NSRecords": [{"nsdname": servers}]}}
            put(azure, f"{where}/NS/@", "2018-05-01", body, operator_of(azure))

    site.running.call(do)


# -- the vault ---------------------------------------------------------------------------------------------------------


_ALL = ("get", "list", "set", "create", "update", "import", "delete", "recover", "backup", "restore", "purge")


class Rights:
    """The signed-in identity's rights in the vault, changed for one test."""

    def __init__(self, site: AcmeSite) -> None:
        self._site = site
        self._kept: list[Json] = []

    def take(self, kind: str, *names: str) -> None:
        """Take these rights of one kind (`certificates`, `secrets`) from everybody."""

        def do(azure: Any) -> list[Json]:
            properties = azure.find_service("vaults").resource(self._site.vault).body["properties"]
            kept = json.loads(json.dumps(properties["accessPolicies"]))
            for one in properties["accessPolicies"]:
                held = one["permissions"].get(kind) or []
                held = [right for name in held for right in (_ALL if name.lower() == "all" else (name,))]
                one["permissions"][kind] = [name for name in held if name.lower() not in names]
            return list(kept)

        found = self._site.running.call(do)
        self._kept = self._kept or found

    def give_back(self) -> None:
        def do(azure: Any) -> None:
            azure.find_service("vaults").resource(self._site.vault).body["properties"]["accessPolicies"] = self._kept

        if self._kept:
            self._site.running.call(do)


@pytest.fixture
def rights(site: AcmeSite) -> Iterator[Rights]:
    held = Rights(site)
    yield held
    held.give_back()


@pytest.mark.parametrize(
    ("kind", "right", "sentence"),
    [
        ("certificates", "get", "GET /certificates/"),
        ("certificates", "create", "/create"),
        ("secrets", "get", "the account's key"),
        ("secrets", "set", "the account's key"),
    ],
)
def test_a_vault_that_does_not_let_us_in_says_at_what(
    site: AcmeSite, pebble: Pebble, rights: Rights, kind: str, right: str, sentence: str
) -> None:
    rights.take(kind, right)
    failed = site.enrol(ca(pebble, by_http(pebble), account_key=f"account-{site.name}"))
    assert said(failed) == (1, "PermissionDenied")
    assert sentence in failed.err
    nothing_is_left(site)
    rights.give_back()
    done = site.enrol(ca(pebble, by_http(pebble), account_key=f"account-{site.name}"))
    assert done.code == 0, done.err


def test_a_vault_that_refuses_the_merge_keeps_its_request_and_the_next_run_merges(
    site: AcmeSite, small: SmallAcme, knot: Knot, rights: Rights
) -> None:
    asked = ca(small, by_update(knot, site.folder))
    small.on_finalize = lambda: rights.take("certificates", "create")
    failed = site.enrol(asked)
    assert said(failed) == (1, "PermissionDenied")
    assert "pending/merge" in failed.err
    assert site.versions() == 0
    small.on_finalize = lambda: None
    rights.give_back()
    done = site.enrol(asked)
    assert done.code == 0, done.err
    assert (site.versions(), site.has_pending(), texts(knot, site.host)) == (1, False, set())


def test_a_vault_that_does_not_let_us_cancel_hides_no_error_and_its_request_stays_ours(
    site: AcmeSite, small: SmallAcme, knot: Knot, rights: Rights
) -> None:
    asked = ca(small, by_update(knot, site.folder))
    small.chain = "leaf alone"
    small.on_finalize = lambda: rights.take("certificates", "update", "delete")
    failed = site.enrol(asked)
    assert said(failed) == (3, "AcmeChainUnusable")
    assert "could not be cancelled" in failed.err
    assert site.has_pending()
    small.chain, small.on_finalize = "good", lambda: None
    rights.give_back()
    done = site.enrol(asked)
    assert done.code == 0, done.err
    assert (site.versions(), site.has_pending(), len(small.orders)) == (1, False, 2)


def test_somebody_elses_operation_is_left_alone_before_the_ca_is_asked(
    site: AcmeSite, small: SmallAcme, knot: Knot, tmp_path: Path
) -> None:
    theirs = ("--vault", site.vault, "--state", str(tmp_path / "theirs"), "--subject", f"CN={site.host}")
    assert command("enrol", site.name, *theirs, "--issuer", "Unknown").code == 0
    asked = ca(small, by_update(knot, site.folder))
    failed = site.enrol(asked)
    assert said(failed) == (3, "PendingForeign")
    assert site.has_pending()
    assert small.asked == []
    assert site.enrol(asked, "--cancel-pending").code == 0
    assert not site.has_pending()


def test_a_soft_deleted_name_is_told_before_the_ca_is_asked(
    site: AcmeSite, pebble: Pebble, small: SmallAcme, knot: Knot
) -> None:
    assert site.enrol(ca(pebble, by_http(pebble))).code == 0
    site.running.call(lambda azure: delete_certificate(azure, site))
    failed = site.enrol(ca(small, by_update(knot, site.folder)))
    assert said(failed) == (1, "CertificateNotFound")
    assert "lies soft-deleted: recover it" in failed.err
    assert small.asked == []


def delete_certificate(azure: Any, site: AcmeSite) -> None:
    vaults = azure.find_service("vaults")
    vaults.deletions.delete(vaults.content(site.vault), site.name, 90)


def test_a_soft_deleted_account_key_is_told(site: AcmeSite, pebble: Pebble) -> None:
    asked = ca(pebble, by_http(pebble), account_key=f"account-{site.name}")
    assert site.enrol(asked).code == 0

    def delete(azure: Any) -> None:
        from sfcert.sim.keyvault.state import Deleted

        kept = azure.find_service("vaults").content(site.vault).secrets[f"account-{site.name}"]
        now = azure.clock.now
        kept.deleted = Deleted(at=now, purge_at=now + timedelta(days=90), event=None)

    site.running.call(delete)
    failed = site.enrol(asked, "--renew")
    code, _ = said(failed)
    assert code == 1
    assert "the account's key" in failed.err
    assert "recover" in failed.err
    assert (site.versions(), site.has_pending()) == (1, False)


def test_a_version_that_somebody_disabled_is_replaced_and_said(site: AcmeSite, pebble: Pebble) -> None:
    asked = ca(pebble, by_http(pebble))
    first = site.enrol(asked).json

    def disable(azure: Any) -> None:
        stored = azure.find_service("vaults").content(site.vault).certificate(site.name)
        stored.versions[-1] = dataclasses.replace(stored.versions[-1], enabled=False)

    site.running.call(disable)
    done = site.enrol(asked)
    assert done.code == 0, done.err
    assert done.json["thumbprint"] != first["thumbprint"]
    assert any("disabled" in one for one in done.json["notes"]), done.json["notes"]


# -- what was written down wrongly -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "token", "sentence"),
    [
        ({"kind": "rfc2136", "settings": {}}, "PolicyInvalid", "needs the setting server"),
        ({"kind": "rfc2136", "settings": {"server": "192.0.2.1", "key_name": "k"}}, "AcmeOptionsInvalid", "missing"),
        ({"kind": "rfc2136", "settings": {"server": "192.0.2.1", "key_secret_file": "no"}}, "FileUnreadable", "no"),
        ({"kind": "rfc2136", "settings": {"server": "300.1.1.1"}}, "AcmeOptionsInvalid", "no address"),
        ({"kind": "lexicon", "settings": {}}, "PolicyInvalid", "needs the setting provider"),
        ({"kind": "lexicon", "settings": {"provider": "nobody"}}, "AcmeOptionsInvalid", "has no provider"),
        (
            {"kind": "lexicon", "settings": {"provider": "cloudflare", "auth_token_env": "SFCERT_NOT_SET"}},
            "Misuse",
            "not in the environment",
        ),
        ({"kind": "http01", "settings": {"port": "eighty"}}, "PolicyInvalid", "a whole number"),
        ({"kind": "http01-webroot", "settings": {}}, "PolicyInvalid", "needs the setting root"),
        ({"kind": "http01", "dns_names": ["other.example.test"]}, "PolicyInvalid", "No solver of the policy"),
        ({"kind": "carrier-pigeon"}, "PolicyInvalid", "carrier-pigeon"),
    ],
)
def test_a_solver_that_cannot_be_used_is_told_before_anything_is_asked(
    site: AcmeSite, small: SmallAcme, solver: Json, token: str, sentence: str
) -> None:
    failed = site.enrol(ca(small, solver))
    assert said(failed) == (1, token), failed.err
    assert sentence in failed.err
    assert small.orders == []
    nothing_is_left(site)
