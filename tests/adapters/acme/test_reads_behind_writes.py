"""A zone whose reads lag behind its writes: what we wrote ourselves is taken away all the same, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfcert.acme.solvers.dns01_azure import AzureDns
from sfcert.acme.solvers.lookup import Lookup
from sfcert.cli import connect as connecting
from tests.enrolments.cases import quiet
from tests.enrolments.world import ZONE, World

AT = f"_acme-challenge.{ZONE}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(quiet("acme-dns"), tmp_path) as world:
        yield world


def writer(world: World) -> AzureDns:
    connection = connecting.connect()
    found = AzureDns(connection.credential, world.azure.subscription_id, is_delegation_checked=False)
    assert found.find_zone(AT, Lookup()) == ZONE
    return found


@pytest.mark.parametrize("fault", ["appears-late", "stale-read"])
def test_what_is_not_seen_yet_is_taken_away(world: World, fault: str) -> None:
    other, ours = writer(world), writer(world)
    if fault == "stale-read":
        other.add_text(ZONE, AT, "theirs")
    world.azure.faults.arm(fault, {"match": "/TXT/", "looks": 3})
    ours.add_text(ZONE, AT, "ours")
    assert "ours" in world.texts()
    ours.remove_text(ZONE, AT, "ours")
    assert world.azure.faults.struck[fault] >= 1
    assert world.texts() == (["theirs"] if fault == "stale-read" else [])


def test_what_somebody_else_wrote_meanwhile_stays(world: World) -> None:
    ours, other = writer(world), writer(world)
    ours.add_text(ZONE, AT, "ours")
    other.add_text(ZONE, AT, "theirs")
    ours.remove_text(ZONE, AT, "ours")
    assert world.texts() == ["theirs"]
    other.remove_text(ZONE, AT, "theirs")
    assert world.texts() == []


def test_what_somebody_else_took_away_meanwhile_is_written_again(world: World) -> None:
    ours, other = writer(world), writer(world)
    ours.add_text(ZONE, AT, "ours")
    other.remove_text(ZONE, AT, "ours")
    ours.add_text(ZONE, AT, "ours, too")
    assert world.texts() == ["ours, too"]
    ours.remove_text(ZONE, AT, "ours, too")
    assert world.texts() == []
