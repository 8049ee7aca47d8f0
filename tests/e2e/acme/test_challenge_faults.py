"""What goes wrong between a challenge and the CA's look at it: token, exit code, one sentence, and nothing left."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.acme_site import AcmeSite, Json, by_http, by_update, ca, nothing_is_left, said
from tests.servers.knot import Knot
from tests.servers.pebble import ChallengeServer, Pebble
from tests.servers.serving import served
from tests.servers.small_acme import SmallAcme, problem


def test_another_server_answers_at_port_80(site: AcmeSite, pebble: Pebble, tmp_path: Path) -> None:
    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"welcome to the portal")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", pebble.http_port), Portal)
    (tmp_path / "web").mkdir()
    with served(server):
        failed = site.enrol(ca(pebble, {"kind": "http01-webroot", "settings": {"root": "web"}}))
    assert said(failed) == (1, "AcmeChallengeFailed")
    assert "Something else answers on port 80" in failed.err
    assert not [one for one in (tmp_path / "web").rglob("*") if one.is_file()]
    nothing_is_left(site)


def test_the_ca_asks_another_name_server_than_the_one_that_was_written(
    site: AcmeSite, pebble: Pebble, challenge_server: ChallengeServer, knot: Knot
) -> None:
    """A second delegation of the zone: Knot holds the record, the CA sees a stranger's."""
    challenge_server.set_txt(f"_acme-challenge.{site.host}.", "somebody else's")
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
