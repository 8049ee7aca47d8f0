"""lexicon's own provider for dynamic updates against Knot, which has to be on port 53 for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfcert.acme.solvers.dns01 import Dns01
from sfcert.acme.solvers.dns01_lexicon import LexiconDns
from sfcert.acme.solvers.lookup import Lookup
from sfcert.acme.solvers.solver import dns_validation
from sfcert.azure.clock import WallClock
from sfcert.errors import RemoteError
from tests.servers.knot import KEY_NAME, KEY_SECRET, OTHER_SECRET, Knot, running_knot

#: Linux has all of 127/8 on loopback; this one is hardly anybody's.
ADDRESS = "127.0.53.17"


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    try:
        socket.create_server((ADDRESS, 53)).close()
    except OSError as error:
        pytest.skip(f"port 53 cannot be opened on {ADDRESS} ({error}), and lexicon's provider asks no other")
    folder: Path = tmp_path_factory.mktemp("knot53")
    with running_knot(folder, ["example.test"], address=ADDRESS, port=53) as running:
        yield running


def solver(secret: str) -> Dns01:
    settings = {"auth_token": f"hmac-sha256:{KEY_NAME}:{secret}", "ddns_server": ADDRESS}
    return Dns01(LexiconDns("ddns", settings), Lookup([ADDRESS], [ADDRESS]), WallClock(), patience_s=10)


def test_a_record_comes_and_goes_through_lexicon(knot: Knot) -> None:
    lookup, at = Lookup([ADDRESS], [ADDRESS]), "_acme-challenge.www.example.test"
    server = lookup.servers_of("example.test")[0]
    ours = solver(KEY_SECRET)
    for token in ("one", "two"):
        ours.present("www.example.test", token, f"{token}.x")
        ours.settle("www.example.test", token, f"{token}.x")
    assert lookup.texts_at(server, at) == {dns_validation("one.x"), dns_validation("two.x")}
    for token in ("one", "two"):
        ours.cleanup("www.example.test", token, f"{token}.x")
    assert lookup.texts_at(server, at) == frozenset()


def test_a_wrong_secret_is_told_without_it(knot: Knot) -> None:
    with pytest.raises(RemoteError) as caught:
        solver(OTHER_SECRET).present("www.example.test", "t", "t.x")
    assert caught.value.token == "DnsUpdateRefused"
    assert OTHER_SECRET not in str(caught.value)
