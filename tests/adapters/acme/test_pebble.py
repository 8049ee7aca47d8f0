"""Orders against Pebble by HTTP-01: chains, accounts, refusals in the CA's own words.

DNS-01 is in `test_pebble_dns`, orders that are taken up in `test_pebble_taken_up`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sfcert.acme.account import deactivate_account, open_account
from sfcert.acme.issue import obtain_on
from sfcert.acme.keys import AccountKey
from sfcert.acme.session import AcmeSession
from sfcert.acme.solvers.http01_responder import Http01Responder
from sfcert.acme.solvers.http01_webroot import Http01Webroot
from sfcert.acme.values import AcmeOptions
from sfcert.errors import InputError, RefusedError, RemoteError
from tests.adapters.acme.customer import CLOCK, Run
from tests.adapters.acme.solvers import http
from tests.servers.knot import OTHER_SECRET
from tests.servers.pebble import EAB_KID, EAB_MAC, ChallengeServer, Pebble, running_pebble
from tests.servers.requests import Pending


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


def test_a_taken_port_is_told_with_the_way_out(pebble: Pebble) -> None:
    first, second = http(pebble), http(pebble)
    first.present("www.example.test", "t", "t.x")
    try:
        with pytest.raises(RemoteError, match="DNS-01, which needs no") as caught:
            Run(pebble).obtain(["www.example.test"], second)
    finally:
        first.cleanup("www.example.test", "t", "t.x")
    assert caught.value.token == "ChallengeNotServed"
