"""What is proved where a certificate ends before it could be replaced, and what is never proved there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration
from sfcert.model.proof import Proof
from sfcert.trust.mending import ExpiredCounts, VersionBrought, on_nodes_alone
from sfcert.trust.moves import (
    AddSecrets,
    DeclareClients,
    DeclareCluster,
    DeclareExtension,
    DeclareReverseProxy,
    Move,
    Nothing,
    RetireSecrets,
    Together,
    UpdateInstances,
)
from sfcert.trust.prove import prove
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import World
from tests.unit.trust.small import DAY, NOW, URL, authority, by_name, by_thumbprint, cert, world

HOUR = 3600
I, J = authority("I"), authority("J")  # noqa: E741  # issuers
#: O ends in two days, E ended yesterday, A ended yesterday and came from an authority; N takes over.
O = cert("O", day=0, days=102, self_signed=True)  # noqa: E741  # the reference's own letter
E = cert("E", day=0, days=99, self_signed=True)
A = cert("A", day=0, days=99)
N = cert("N", day=99.5, self_signed=True)
ISSUERS = {"A": (I,), "N": (I,)}
SET = ExpiredCounts(stage_id="05-set", deadline_s=10 * HOUR, counts=True)
MEND = ExpiredCounts(stage_id="03-mend", deadline_s=DAY, counts=True, declared=False)
BACK = ExpiredCounts(stage_id="60-back", deadline_s=10 * HOUR, counts=False)


def start(old: Certificate, *more: Certificate, **changes: object) -> World:
    options: dict[str, object] = {"held": (old,), "versions": (*more, old)} | changes
    return world(by_thumbprint(old.serial), (old, *more), ISSUERS, **options)  # type: ignore[arg-type]  # by name


def rotation(begin: World, old: Certificate, new: Certificate = N, *, exchanges: bool = False) -> list[Move]:
    """Secret, scale set, cluster; and the old one away again."""
    group = begin.groups[0].scale_set_id
    added: Move = AddSecrets(
        stage_id="40-secret", deadline_s=HOUR, scale_set_id=group, secrets=(("secret-new", new.thumbprint),)
    )
    if exchanges:
        gone = RetireSecrets(stage_id="", deadline_s=0, scale_set_id=group, keeps=("secret-new",))
        added = Together(stage_id="40-secret", deadline_s=HOUR, moves=(added, gone))
    both = by_thumbprint(old.serial, new.serial)
    alone = by_thumbprint(new.serial)
    moves: list[Move] = [
        added,
        DeclareExtension(stage_id="50-nodes", deadline_s=HOUR, scale_set_id=group, declaration=both),
        DeclareCluster(stage_id="50-cluster", deadline_s=DAY, declaration=both),
        DeclareCluster(stage_id="50-drop", deadline_s=DAY, declaration=alone),
        DeclareExtension(stage_id="50-drop-nodes", deadline_s=HOUR, scale_set_id=group, declaration=alone),
    ]
    return moves


def judged(begin: World, moves: Sequence[Move], *, recovers: bool = True, **options: object) -> Proof:
    return prove(begin, moves, slack_s=7 * DAY, recovers=recovers, **options)  # type: ignore[arg-type]  # by name


def told(proof: Proof) -> str:
    assert proof.counterexample is not None, proof
    return f"{proof.counterexample.stage}: {proof.counterexample.sentence}"


# -- before the end ----------------------------------------------------------------------------------------------------


def test_with_the_setting_first_a_rotation_may_run_past_the_end() -> None:
    begin = start(O, N)
    moves = [SET, *rotation(begin, O), BACK]
    proof = judged(begin, moves)
    assert proof.verdict == "proved", proof.counterexample
    cluster = next(one for one in proof.stages if one.stage == "50-cluster")
    assert any("AcceptExpired" in line or "expired thumbprint" in line for line in cluster.acceptance)
    assert "(expired counts)" in cluster.before[0].runs


def test_without_the_setting_the_same_rotation_loses_its_nodes_at_the_end() -> None:
    begin = start(O, N)
    assert judged(begin, rotation(begin, O), recovers=False).verdict == "refuted"
    assert told(judged(begin, rotation(begin, O))).startswith("40-secret: ")


def test_setting_it_needs_the_reading_of_a_recovery_where_the_certificate_may_end_in_the_middle_of_the_walk() -> None:
    begin = start(O, N)
    moves = [SET, *rotation(begin, O), BACK]
    plain = judged(begin, moves, recovers=False)
    assert told(plain).startswith("05-set: ")
    spared = next(one for one in judged(begin, moves).stages if one.stage == "05-set")
    assert any("would do so without this stage" in note for note in spared.notes)


def test_taken_back_while_the_old_one_is_all_that_nodes_hold_it_is_refuted() -> None:
    begin = start(O)
    assert told(judged(begin, [SET, BACK])).startswith("60-back: ")


def test_taken_back_before_the_rotation_it_is_refuted() -> None:
    begin = start(O, N)
    assert judged(begin, [SET, BACK, *rotation(begin, O)]).verdict == "refuted"


def test_a_rotation_in_the_wrong_order_is_refuted_with_the_setting_on_as_without() -> None:
    """The setting excuses an end, not a certificate that nobody knows."""
    begin = start(O, N)
    drops = DeclareCluster(stage_id="50-drop", deadline_s=DAY, declaration=by_thumbprint("N"))
    assert told(judged(begin, [SET, drops, BACK])).startswith("50-drop: ")


def test_a_machine_that_is_created_before_the_end_is_held_to_everything_also_in_a_recovery() -> None:
    """What may be spared where the plan begins after the end is not spared where it begins before it."""
    begin = start(O, N)
    sets = begin.groups[0].scale_set_id
    gone = RetireSecrets(stage_id="40-gone", deadline_s=HOUR, scale_set_id=sets)
    back = AddSecrets(stage_id="45-back", deadline_s=HOUR, scale_set_id=sets, secrets=(("secret-O", O.thumbprint),))
    assert told(judged(begin, [SET, gone, back])).startswith("40-gone: ")


# -- after the end -----------------------------------------------------------------------------------------------------


def test_out_of_reach_nodes_first_then_the_definition_then_the_rotation() -> None:
    begin = start(E, N)
    proof = judged(begin, [MEND, SET, *rotation(begin, E, exchanges=True), BACK])
    assert proof.verdict == "proved", proof.counterexample


@pytest.mark.parametrize("first", ["another change", "the setting"])
def test_what_is_set_on_nodes_alone_is_lost_with_the_next_upgrade(first: str) -> None:
    """The vendor: in the definition before any other change."""
    begin = start(E, N)
    moves = rotation(begin, E, exchanges=True)
    order = [MEND, SET, *moves] if first == "the setting" else [MEND, *moves[:3], SET, *moves[3:]]
    proof = judged(begin, [*order, BACK])
    if first == "the setting":
        assert proof.verdict == "proved"
    else:
        assert told(proof).startswith("50-cluster: ")


@pytest.mark.parametrize(
    "change",
    [
        DeclareClients(stage_id="20-other", deadline_s=HOUR, clients=()),
        DeclareReverseProxy(stage_id="20-other", deadline_s=HOUR, declaration=by_thumbprint("N")),
    ],
    ids=["of clients", "of the reverse proxy"],
)
def test_an_upgrade_of_another_role_takes_away_what_is_set_on_nodes_alone_too(change: Move) -> None:
    begin = start(E, N)
    rotates = rotation(begin, E, exchanges=True)
    assert judged(begin, [MEND, SET, *rotates, change, BACK]).verdict == "proved"
    assert told(judged(begin, [MEND, change, SET, *rotates, BACK])).startswith("20-other: ")


def test_no_update_is_begun_through_a_cluster_that_has_fallen_apart() -> None:
    begin = start(E, N)
    moves = rotation(begin, E, exchanges=True)
    assert told(judged(begin, [SET, *moves, BACK])).startswith("05-set: ")
    assert told(judged(begin, moves)).startswith("40-secret: ")


def test_what_people_have_set_on_the_nodes_before_is_concluded_and_said() -> None:
    begin = on_nodes_alone(start(E, N))
    proof = judged(begin, [SET, *rotation(begin, E, exchanges=True), BACK])
    assert proof.verdict == "proved", proof.counterexample
    assert any("set on them by people" in one for one in proof.assumptions)
    assert told(judged(begin, rotation(begin, E, exchanges=True))).startswith("50-cluster: ")


def test_an_end_state_that_does_not_hold_is_refuted_even_if_it_was_so_before() -> None:
    begin = start(E)
    idle = Nothing(stage_id="99-watch", deadline_s=HOUR)
    assert told(judged(begin, [idle])).startswith("99-watch: ")


def test_the_setting_buys_time_while_nothing_newer_is_there() -> None:
    assert judged(start(E), [MEND, SET]).verdict == "proved"
    assert judged(start(O), [SET]).verdict == "proved"


@pytest.mark.parametrize(("old", "os"), [(A, "Windows"), (E, "Linux")])
def test_the_setting_mends_nothing_that_an_authority_issued_and_nothing_on_linux(old: Certificate, os: str) -> None:
    """Nothing is lost by such a plan, but no update arrives through a cluster that has fallen apart."""
    begin = start(old, N, os=os)
    if os == "Linux":
        # what the rules say there: the setting has no effect, whoever sets it
        moves: list[Move] = [Nothing(stage_id="05-set", deadline_s=HOUR), *rotation(begin, old, exchanges=True)]
    else:
        moves = [MEND, SET, *rotation(begin, old, exchanges=True), BACK]
    first = "40-secret: " if os == "Linux" else "05-set: "
    assert told(judged(begin, moves)).startswith(first)


def test_a_start_with_the_setting_on_is_held_to_everything() -> None:
    begin = start(E, N, rules=RuntimeRules(accepts_expired_pinned=True))
    assert judged(begin, rotation(begin, E, exchanges=True)).verdict == "proved"
    assert told(judged(begin, [BACK, *rotation(begin, E, exchanges=True)])).startswith("60-back: ")


def test_what_is_not_known_passes_in_no_recovery() -> None:
    begin = msgspec.structs.replace(start(E, N), missing=("the instances of nt0",))
    proof = judged(begin, [MEND, SET, *rotation(begin, E, exchanges=True), BACK])
    assert proof.verdict == "unknown"
    assert "the instances of nt0" in proof.missing


# -- by name -----------------------------------------------------------------------------------------------------------

C = cert("C", day=0, days=99)
D = cert("D", day=99.5)
S = cert("S", day=99.5)


def named(*versions: Certificate, renews: bool = False, declared: Declaration | None = None) -> World:
    issuers = {"C": (I,), "D": (I,), "S": (J,)}
    return world(
        declared or by_name("I"),
        (C, D, S),
        issuers,
        held=(C,),
        versions=versions,
        delivers=True,
        secrets=(),
        renews=renews,
    )


def awaited(begin: World, *, is_there: bool) -> list[Move]:
    bring = VersionBrought(stage_id="01-renew", deadline_s=DAY, certificate_urls=(URL,))
    stays = VersionBrought(stage_id="", deadline_s=0, certificate_urls=(URL,), is_there=True)
    arrives = Together(
        stage_id="02-await",
        deadline_s=DAY,
        moves=(stays, UpdateInstances(stage_id="", deadline_s=0, scale_set_id=begin.groups[0].scale_set_id)),
    )
    return [arrives] if is_there else [bring, arrives]


@pytest.mark.parametrize("renews", [True, False])
def test_by_name_a_version_that_people_bring_reaches_the_nodes_and_holds(renews: bool) -> None:
    begin = named(C, renews=renews)
    proof = judged(begin, awaited(begin, is_there=False))
    assert proof.verdict == "proved", (proof.counterexample, proof.missing)


def test_by_name_a_version_that_is_there_is_waited_for() -> None:
    begin = named(D, C)
    assert judged(begin, awaited(begin, is_there=True)).verdict == "proved"


def test_by_name_a_version_from_an_issuer_that_is_not_pinned_mends_nothing() -> None:
    begin = named(S, C)
    assert told(judged(begin, awaited(begin, is_there=True))).startswith("02-await: ")


def test_by_name_nothing_holds_where_no_extension_delivers() -> None:
    begin = named(D, C)
    bare = msgspec.structs.replace(
        begin, groups=tuple(msgspec.structs.replace(one, deliveries=()) for one in begin.groups)
    )
    assert judged(bare, awaited(bare, is_there=True)).verdict == "refuted"


def test_an_instant_before_the_end_counts_as_alive() -> None:
    """A pair that holds until the end may not be lost to a recovery that begins too early."""
    begin = msgspec.structs.replace(start(O, N), now=NOW + timedelta(days=1))
    drops = DeclareCluster(stage_id="50-drop", deadline_s=DAY, declaration=by_thumbprint("N"))
    assert judged(begin, [drops]).verdict == "refuted"
