"""Real servers on loopback: Pebble as the CA, its DNS server of made-up answers, and Knot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    """A friendly CA that resolves through the challenge server."""
    with running_pebble(tmp_path_factory.mktemp("pebble"), dns=challenge_server.dns) as running:
        yield running


@pytest.fixture(scope="session")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    """An authoritative server whose zones take updates by TSIG."""
    with running_knot(tmp_path_factory.mktemp("knot"), ZONES, records=RECORDS) as running:
        yield running


@pytest.fixture(scope="session")
def knot_pebble(tmp_path_factory: pytest.TempPathFactory, knot: Knot) -> Iterator[Pebble]:
    """A CA that resolves through Knot, with refused nonces and waits before validation left as Pebble has them."""
    folder: Path = tmp_path_factory.mktemp("pebble-knot")
    with running_pebble(folder, dns=f"{knot.address}:{knot.port}") as running:
        yield running


@pytest.fixture(scope="session")
def newer_pebble(tmp_path_factory: pytest.TempPathFactory, challenge_server: ChallengeServer) -> Iterator[Pebble]:
    """A CA with renewal information and profiles, as Debian has it in a newer release."""
    with running_pebble(tmp_path_factory.mktemp("newer"), dns=challenge_server.dns, is_newer=True) as running:
        yield running
