"""The solvers' own promises that need no server of a kind: files, ports, settings, lexicon's hosts."""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sfcert.acme.solvers.dns01 import is_inside, relative_to
from sfcert.acme.solvers.dns01_lexicon import LexiconDns
from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
from sfcert.acme.solvers.http01_responder import PREFIX, Http01Responder
from sfcert.acme.solvers.http01_webroot import Http01Webroot
from sfcert.acme.solvers.lookup import Lookup, find_server, read_server
from sfcert.acme.solvers.solver import challenge_name, dns_validation
from sfcert.errors import InputError, RemoteError
from tests.servers.ports import free_port


def test_the_record_of_a_wildcard_is_its_parents() -> None:
    assert (
        challenge_name("*.SF.example.test.") == challenge_name("sf.example.test") == "_acme-challenge.sf.example.test"
    )


def test_the_value_is_the_digest_of_the_key_authorization() -> None:
    """RFC 8555, section 8.4: base64url of a SHA-256 has 43 characters."""
    assert dns_validation("abc") == "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
        ("[2001:db8::1]", "2001:db8::1", 53),
    ],
)
def test_servers_are_read(text: str, address: str, port: int) -> None:
    found = read_server(text)
    assert (found.address, found.port) == (address, port)


@pytest.mark.parametrize("text", ["", "ns1.example.test", "192.0.2.1:x", "192.0.2.300"])
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no address of a name server"):
        read_server(text)


def test_a_server_may_be_named_where_updates_go() -> None:
    found = find_server("localhost:5353")
    assert (found.label, found.address in ("127.0.0.1", "::1"), found.port) == ("localhost", True, 5353)
    assert find_server("2001:db8::a") == read_server("2001:db8::a")
    with pytest.raises(RemoteError, match="has no address"):
        find_server("no-such-host.invalid")


def test_names_inside_a_zone() -> None:
    assert relative_to("_acme-challenge.a.Example.test.", "example.test") == "_acme-challenge.a"
    assert relative_to("example.test", "example.test.") == "@"
    assert is_inside("a.example.test", "example.test")
    assert not is_inside("a.badexample.test", "example.test")


def test_resolvers_that_do_not_answer_are_named() -> None:
    dead = f"127.0.0.1:{free_port()}"
    with pytest.raises(RemoteError, match=dead) as caught:
        Lookup(resolvers=[dead], timeout_s=0.05).zone_of("www.example.test")
    assert caught.value.token == "RemoteUnreachable"


def fetch(port: int, path: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return bytes(answer.read())


def test_the_responder_serves_its_answers_and_nothing_else_and_is_gone_with_the_last() -> None:
    port = free_port()
    solver = Http01Responder("127.0.0.1", port)
    solver.present("a.test", "one", "one.x")
    solver.present("b.test", "two", "two.x")
    assert fetch(port, f"{PREFIX}one") == b"one.x"
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(port, "/etc/passwd")
    caught.value.close()
    assert caught.value.code == 404
    solver.cleanup("a.test", "one", "one.x")
    assert fetch(port, f"{PREFIX}two") == b"two.x"
    solver.cleanup("b.test", "two", "two.x")
    with pytest.raises(urllib.error.URLError):
        fetch(port, f"{PREFIX}two")
    # the port is free again at once
    solver.present("a.test", "one", "one.x")
    solver.cleanup("a.test", "one", "one.x")


def test_the_responder_listens_on_both_families_where_no_address_is_given() -> None:
    port = free_port()
    solver = Http01Responder(port=port)
    solver.present("a.test", "one", "one.x")
    try:
        assert fetch(port, f"{PREFIX}one") == b"one.x"
        if socket.has_ipv6 and Path("/proc/net/if_inet6").is_file():
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://[::1]:{port}{PREFIX}one", timeout=5) as answer:
                assert answer.read() == b"one.x"
    finally:
        solver.cleanup("a.test", "one", "one.x")


@pytest.mark.parametrize("token", ["../../../etc/cron.d/x", "a/b", "", ".", "a b"])
def test_a_token_that_is_no_token_never_becomes_a_file(tmp_path: Path, token: str) -> None:
    with pytest.raises(RemoteError, match="not base64url"):
        Http01Webroot(tmp_path).present("a.test", token, "x")
    assert list(tmp_path.iterdir()) == []


def test_a_webroot_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match="is not a folder") as caught:
        Http01Webroot(tmp_path / "missing").present("a.test", "token", "x")
    assert caught.value.token == "ChallengeNotServed"


