"""What goes wrong at the CA: its door, the account, the order and the chain that it answers with.

Against Pebble where it does it when asked; expired orders, rate limits and broken chains come from a small server of
our own, because no Pebble does them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfcert.acme.account import deactivate_account, open_account
from sfcert.acme.session import AcmeSession
from sfcert.acme.values import AcmeOptions
from sfcert.azure.clock import WallClock
from tests.e2e.acme_site import AcmeSite, by_http, by_update, ca, nothing_is_left, said, texts
from tests.servers.knot import OTHER_SECRET, Knot
from tests.servers.pebble import EAB_KID, EAB_MAC, ChallengeServer, Pebble, running_pebble
from tests.servers.ports import free_port
from tests.servers.small_acme import SmallAcme, problem


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
    site: AcmeSite, challenge_server: ChallengeServer, tmp_path: Path
) -> None:
    (tmp_path / "wrong.mac").write_text(OTHER_SECRET.replace("=", ""))
    (tmp_path / "garbled.mac").write_text("not base64url!")
    (tmp_path / "right.mac").write_text(EAB_MAC + "\n")
    with running_pebble(tmp_path / "bound", dns=challenge_server.dns, has_external_accounts=True) as bound:
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
    site: AcmeSite, challenge_server: ChallengeServer, tmp_path: Path
) -> None:
    """Pebble keeps everything in memory: started again on its port, it is such a CA."""
    port, http_port = free_port(), free_port()
    with running_pebble(tmp_path / "before", dns=challenge_server.dns, port=port, http_port=http_port) as before:
        asked = ca(before, by_http(before), account_key="forgotten")
        assert site.enrol(asked).code == 0
    with running_pebble(tmp_path / "after", dns=challenge_server.dns, port=port, http_port=http_port) as after:
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
