"""Two readings of an end held against each other: what is proved of a recovery does not break on a twin, and what the
proof refutes has a reason that the simulator knows, too."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from sfcert.cli.rehearsal import rehearse
from sfcert.planning.inputs import Inputs
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds.specs import NodeType, Spec
from tests.lives import UNCHECKED, Planned, World, lived, made, mutated, planned

LIFE_DAYS = 199 - 20
RECOVER = Inputs(playbook="recover-expired")
PLAIN = Spec(
    "Self-signed, and nobody looks before a change.",
    (NodeType("nt0", 5, primary=True),),
    self_signed=True,
    cluster_settings=UNCHECKED,
)


def world_at(days: float, seed: int) -> World:
    """So many days before the end (after it, where negative), with a newer version in the vault."""
    world = made(PLAIN, seed)
    clock, authority = world.azure.clock, world.azure.find_service("authority")
    clock.advance(timedelta(days=LIFE_DAYS - days).total_seconds())
    now = clock.now.replace(microsecond=0)
    issued = authority.self_signed("old-cluster.local", [], not_before=now, not_after=now + timedelta(days=180))
    url, name = world.facts["vault_url"], world.facts["certificate_name"]
    world.azure.find_service("vaults").import_version(url, name, issued)
    return world


def recovery_of(world: World) -> Planned:
    found = planned(world.captured(), RECOVER)
    assert found.plan.status == "ready", found.plan.blocked_by
    assert found.plan.proof.verdict == "proved"
    return found


@pytest.mark.parametrize("days", [5, -2])
@pytest.mark.parametrize("faults", ["none", "usual"])
def test_what_is_proved_of_a_recovery_comes_through_on_a_twin(days: float, faults: str) -> None:
    """After the end the hands of people are the twin's."""
    found = recovery_of(world_at(days, 11))
    rehearsal = rehearse(found.plan, found.bundle, faults=faults, seed=11)  # type: ignore[arg-type]  # one of its words
    assert rehearsal.verdict == "held", rehearsal.runs


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("kind", ["drop", "swap", "merge"])
def test_a_recovery_with_something_wrong_is_not_proved_or_does_no_harm(kind: str, number: int) -> None:
    """An hour before the end: it falls into every life. Thumbprints are proved by phases alone (`thumbprint-walks`)."""
    world = world_at(0.05, number)
    found = recovery_of(world)
    wrong = mutated(found.deeds(), kind, random.Random(number), "", ())
    proof = found.proof_of(wrong, recovers=True)
    life = lived(world, wrong, number, staging="phases")
    assert proof.verdict != "proved" or not life.refused, (kind, [deed.move.stage_id for deed in wrong], life)


def test_without_the_setting_the_end_breaks_it_in_both_readings() -> None:
    world = world_at(0.05, 3)
    found = recovery_of(world)
    wrong = [
        deed for deed in found.deeds() if "setting" not in deed.move.stage_id and "accept" not in deed.move.stage_id
    ]
    assert found.proof_of(wrong, recovers=True).verdict == "refuted"
    assert lived(world, wrong, 3, staging="phases").refused
    cluster = world.azure.service("clusters", Clusters).get(world.cluster_id)
    assert cluster is not None
    assert cluster.down