def test_a_webroot_keeps_what_others_have_put_there(tmp_path: Path) -> None:
    other = tmp_path / ".well-known" / "security.txt"
    other.parent.mkdir()
    other.write_text("x")
    solver = Http01Webroot(tmp_path)
    solver.present("a.test", "token", "token.x")
    solver.cleanup("a.test", "token", "token.x")
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["security.txt"]
    assert not (tmp_path / ".well-known" / "acme-challenge").exists()


def test_a_webroot_can_be_read_by_the_server_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        Http01Webroot(tmp_path).present("a.test", "token", "token.x")
    finally:
        os.umask(before)
    folder = tmp_path / ".well-known"
    modes = [one.stat().st_mode & 0o777 for one in (folder, folder / "acme-challenge", folder / "acme-challenge/token")]
    assert modes == [0o755, 0o755, 0o644]


def test_a_webroots_folder_is_not_taken_from_another_order(tmp_path: Path) -> None:
    solver = Http01Webroot(tmp_path)

    def come_and_go(token: str) -> None:
        for _ in range(300):
            solver.present("a.test", token, f"{token}.x")
            solver.cleanup("a.test", token, f"{token}.x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, ["one", "two", "three", "four"]))
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_none_is_told() -> None:
    with pytest.raises(RemoteError, match="cannot be served") as caught:
        Http01Responder("127.0.0.1", 99999).present("a.test", "one", "one.x")
    assert caught.value.token == "ChallengeNotServed"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"key_name": "k"}, "one of them is missing"),
        ({"key_name": "k", "key_secret": "AAAA", "key_algorithm": "hmac-md4"}, "TSIG knows no"),
        ({"key_name": "k", "key_secret": "not base64!"}, "is not base64"),
        ({"zone": "a..b"}, "is no zone's name"),
    ],
)
def test_half_a_tsig_key_is_refused_without_showing_it(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Rfc2136("127.0.0.1", **settings)
    assert "not base64!" not in str(caught.value)


def test_an_unknown_dns_host_is_told_with_those_that_are_there() -> None:
    with pytest.raises(InputError, match=r"cloudflare.*route53"):
        LexiconDns("nobody", {})


class Host:
    """A DNS host in memory behind lexicon's provider interface. It keeps texts in quotes, as several do."""

    records: list[str] = []  # noqa: RUF012 -- lexicon makes a provider for each call; the class is the host
    is_broken = False

    def __init__(self, config: Any) -> None:
        self.domain = config.resolve("lexicon:domain")
        self.token = config.resolve("lexicon:cloudflare:auth_token")

    def authenticate(self) -> None:
        assert self.domain == "example.test"
        if self.is_broken:
            raise ValueError(f"401 for {self.token}")

    def list_records(self, rtype: str, name: str) -> list[dict[str, str]]:
        return [{"type": rtype, "name": name, "content": one} for one in self.records]

    def create_record(self, rtype: str, name: str, content: str) -> bool:
        self.records.append(f'"{content}"')
        return True

    def delete_record(self, identifier: str | None, rtype: str, name: str, content: str) -> bool:
        self.records.remove(content)
        return True


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> LexiconDns:
    monkeypatch.setattr(Host, "records", ['"another"'])
    made = LexiconDns("cloudflare", {"auth_token": "made-up-token"}, zone="example.test")
    made._class = Host
    return made


def test_a_host_of_lexicon_has_a_text_once_and_keeps_others(writer: LexiconDns) -> None:
    at = ("example.test", "_acme-challenge.example.test")
    for _ in range(2):
        writer.add_text(*at, "a")
    assert Host.records == ['"another"', '"a"']
    for _ in range(2):
        writer.remove_text(*at, "a")
    assert Host.records == ['"another"']


def test_a_host_that_escapes_its_quotes_is_understood(writer: LexiconDns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "records", [r"\"a\"", '"another"'])
    at = ("example.test", "_acme-challenge.example.test")
    writer.add_text(*at, "a")
    assert len(Host.records) == 2
    writer.remove_text(*at, "a")
    assert Host.records == ['"another"']


def test_a_host_that_does_not_take_a_record_away_is_told(writer: LexiconDns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "delete_record", lambda *_: False)
    with pytest.raises(RemoteError, match="does not take the record") as caught:
        writer.remove_text("example.test", "_acme-challenge.example.test", "another")
    assert caught.value.token == "DnsUpdateRefused"


def test_a_hosts_own_error_never_shows_the_token(writer: LexiconDns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "is_broken", True)
    with pytest.raises(RemoteError, match="ValueError") as caught:
        writer.add_text("example.test", "x.example.test", "a")
    assert "made-up-token" not in str(caught.value) + repr(writer)
    assert caught.value.__cause__ is None
