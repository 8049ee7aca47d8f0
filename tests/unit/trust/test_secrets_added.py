"""A certificate that comes by vm secret: who holds it when, and who may be told of it first."""

from __future__ import annotations

import pytest

from sfcert.model.observation import Declaration
from sfcert.trust import prove
from sfcert.trust.moves import AddSecrets, DeclareCluster, DeclareExtension, Move, RetireSecrets, UpdateInstances
from sfcert.trust.starting_world import world_of
from sfcert.trust.world import World
from tests import make

OLD, NEW = make.leaf("old"), make.leaf("new", not_before=make.NOW)
URL = make.secret_url(NEW)


def by_thumbprint(*issued: make.Issued) -> Declaration:
    return Declaration(
        kind="thumbprint",
        path="properties.certificate",
        thumbprints=tuple(one.thumbprint for one in issued),
        store="My",
    )


def rotation(*, reaches: bool = True) -> list[Move]:
    sets = make.scale_set_id()
    return [
        AddSecrets(
            stage_id="40",
            deadline_s=60,
            scale_set_id=sets,
            secrets=((URL, NEW.thumbprint),),
            reaches_nodes=reaches,
        ),
        DeclareExtension(stage_id="50", deadline_s=60, scale_set_id=sets, declaration=by_thumbprint(OLD, NEW)),
        DeclareCluster(stage_id="51", deadline_s=60, declaration=by_thumbprint(OLD, NEW)),
        DeclareCluster(stage_id="52", deadline_s=60, declaration=by_thumbprint(NEW)),
        DeclareExtension(stage_id="53", deadline_s=60, scale_set_id=sets, declaration=by_thumbprint(NEW)),
        RetireSecrets(stage_id="80", deadline_s=60, scale_set_id=sets, keeps=(URL,)),
    ]


@pytest.fixture
def world() -> World:
    knobs = make.world(current=OLD, goal=NEW, versions=(NEW, OLD))
    return world_of(make.observation(knobs), make.NOW)


def test_a_rotation_whose_nodes_hold_the_new_one_first_is_proved(world: World) -> None:
    assert prove(world, rotation(), slack_s=0).verdict == "proved"


def test_without_the_secret_the_declaration_breaks(world: World) -> None:
    proof = prove(world, rotation()[1:], slack_s=0)
    assert proof.verdict == "refuted"


def test_dropping_the_old_one_before_the_new_one_is_declared_is_refuted(world: World) -> None:
    moves = rotation()
    moves[2:4] = [moves[3]]
    moves[1], moves[2] = moves[2], moves[1]
    assert prove(world, moves[:2], slack_s=0).verdict == "refuted"


def test_a_model_that_no_machine_has_taken_yet_gives_nobody_the_certificate(world: World) -> None:
    moves = rotation(reaches=False)
    assert prove(world, moves, slack_s=0).verdict == "refuted"
    moves.insert(1, UpdateInstances(stage_id="45", deadline_s=60, scale_set_id=make.scale_set_id()))
    assert prove(world, moves, slack_s=0).verdict == "proved"


def test_a_secret_whose_bytes_nobody_saw_leaves_the_answer_open(world: World) -> None:
    move = AddSecrets(stage_id="40", deadline_s=60, scale_set_id=make.scale_set_id(), secrets=((URL, "AB" * 20),))
    proof = prove(world, [move], slack_s=0)
    assert proof.verdict == "unknown"
    assert any("ABAB" in one for one in proof.missing)
