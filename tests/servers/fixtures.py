"""Real servers on loopback for the tests of ACME: Pebbles, their DNS server of made-up answers, and Knot.

Each is started once for a whole session of tests, when the first of them asks for it; tests use names of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.knot import Knot, running_knot
from tests.servers.pebble import ChallengeServer, Pebble, running_challenge_server, running_pebble

ZONES = ("example.test", "alias.test", "other.test")
RECORDS = (
    "example.test www A 127.0.0.1",
    "example.test _acme-challenge.led CNAME led.answers.example.test.",
    "example.test _acme-challenge.far CNAME far.alias.test.",
    "example.test _acme-challenge.ring CNAME ring.alias.test.",
    "alias.test ring CNAME _acme-challenge.ring.example.test.",
)


@pytest.fixture(scope="session")
def challenge_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChallengeServer]:
    """Names that resolve to loopback, for HTTP-01."""
    with running_challenge_server(tmp_path_factory.mktemp("challtestsrv")) as running:
        yield running


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory, challenge_server: ChallengeServer) -> Iterator[Pebble]:
    """A friendly CA that resolves through the challenge server: every name leads to loopback, TXT is not Knot's."""
    with running_pebble(tmp_path_factory.mktemp("pebble"), dns=challenge_server.dns) as running:
        yield running


@pytest.fixture(scope="session")
def newer_pebble(tmp_path_factory: pytest.TempPathFactory, challenge_server: ChallengeServer) -> Iterator[Pebble]:
    """A CA with renewal information and profiles, of a newer release; it grants server authentication alone."""
    with running_pebble(tmp_path_factory.mktemp("newer"), dns=challenge_server.dns, is_newer=True) as running:
        yield running


@pytest.fixture(scope="session")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    """An authoritative server whose zones take updates by TSIG."""
    with running_knot(tmp_path_factory.mktemp("knot"), ZONES, records=RECORDS) as running:
        yield running


@pytest.fixture(scope="session")
def knot_pebble(tmp_path_factory: pytest.TempPathFactory, knot: Knot) -> Iterator[Pebble]:
    """A friendly CA that resolves through Knot."""
    with running_pebble(tmp_path_factory.mktemp("pebble-knot"), dns=f"{knot.address}:{knot.port}") as running:
        yield running


@pytest.fixture(scope="session")
def unkind_pebble(tmp_path_factory: pytest.TempPathFactory, knot: Knot) -> Iterator[Pebble]:
    """It resolves through Knot, refuses some nonces and takes its time to validate, as Pebble has it by default."""
    folder = tmp_path_factory.mktemp("unkind")
    with running_pebble(folder, dns=f"{knot.address}:{knot.port}", is_friendly=False, sleep_s=1) as running:
        yield running
