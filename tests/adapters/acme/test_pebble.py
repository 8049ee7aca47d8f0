"""Orders against Pebble: HTTP-01 and DNS-01, resumed orders, refusals in the CA's own words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sfcert.acme.account import deactivate_account, open_account
from sfcert.acme.issue import obtain_on
from sfcert.acme.keys import AccountKey
from sfcert.acme.session import AcmeSession
from sfcert.acme.solvers.dns01 import Dns01
from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
from sfcert.acme.solvers.http01_responder import Http01Responder
from sfcert.acme.solvers.http01_webroot import Http01Webroot
from sfcert.acme.solvers.lookup import Lookup
from sfcert.acme.solvers.solver import challenge_name, dns_validation
from sfcert.acme.values import AcmeOptions
from sfcert.errors import InputError, RefusedError, RemoteError
from tests.adapters.acme.customer import CLOCK, Run
from tests.fakes import FakeClock
from tests.servers.knot import KEY_NAME, KEY_SECRET, OTHER_SECRET, Knot
from tests.servers.pebble import EAB_KID, EAB_MAC, ChallengeServer, Pebble, running_pebble
from tests.servers.ports import free_port
from tests.servers.requests import Pending


def http(pebble: Pebble) -> Http01Responder:
    return Http01Responder("127.0.0.1", pebble.http_port)


def lookup(knot: Knot) -> Lookup:
    at = f"{knot.address}:{knot.port}"
    return Lookup(resolvers=[at], authoritative=[at])


def dns(knot: Knot, *, secret: str = KEY_SECRET, key_name: str = KEY_NAME, patience_s: float = 10.0) -> Dns01:
    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=key_name, key_secret=secret)
    return Dns01(writer, lookup(knot), CLOCK, patience_s=patience_s)


def texts(knot: Knot, name: str) -> frozenset[str] | None:
    known = lookup(knot)
    return known.texts_at(known.servers_of("example.test")[0], name)


def test_http_challenge_gives_a_chain_for_the_request(pebble: Pebble) -> None:
    """Measured: Pebble 2.4.0 puts server and client authentication and the ordered names into a leaf."""
    run, csr = Run(pebble), Pending(["www.example.test", "sf.example.test"])
    chain = run.obtain(["www.example.test", "sf.example.test"], http(pebble), csr=csr)
    leaf = x509.load_der_x509_certificate(chain.der[0])
    assert leaf.public_key() == csr.key.public_key()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"www.example.test", "sf.example.test"}
    usages = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert usages == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert len(chain.der) == 2
    assert chain.ari_id is not None
    assert chain.window is None
    assert csr.asked == 1


def test_an_alternate_chain_is_chosen_by_its_issuer_and_the_other_is_kept(pebble: Pebble) -> None:
    first = Run(pebble).obtain(["www.example.test"], http(pebble))
    own = x509.load_der_x509_certificate(first.der[-1]).issuer.rfc4514_string().removeprefix("CN=")
    wanted = next(one for one in pebble.roots() if one != own)
    second = Run(pebble, preferred_chain=wanted).obtain(["www.example.test"], http(pebble))
    assert x509.load_der_x509_certificate(second.der[-1]).issuer.rfc4514_string() == f"CN={wanted}"
    assert len(second.alternates) == 1
    # what nobody asks for is not fetched
    assert Run(pebble, preferred_chain=own).obtain(["www.example.test"], http(pebble)).alternates == ()
    assert first.alternates == ()


def test_a_chain_that_the_ca_does_not_have_is_told_and_its_own_is_taken(pebble: Pebble) -> None:
    run = Run(pebble, preferred_chain="No Such Root")
    run.obtain(["www.example.test"], http(pebble))
    assert any("No Such Root" in one.message for one in run.events if one.kind == "note")


def test_webroot_leaves_nothing_behind(pebble: Pebble, tmp_path: Path) -> None:
    """A server that runs already: here a responder that reads the files which the solver writes."""
    root = tmp_path / "www"
    root.mkdir()
    solver, served = Http01Webroot(root), http(pebble)

    class Both:
        kind = solver.kind

        def __init__(self) -> None:
            self.present_files: list[Path] = []

        def present(self, name: str, token: str, key_authorization: str) -> None:
            solver.present(name, token, key_authorization)
            file = root / ".well-known" / "acme-challenge" / token
            self.present_files.append(file)
            served.present(name, token, file.read_text())

        def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
            solver.settle(name, token, key_authorization)

        def cleanup(self, name: str, token: str, key_authorization: str) -> None:
            served.cleanup(name, token, key_authorization)
            solver.cleanup(name, token, key_authorization)

    both = Both()
    Run(pebble).obtain(["www.example.test"], both)
    assert len(both.present_files) == 1
    assert list(root.iterdir()) == []


def test_wrong_answer_asks_for_no_request_and_names_the_way_out(
    pebble: Pebble, challenge_server: ChallengeServer
) -> None:
    class Wrong(Http01Responder):
        def present(self, name: str, token: str, key_authorization: str) -> None:
            super().present(name, token, "something else")

    csr = Pending(["www.example.test"])
    with pytest.raises(RemoteError, match=r"www\.example\.test by http-01.*port 80") as caught:
        Run(pebble).obtain(["www.example.test"], Wrong("127.0.0.1", pebble.http_port), csr=csr)
    assert caught.value.token == "AcmeChallengeFailed"
    assert csr.asked == 0


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


class Killed(BaseException):
    """The process is gone: no clean-up runs."""


def test_a_run_that_was_killed_after_its_record_was_written_makes_no_second_order(
    knot: Knot, knot_pebble: Pebble
) -> None:
    run, solver = Run(knot_pebble), dns(knot)

    class Dying(Dns01):
        def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
            raise Killed

        def cleanup(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
    with pytest.raises(Killed):
        run.obtain(["killed.example.test"], Dying(writer, lookup(knot), CLOCK))
    assert texts(knot, challenge_name("killed.example.test"))
    run.obtain(["killed.example.test"], solver, resume=run.order, placed=run.placed)
    assert len(run.orders) == 1
    assert texts(knot, challenge_name("killed.example.test")) == frozenset()


@pytest.mark.parametrize("server", ["pebble", "newer_pebble"])
def test_an_order_whose_address_never_arrived_is_found_among_the_accounts(
    server: str, request: pytest.FixtureRequest
) -> None:
    """What was kept before the order was asked for is all that the next run has; an older, signed one is not taken."""
    ca: Pebble = request.getfixturevalue(server)
    run = Run(ca)
    run.obtain(["lost.example.test"], http(ca))

    class Dying(Http01Responder):
        def present(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

        def cleanup(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

    with pytest.raises(Killed):
        run.obtain(["lost.example.test"], Dying())
    asked = next(one.order for one in reversed(run.events) if one.kind == "ordering")
    assert asked is not None
    assert asked.order_url == ""
    run.obtain(["lost.example.test"], http(ca), resume=asked)
    assert len(run.orders) == 2
    assert "whose address was not kept" in "".join(one.message for one in run.events)


def test_a_run_that_was_killed_before_its_request_finalizes_the_same_order(knot: Knot, knot_pebble: Pebble) -> None:
    run = Run(knot_pebble)

    class DyingRequest(Pending):
        def __call__(self) -> bytes:
            raise Killed

    class Leaving(Dns01):
        def cleanup(self, name: str, token: str, key_authorization: str) -> None:
            raise Killed

    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=KEY_NAME, key_secret=KEY_SECRET)
    with pytest.raises(Killed):
        run.obtain(["late.example.test"], Leaving(writer, lookup(knot), CLOCK), csr=DyingRequest(["late.example.test"]))
    run.obtain(["late.example.test"], dns(knot), resume=run.order)
    assert len(run.orders) == 1


def test_a_finished_order_gives_its_chain_again_for_the_same_request(pebble: Pebble) -> None:
    run, csr = Run(pebble), Pending(["www.example.test"])
    first = run.obtain(["www.example.test"], http(pebble), csr=csr)
    again = run.obtain(["www.example.test"], http(pebble), csr=csr, resume=run.order)
    assert again.der == first.der
    assert len(run.orders) == 1


def test_a_finished_order_for_a_request_that_is_gone_is_followed_by_a_new_one(pebble: Pebble) -> None:
    run = Run(pebble)
    first = run.obtain(["www.example.test"], http(pebble))
    again = run.obtain(["www.example.test"], http(pebble), resume=run.order)
    assert again.der[0] != first.der[0]
    assert len(run.orders) == 2


def test_a_kept_order_for_other_names_is_not_used(pebble: Pebble) -> None:
    run = Run(pebble)
    run.obtain(["www.example.test"], http(pebble))
    run.obtain(["other.example.test"], http(pebble), resume=run.order)
    assert len(run.orders) == 2


def test_many_certificates_share_a_session_and_a_responder(pebble: Pebble) -> None:
    run, solver = Run(pebble), http(pebble)
    names = [f"n{at}.example.test" for at in range(24)]
    with AcmeSession(run.options, run.key, CLOCK) as session, ThreadPoolExecutor(8) as pool:
        open_account(session, None)
        chains = list(
            pool.map(
                lambda name: obtain_on(session, [name], Pending([name]), lambda _: solver, emit=run.events.append),
                names,
            )
        )
    leaves = [x509.load_der_x509_certificate(one.der[0]) for one in chains]
    found = [one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value for one in leaves]
    assert [one.get_values_for_type(x509.DNSName) for one in found] == [[name] for name in names]
    assert all(7 <= one.calls <= 40 for one in chains)


def test_refused_nonces_and_slow_validation_are_borne(tmp_path: Path, challenge_server: ChallengeServer) -> None:
    """Pebble as it is by default waits up to 15 s before it validates; here it also refuses a third of all nonces."""
    with running_pebble(tmp_path, dns=challenge_server.dns, is_friendly=False, nonce_reject=33) as unkind:
        chain = Run(unkind).obtain(["www.example.test"], http(unkind))
    assert chain.calls > 10


def test_external_account_binding(tmp_path: Path, challenge_server: ChallengeServer) -> None:
    with running_pebble(tmp_path, dns=challenge_server.dns, has_external_accounts=True) as bound:
        with pytest.raises(InputError, match="only with external account binding"):
            Run(bound).obtain(["www.example.test"], http(bound))
        run = Run(bound, external_account_kid=EAB_KID)
        with pytest.raises(InputError, match="One of them is missing"):
            run.obtain(["www.example.test"], http(bound))
        with pytest.raises(RemoteError) as caught:
            run.obtain(["www.example.test"], http(bound), external_account_mac=OTHER_SECRET.replace("=", ""))
        assert caught.value.token == "AcmeAccountRefused"
        assert OTHER_SECRET.rstrip("=") not in str(caught.value)
        run.obtain(["www.example.test"], http(bound), external_account_mac=EAB_MAC)
        # bound once, the account is found by its key alone
        Run(bound, key=run.key).obtain(["www.example.test"], http(bound))


def test_a_deactivated_account_is_told_with_the_way_out(pebble: Pebble) -> None:
    run = Run(pebble)
    with AcmeSession(run.options, run.key, CLOCK) as session:
        open_account(session, None)
        deactivate_account(session)
    with pytest.raises(RemoteError, match="Name another `account_key`") as caught:
        run.obtain(["www.example.test"], http(pebble))
    assert caught.value.token == "AcmeAccountRefused"


def test_a_profile_is_refused_by_a_ca_that_has_none(pebble: Pebble) -> None:
    with pytest.raises(InputError, match="has no profiles"):
        Run(pebble, profile="tlsserver").obtain(["www.example.test"], http(pebble))


def test_a_wildcard_needs_dns(pebble: Pebble) -> None:
    with pytest.raises(RemoteError, match="A wildcard is shown by DNS-01 alone"):
        Run(pebble).obtain(["*.example.test"], http(pebble))


def test_a_request_for_other_names_is_stopped_before_the_ca_sees_it(pebble: Pebble) -> None:
    with pytest.raises(RefusedError, match=r"name different names \(extra\.example\.test\)"):
        Run(pebble).obtain(["www.example.test"], http(pebble), csr=Pending(["www.example.test", "extra.example.test"]))


def test_a_blocked_name_is_refused_in_the_cas_words(pebble: Pebble) -> None:
    with pytest.raises(RemoteError, match="refuses newOrder") as caught:
        Run(pebble).obtain(["blocked-domain.example"], http(pebble))
    assert caught.value.token == "AcmeOrderRefused"


def test_an_untrusted_ca_address_says_which_setting_helps(pebble: Pebble) -> None:
    options = AcmeOptions(directory_url=pebble.directory_url)
    with (
        pytest.raises(RemoteError, match="name the roots with a CA file"),
        AcmeSession(options, AccountKey.generate(), CLOCK) as one,
    ):
        _ = one.directory


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


def test_a_taken_port_is_told_with_the_way_out(pebble: Pebble) -> None:
    first, second = http(pebble), http(pebble)
    first.present("www.example.test", "t", "t.x")
    try:
        with pytest.raises(RemoteError, match="DNS-01, which needs no") as caught:
            Run(pebble).obtain(["www.example.test"], second)
    finally:
        first.cleanup("www.example.test", "t", "t.x")
    assert caught.value.token == "ChallengeNotServed"
