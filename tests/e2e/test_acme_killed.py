"""Killed at each effect of `sfcert enrol` by ACME and started again, whole, against Pebble, Knot and a vault.

One certificate, one request in the vault, no record left in the zone, one order: also where its address never arrived,
as Pebble lists an account's orders (a CA that does not gets a second one there: tests/adapters/acme/test_killed.py).
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim.host import Running
from tests.conftest import ROOT
from tests.e2e.acme_site import AcmeSite, by_update, ca, enter, running_azure, texts
from tests.e2e.mortal import Effects, Killed
from tests.e2e.site import Ended
from tests.servers.knot import Knot, running_knot
from tests.servers.pebble import Pebble, running_pebble

Json = dict[str, Any]
#: One whole enrolment, in order: each is a moment at which the process dies.
UNBROKEN = [
    "record",  # about to order
    "vault PUT secrets",  # the account's key
    "CA sign-me-up",
    "record",  # the account, and what is ordered
    "CA order-plz",
    "record",  # the order's address
    "record",  # what is about to stand in the zone
    "zone update",
    "CA chalZ",
    "zone update",  # gone again
    "record",  # that it is gone
    "record",  # about to ask the vault
    "vault POST certificates/create",
    "record",  # its request id
    "CA finalize-order",
    "CA certZ",
    "record",  # about to merge
    "vault POST certificates/pending/merge",
    "record",  # done
]


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Json]]:
    with running_azure(tmp_path_factory.mktemp("azure")) as running:
        yield running


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with running_knot(tmp_path_factory.mktemp("knot"), ("example.test",)) as running:
        yield running


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, knot: Knot) -> Iterator[Pebble]:
    with running_pebble(tmp_path_factory.mktemp("pebble"), dns=f"{knot.address}:{knot.port}") as running:
        yield running


class Life:
    """One certificate over several processes, with an account of its own."""

    def __init__(self, site: AcmeSite, pebble: Pebble, knot: Knot) -> None:
        self.site, self.knot = site, knot
        self.acme = ca(pebble, by_update(knot, site.folder), account_key=f"account-{site.name}")

    def run(self, at: int | None = None, *, is_after: bool = False) -> tuple[Ended | None, list[str]]:
        """What became of one process, and the effects that it began."""
        effects = Effects(at, is_after=is_after)
        with pytest.MonkeyPatch.context() as patch:
            effects.install(patch)
            try:
                return self.site.enrol(self.acme), effects.names
            except Killed:
                return None, effects.names

    def ends_well(self, where: str) -> None:
        site = self.site
        assert (site.versions(), site.has_pending()) == (1, False), where
        assert texts(self.knot, site.host) == set(), where


@pytest.mark.parametrize("is_after", [False, True], ids=["before it is sent", "after it was answered"])
def test_whenever_it_is_killed_the_next_run_ends_the_same(
    azure: tuple[Running, Json],
    knot: Knot,
    pebble: Pebble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_after: bool,
) -> None:
    enter(monkeypatch, azure[0])
    unbroken = Life(AcmeSite(*azure, tmp_path), pebble, knot)
    ended, effects = unbroken.run()
    assert ended is not None
    assert ended.code == 0, ended.err
    assert effects == UNBROKEN
    unbroken.ends_well("unbroken")
    for at, name in enumerate(UNBROKEN):
        where = f"{'after' if is_after else 'before'} {at} {name}"
        life = Life(AcmeSite(*azure, tmp_path), pebble, knot)
        died, first = life.run(at, is_after=is_after)
        assert died is None, where
        again, second = life.run()
        assert again is not None
        assert again.code == 0, f"{where}\n{again.err}"
        life.ends_well(where)
        # what was begun and never sent does not count
        sent = Counter(first if is_after else first[:-1]) + Counter(second)
        assert sent["CA order-plz"] == 1, where
        assert sent["vault POST certificates/create"] == 1, where
        assert sent["vault POST certificates/pending/merge"] == 1, where
        assert sent["vault PUT secrets"] == 1, where


@pytest.mark.parametrize("name", ["zone update", "vault POST certificates/create", "CA finalize-order"])
def test_killed_by_the_system_right_after(
    azure: tuple[Running, Json],
    knot: Knot,
    pebble: Pebble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """SIGKILL to a process of its own; what the exception above stands for."""
    enter(monkeypatch, azure[0])
    life = Life(AcmeSite(*azure, tmp_path), pebble, knot)
    site = life.site
    options = ["--vault", site.vault, "--state", str(site.state), "--policy", str(site.write_policy(life.acme))]
    command = [sys.executable, "-m", "tests.e2e.mortal", str(UNBROKEN.index(name)), "after", "enrol", site.name]
    died = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    if name == "zone update":
        assert len(texts(knot, site.host)) == 1
    again, effects = life.run()
    assert again is not None
    assert again.code == 0, again.err
    assert "CA order-plz" not in effects
    life.ends_well(name)
