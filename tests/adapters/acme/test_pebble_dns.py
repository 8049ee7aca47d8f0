"""Orders against Pebble by DNS-01, through a real authoritative server: where the record goes, who sees it, who else
writes there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from cryptography import x509

from sfcert.acme.solvers.dns01 import Dns01
from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
from sfcert.acme.solvers.lookup import Lookup
from sfcert.acme.solvers.solver import challenge_name, dns_validation
from sfcert.errors import RemoteError
from tests.adapters.acme.customer import CLOCK, Run
from tests.adapters.acme.solvers import dns, lookup, texts
from tests.fakes import FakeClock
from tests.servers.knot import KEY_NAME, KEY_SECRET, OTHER_SECRET, Knot
from tests.servers.pebble import ChallengeServer, Pebble
from tests.servers.ports import free_port
from tests.servers.requests import Pending


def test_wildcard_and_its_parent_share_one_record_set_which_is_gone_afterwards(knot: Knot, knot_pebble: Pebble) -> None:
    run = Run(knot_pebble)
    chain = run.obtain(["*.example.test", "example.test"], dns(knot))
    names = x509.load_der_x509_certificate(chain.der[0]).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert set(names.value.get_values_for_type(x509.DNSName)) == {"*.example.test", "example.test"}
    assert texts(knot, "_acme-challenge.example.test") == frozenset()


def test_a_cname_leads_the_challenge_to_another_name(knot: Knot, knot_pebble: Pebble) -> None:
    seen: list[frozenset[str] | None] = []

    class Watched(Dns01):
        def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
            super().settle(name, token, key_authorization)
            seen.append(texts(knot, "led.answers.example.test"))

    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
    Run(knot_pebble).obtain(["led.example.test"], Watched(writer, lookup(knot), CLOCK, patience_s=10))
    assert [len(one or ()) for one in seen] == [1]
    assert texts(knot, "led.answers.example.test") == frozenset()


def test_a_cname_leads_the_record_into_another_zone(knot: Knot) -> None:
    """Without a CA: Knot as Pebble's resolver follows CNAMEs inside one zone only."""
    solver = dns(knot)
    solver.present("far.example.test", "t", "t.x")
    solver.settle("far.example.test", "t", "t.x")
    assert texts(knot, "far.alias.test") == frozenset({dns_validation("t.x")})
    solver.cleanup("far.example.test", "t", "t.x")
    assert texts(knot, "far.alias.test") == frozenset()


def settled(knot: Knot, *others: str) -> FakeClock:
    """Write and wait with a patience of 30 s, where these servers are the zone's too. Returns the clock afterwards."""
    at, clock = f"{knot.address}:{knot.port}", FakeClock()
    seen = Lookup(resolvers=[at], authoritative=[at, *others], timeout_s=0.05)
    solver = Dns01(Rfc2136(at, key_name=KEY_NAME, key_secret=KEY_SECRET), seen, clock, patience_s=30)
    solver.present("two.example.test", "t", "t.x")
    try:
        solver.settle("two.example.test", "t", "t.x")
    finally:
        solver.cleanup("two.example.test", "t", "t.x")
    return clock


def test_a_server_that_does_not_serve_the_record_is_told(knot: Knot, challenge_server: ChallengeServer) -> None:
    with pytest.raises(RemoteError, match=rf"not served by {challenge_server.dns}\.") as caught:
        settled(knot, challenge_server.dns)
    assert caught.value.token == "DnsNotVisible"


def test_a_server_that_never_answers_is_waited_for_a_little_while(knot: Knot) -> None:
    assert 3 <= sum(settled(knot, f"127.0.0.1:{free_port()}").slept) < 15


def test_where_no_server_answers_the_record_counts_as_unseen(knot: Knot) -> None:
    deaf = f"127.0.0.1:{free_port()}"
    solver = Dns01(
        Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET),
        Lookup([f"{knot.address}:{knot.port}"], [deaf], timeout_s=0.05),
        FakeClock(),
        patience_s=30,
    )
    with pytest.raises(RemoteError, match=rf"not served by {deaf} \(no answer\)"):
        solver.settle("two.example.test", "t", "t.x")


def test_what_another_process_has_at_the_same_name_stays(knot: Knot, knot_pebble: Pebble) -> None:
    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
    at = challenge_name("shared.example.test")
    writer.add_text("example.test", at, "another's")
    Run(knot_pebble).obtain(["shared.example.test"], dns(knot))
    assert texts(knot, at) == {"another's"}
    writer.remove_text("example.test", at, "another's")
    writer.remove_text("example.test", at, "another's")
    assert texts(knot, at) == frozenset()


def test_two_machines_answer_for_one_name_at_the_same_moment(knot: Knot, knot_pebble: Pebble) -> None:
    """Each with an account and solver of its own, as a cluster's and a gateway's certificate may have."""
    both, seen = Barrier(2, timeout=20), []

    class Met(Dns01):
        def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
            both.wait()
            super().settle(name, token, key_authorization)
            seen.append(len(texts(knot, challenge_name(name)) or ()))
            both.wait()

    def obtain() -> int:
        writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
        return len(Run(knot_pebble).obtain(["*.both.example.test"], Met(writer, lookup(knot), CLOCK)).der)

    with ThreadPoolExecutor(2) as pool:
        found = [one.result() for one in [pool.submit(obtain) for _ in range(2)]]
    assert found == [2, 2]
    assert seen == [2, 2]
    assert texts(knot, challenge_name("both.example.test")) == frozenset()


def test_a_wrong_tsig_key_is_told_without_its_secret(knot: Knot, knot_pebble: Pebble) -> None:
    with pytest.raises(RemoteError, match="TSIG key") as caught:
        Run(knot_pebble).obtain(["www.example.test"], dns(knot, secret=OTHER_SECRET))
    assert caught.value.token == "DnsUpdateRefused"
    assert OTHER_SECRET not in str(caught.value)


def test_a_missing_zone_is_told_before_the_ca_is_asked_to_look(knot: Knot, knot_pebble: Pebble) -> None:
    csr = Pending(["www.nowhere.invalid"])
    with pytest.raises(RemoteError) as caught:
        Run(knot_pebble).obtain(["www.nowhere.invalid"], dns(knot), csr=csr)
    assert caught.value.token == "DnsZoneNotFound"
    assert csr.asked == 0


def test_cnames_in_a_circle_are_told(knot: Knot, knot_pebble: Pebble) -> None:
    with pytest.raises(RemoteError, match="go in a circle"):
        Run(knot_pebble).obtain(["ring.example.test"], dns(knot))
