"""Where enrolment by ACME is tried whole: an embedded Azure for a module, and a CA that does what no Pebble does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfcert.sim.host import Running
from tests.e2e.acme_site import AcmeSite, Json, enter, running_azure
from tests.servers.small_acme import SmallAcme, running_small_acme


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Json]]:
    """One for all tests of a module: each works on a certificate of its own."""
    with running_azure(tmp_path_factory.mktemp("azure")) as running:
        yield running


@pytest.fixture
def site(azure: tuple[Running, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AcmeSite:
    enter(monkeypatch, azure[0])
    return AcmeSite(*azure, tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallAcme]:
    """For CAA refusals, broken chains, rate limits and expired orders."""
    with running_small_acme(tmp_path) as running:
        yield running
