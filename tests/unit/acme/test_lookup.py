"""What DNS answers on its bad days, and what is made of it: servers of a few lines that answer as they are told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import dns.flags
import dns.message
import dns.rcode
import pytest

from sfcert.acme.solvers.dns01 import Dns01
from sfcert.acme.solvers.lookup import Lookup, NameServer
from sfcert.errors import RemoteError
from tests.fakes import FakeClock

Answer = Callable[[dns.message.Message], None]


@contextmanager
def name_server(change: Answer, *, hangs_up: bool = False) -> Iterator[str]:
    """A name server whose answers are empty but for what `change` does; by TCP, it hangs up where that is wanted."""
    with ExitStack() as opened:
        udp = opened.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp = opened.enter_context(closing(socket.socket()))
        if hangs_up:
            tcp.bind(("127.0.0.1", port))
            tcp.listen()
        # so that the threads see the end
        udp.settimeout(0.05)
        tcp.settimeout(0.05)
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                try:
                    data, client = udp.recvfrom(4096)
                except TimeoutError:
                    continue
                answer = dns.message.make_response(dns.message.from_wire(data))
                change(answer)
                udp.sendto(answer.to_wire(), client)

        def hang_up() -> None:
            while not is_over.is_set():
                try:
                    connection, _ = tcp.accept()
                except TimeoutError:
                    continue
                connection.close()

        threads = [threading.Thread(target=serve), *([threading.Thread(target=hang_up)] if hangs_up else [])]
        for one in threads:
            one.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            is_over.set()
            for one in threads:
                one.join()


def failing(answer: dns.message.Message) -> None:
    answer.set_rcode(dns.rcode.SERVFAIL)


def refusing(answer: dns.message.Message) -> None:
    answer.set_rcode(dns.rcode.REFUSED)


def cut_short(answer: dns.message.Message) -> None:
    answer.flags |= dns.flags.TC


@pytest.mark.parametrize("question", [Lookup.follow, Lookup.zone_of])
def test_where_resolvers_fail_no_other_zone_is_taken(question: Callable[[Lookup, str], str]) -> None:
    """Broken DNSSEC: the zone above would be found, and the record written where nobody looks."""
    with name_server(failing) as server, pytest.raises(RemoteError, match=r"SERVFAIL.*DNSSEC") as caught:
        question(Lookup(resolvers=[server]), "_acme-challenge.www.example.test")
    assert (caught.value.token, caught.value.transient) == ("RemoteUnreachable", True)


def test_a_resolver_that_refuses_does_not_know_the_name() -> None:
    with name_server(refusing) as server:
        assert Lookup(resolvers=[server]).follow("_acme-challenge.example.test") == "_acme-challenge.example.test"
        with pytest.raises(RemoteError, match="No zone was found") as caught:
            Lookup(resolvers=[server]).zone_of("www.example.test")
    assert caught.value.token == "DnsZoneNotFound"


def test_a_server_that_cuts_short_and_hangs_up_gives_no_answer() -> None:
    with name_server(cut_short, hangs_up=True) as server:
        address, _, port = server.partition(":")
        assert Lookup(timeout_s=5).texts_at(NameServer(address, address, int(port)), "www.example.test") is None


@pytest.mark.parametrize("name", [".".join(["a" * 60] * 5), "a..test", "a" * 64 + ".test"])
def test_a_name_at_which_no_record_can_stand_is_told(name: str) -> None:
    with pytest.raises(RemoteError, match="No record can stand at") as caught:
        Lookup(resolvers=["127.0.0.1:1"]).follow(name)
    assert caught.value.token == "DnsZoneNotFound"


class Nowhere(Lookup):
    """A zone with one server, which has no text."""

    def follow(self, fqdn: str) -> str:
        return fqdn

    def servers_of(self, zone: str) -> list[NameServer]:
        return [NameServer("ns1.example.test", "192.0.2.1")]

    def texts_at(self, server: NameServer, fqdn: str) -> frozenset[str] | None:
        return frozenset()


class Writer:
    """A zone that is there."""

    def find_zone(self, fqdn: str, lookup: Lookup) -> str:
        return "example.test"

    def add_text(self, zone: str, fqdn: str, value: str) -> None:
        """It is taken, and never served."""

    def remove_text(self, zone: str, fqdn: str, value: str) -> None:
        """It is gone."""


class SetBack(FakeClock):
    """A clock that is set back by an hour whenever somebody waits."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._now -= timedelta(hours=1)
        assert len(self.slept) < 1000, "the wait has no end"


def test_a_record_that_never_shows_is_given_up_whatever_the_clock_does() -> None:
    clock = SetBack()
    with pytest.raises(RemoteError) as caught:
        Dns01(Writer(), Nowhere(), clock, patience_s=60).settle("www.example.test", "t", "t.x")
    assert caught.value.token == "DnsNotVisible"
    assert sum(clock.slept) == pytest.approx(60)
