"""What a plan that begins in pieces is spared: only what was broken before the stage, at that instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration
from sfcert.trust.broken_start import BrokenStart, apart_in, begins_ended
from sfcert.trust.invariants import Break, Judge, Outcome
from sfcert.trust.mending import ExpiredCounts, at_rest
from sfcert.trust.moves import (
    AddSecrets,
    DeclareClients,
    DeclareCluster,
    DeclareExtension,
    DeclareReverseProxy,
    Move,
    Nothing,
    Provision,
    RetireSecrets,
    Together,
)
from sfcert.trust.reach import Closure, Variant
from sfcert.trust.world import Store, World
from tests.unit.trust.small import NOW, RULES, authority, by_name, by_thumbprint, cert, group, holding, world

SET = "/subscriptions/s/resourceGroups/g/providers/p/virtualMachineScaleSets/nt0"
E, LIVES = cert("E", days=99, self_signed=True), cert("L", day=10)
JUST = cert("T", days=100, self_signed=True)
OTHER = cert("X", day=10, name="other.example.com")
IN_DATE = (NOW, NOW + timedelta(hours=1), NOW + timedelta(days=1))
CA = authority("I")


def start(declared: Declaration, *held: Certificate, known: Sequence[Certificate] | None = None) -> World:
    return world(declared, held if known is None else known, {"L": (CA,), "X": (CA,)}, held=held)


@pytest.mark.parametrize(
    ("begin", "ended"),
    [
        (start(by_thumbprint("E"), E), True),
        (start(by_thumbprint("T"), JUST), True),
        (start(by_thumbprint("L"), LIVES), False),
        (start(by_thumbprint("E", "T"), E, JUST), True),
        (start(by_thumbprint("E", "L"), E, LIVES), False),
        (start(by_thumbprint("E", "L"), E), False),
        (start(by_thumbprint("L"), known=()), False),
        (start(by_thumbprint("E"), E, LIVES), True),
        (start(by_name("I"), E), True),
        (start(by_name("I"), E, LIVES), False),
        (start(by_name("I"), E, OTHER), True),
        (start(by_name("I"), OTHER), False),
    ],
    ids=[
        "it ended yesterday",
        "it ends this very second",
        "it lives",
        "both ended",
        "one of two lives",
        "one of two was not seen",
        "nothing was seen",
        "one that lives is not declared",
        "by name, all of it ended",
        "by name, one lives",
        "by name, one of another name lives",
        "by name, nothing of that name was seen",
    ],
)
def test_a_plan_begins_ended_only_where_all_that_is_declared_was_seen_to_have_ended(begin: World, ended: bool) -> None:
    assert begins_ended(begin) is ended


def asked_of(before: World, *, ended: bool = True) -> BrokenStart:
    judge = Judge(RULES)
    judge.learn(before.certificates, before.issuers)
    return BrokenStart(judge, Closure(next_as_newest=False), before, begins_ended=ended)


UPDATES: list[Move] = [
    AddSecrets(stage_id="s", deadline_s=1, scale_set_id=SET, secrets=()),
    DeclareClients(stage_id="s", deadline_s=1, clients=()),
    DeclareCluster(stage_id="s", deadline_s=1, declaration=by_thumbprint("L")),
    DeclareExtension(stage_id="s", deadline_s=1, scale_set_id=SET, declaration=by_thumbprint("L")),
    DeclareReverseProxy(stage_id="s", deadline_s=1, declaration=by_thumbprint("L")),
    Provision(stage_id="s", deadline_s=1, scale_set_id=SET, observes=()),
    RetireSecrets(stage_id="s", deadline_s=1, scale_set_id=SET),
    ExpiredCounts(stage_id="s", deadline_s=1, counts=False),
    ExpiredCounts(stage_id="s", deadline_s=1, counts=False, declared=False),
]
IDLE = Nothing(stage_id="s", deadline_s=1)


@pytest.mark.parametrize("move", UPDATES, ids=lambda move: type(move).__name__)
def test_what_goes_through_the_cluster_needs_one_that_holds_until_its_deadline(move: Move) -> None:
    asked = asked_of(start(by_thumbprint("E"), E))
    assert asked.needs_to_hold_at(move, IN_DATE) == IN_DATE
    beside = Together(stage_id="s", deadline_s=1, moves=(IDLE, move))
    assert asked.needs_to_hold_at(beside, IN_DATE) == IN_DATE


def test_what_mends_needs_it_where_it_begins_and_what_people_do_needs_nothing() -> None:
    asked = asked_of(start(by_thumbprint("E"), E))
    mends = ExpiredCounts(stage_id="s", deadline_s=1, counts=True)
    assert asked.needs_to_hold_at(mends, IN_DATE) == IN_DATE[:1]
    assert asked.needs_to_hold_at(Together(stage_id="s", deadline_s=1, moves=(IDLE, mends)), IN_DATE) == IN_DATE[:1]
    by_hand = ExpiredCounts(stage_id="s", deadline_s=1, counts=True, declared=False)
    assert asked.needs_to_hold_at(by_hand, IN_DATE) == ()
    assert asked.needs_to_hold_at(IDLE, IN_DATE) == ()


def test_a_cluster_is_apart_only_where_no_node_is_left_that_others_accept() -> None:
    assert asked_of(start(by_thumbprint("E"), E)).is_apart_at(NOW)
    assert not asked_of(start(by_thumbprint("E"), E)).is_apart_at(NOW - timedelta(days=2))
    declared = by_thumbprint("E", "L")
    groups = (group("nt0", (E,), (), declared), group("nt1", (LIVES,), (), declared))
    mixed = world(declared, (E, LIVES), {"L": (CA,)}, groups=groups)
    assert not asked_of(mixed).is_apart_at(NOW)
    assert asked_of(mixed).is_apart_at(NOW + timedelta(days=400))


def test_what_is_not_known_is_not_broken() -> None:
    begin = start(by_name("I"), E)
    blind = msgspec.structs.replace(
        begin.groups[0], stores=(Store(holdings=(holding(E),), unknown=("https://kv/certificates/c",)),)
    )
    assert not asked_of(begin.with_group(blind)).is_apart_at(NOW)
    no_issuer = world(by_name("I"), (LIVES,), {}, held=(LIVES,))
    assert not asked_of(no_issuer).is_apart_at(NOW)


MANIFEST = at_rest(start(by_thumbprint("E"), E))


def broken(*held: Certificate, at: datetime = NOW, model: str | None = None, walked: bool = True) -> Break:
    store = Store(holdings=tuple(holding(one) for one in held))
    key = hash(tuple(one.thumbprint for one in held))
    variant = Variant(group="nt0", scale_set_id=SET, store=store, key=key, phrase="a node", weight=0, model=model)  # type: ignore[arg-type]  # one of a closed list of texts
    return Break(
        rank=(0,),
        invariant=1,
        at=at,
        variant=variant,
        runs=MANIFEST,
        judges=MANIFEST,
        presented=None,
        why="",
        walk=(MANIFEST, MANIFEST) if walked else None,
    )


def test_only_a_break_that_was_there_at_that_instant_is_spared_and_it_is_told() -> None:
    asked = asked_of(start(by_thumbprint("E", "L"), E, LIVES), ended=False)
    assert asked.note() is None
    there, lost, before = broken(E), broken(LIVES), broken(E, at=NOW - timedelta(days=2))
    assert asked.brought([there, lost, before]) == [lost, before]
    note = asked.note()
    assert note is not None
    assert "In 1 of the cases" in note


@pytest.mark.parametrize("ended", [True, False])
def test_a_machine_that_is_created_on_the_way_is_spared_only_where_the_plan_begins_after_the_end(ended: bool) -> None:
    asked = asked_of(start(by_thumbprint("E"), E), ended=ended)
    for model in ("before", "after"):
        found = [broken(E, model=model)]
        assert asked.brought(found) == ([] if ended else found)


def test_nodes_that_exist_are_what_a_cluster_at_rest_is_in_pieces_by() -> None:
    rest = Outcome()
    rest.breaks = [broken(E), broken(E, model="after"), broken(E, walked=False), broken(E, model="after", walked=False)]
    assert apart_in(rest) == rest.breaks[:1]
