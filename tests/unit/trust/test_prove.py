"""What is proved, what is refuted and by which smallest state: names, issuers, order and time."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from sfcert.trust.mending import ExpiredCounts
from sfcert.trust.moves import DeclareCluster, DeclareExtension, FreezeRenewal, Move, Nothing, RetireSecrets, Together
from sfcert.trust.prove import assumptions, safe_to_stop_until
from sfcert.trust.rules import RuntimeRules
from tests.unit.trust.proving import AHEAD, HEALTHY, ISSUERS, NEWER, G, I, O, judge, start, told
from tests.unit.trust.small import DAY, NAME, NOW, authority, by_name, by_thumbprint, cert, migration, world


def test_the_usual_migration_is_proved_and_says_what_was_looked_at() -> None:
    proof = judge(HEALTHY, migration(HEALTHY, by_name("I")))
    assert proof.verdict == "proved"
    assert proof.counterexample is None
    assert proof.states > 0
    assert proof.pairs >= proof.states
    cluster = next(stage for stage in proof.stages if stage.stage == "60-cluster")
    assert cluster.readings == {"phases": "proved", "single-walk": "proved"}
    assert any("accepted" in line for line in cluster.acceptance)
    assert cluster.before[0].name == "nt0 (5 nodes)"
    assert cluster.after[0].presents.startswith(G.thumbprint[:8])


def test_a_vault_that_is_ahead_goes_by_thumbprint_first() -> None:
    upgrades = [by_thumbprint("O", "G"), by_thumbprint("G")]
    proof = judge(AHEAD, migration(AHEAD, by_name("I"), upgrades=upgrades))
    assert proof.verdict == "proved"
    added = next(stage for stage in proof.stages if stage.stage == "50-cluster")
    assert added.readings["single-walk"] == "refuted"
    assert added.notes


def test_a_vault_that_is_ahead_cannot_go_straight() -> None:
    proof = judge(AHEAD, migration(AHEAD, by_name("I")))
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.stage == "60-cluster"
    assert "while upgrade domain 0 already runs" in told(proof)
    assert "a node of nt0" in told(proof)
    assert len(proof.counterexample.states) == 2


def test_the_phases_alone_would_let_it_go_straight_which_is_why_both_readings_are_asked() -> None:
    begin = msgspec.structs.replace(AHEAD, issuers={G.thumbprint: (I,), O.thumbprint: (I,)})
    plan = migration(begin, by_name("I"))
    assert judge(begin, plan, readings=("phases",)).verdict == "proved"
    proof = judge(begin, plan)
    assert proof.verdict == "refuted"
    assert "none of the declared thumbprints" in told(proof)


def test_a_newer_other_certificate_in_the_store_wins_by_name_and_is_refused() -> None:
    begin = start(by_thumbprint("G"), (G, NEWER), versions=(G,))
    proof = judge(begin, migration(begin, by_name("I")))
    assert proof.verdict == "refuted"
    assert NEWER.thumbprint[:8] in told(proof)
    phased = judge(begin, migration(begin, by_name("I")), readings=("phases",))
    assert "is not pinned" in told(phased)


def test_pinning_both_issuers_mends_it_under_phases_but_not_in_a_single_walk() -> None:
    begin = start(by_thumbprint("G"), (G, NEWER), versions=(G,))
    plan = migration(begin, by_name("I", "J"))
    assert judge(begin, plan).verdict == "refuted"
    assert judge(begin, plan, readings=("phases",)).verdict == "proved"


def test_a_vault_that_renews_midway_is_the_classic_killer() -> None:
    begin = start(by_thumbprint("G"), (G,), versions=(G,), renews=True)
    plan = migration(begin, by_name("I"))
    assert judge(begin, plan).verdict == "proved"
    thawed = [one for one in plan if not isinstance(one, FreezeRenewal)]
    proof = judge(begin, thawed)
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.stage == "60-cluster"
    assert "the vault issues next" in told(proof)


def test_renewal_given_back_too_early_is_refuted() -> None:
    begin = start(by_thumbprint("G"), (G,), versions=(G,), renews=True)
    plan = migration(begin, by_name("I"))
    resume = plan.pop()
    plan.insert(2, resume)
    proof = judge(begin, plan)
    assert proof.verdict == "refuted"


def test_a_next_issuer_that_is_not_pinned_turns_on_its_assumption() -> None:
    begin = start(by_thumbprint("G"), (G,), renews=True)  # the version before came from J
    plan = migration(begin, by_name("I"))
    proof = judge(begin, plan)
    assert proof.verdict == "unknown"
    assert any(fact.startswith("--accept issuer-next-time:") for fact in proof.missing)
    assert [stage.stage for stage in proof.stages if stage.verdict != "proved"] == ["90-resume"]
    assert judge(begin, plan, accepted=("issuer-next-time",)).verdict == "proved"
    assert [one.id for one in assumptions(begin, plan, slack_s=DAY) if one.turns] == ["issuer-next-time"]
    assert judge(begin, migration(begin, by_name("I", "J"))).verdict == "proved"


def test_two_equal_begins_leave_the_choice_open_and_are_refuted_where_one_is_refused() -> None:
    tie = cert("O", day=50)
    begin = start(by_thumbprint("G"), (G, tie), versions=(G,))
    begin = msgspec.structs.replace(begin, certificates={**begin.certificates, tie.thumbprint: tie})
    assert judge(begin, migration(begin, by_name("I"))).verdict == "refuted"


def test_the_case_of_the_declared_name_matters_to_presentation() -> None:
    goal = by_name("I", name=NAME.upper())
    proof = judge(HEALTHY, migration(HEALTHY, goal))
    assert proof.verdict == "refuted"
    assert "can load nothing to present" in told(proof)


def test_a_twin_of_the_issuer_must_be_pinned_too() -> None:
    twin = authority("T")
    begin = msgspec.structs.replace(HEALTHY, issuers={**HEALTHY.issuers, G.thumbprint: (I, twin)})
    assert judge(begin, migration(begin, by_name("I"))).verdict == "unknown"
    assert judge(begin, migration(begin, by_name("I", "T"))).verdict == "proved"


def test_time_running_out_before_the_deadline_is_an_invariant_of_its_own() -> None:
    short = cert("G", day=50, days=51)
    begin = msgspec.structs.replace(
        start(by_thumbprint("G"), (short,)), certificates={short.thumbprint: short, O.thumbprint: O}
    )
    proof = judge(begin, migration(begin, by_name("I")))
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 5
    assert f"{short.not_after_utc:%Y-%m-%d}" in told(proof)


def test_an_issuer_that_expires_on_the_way_counts_as_time_too() -> None:
    ending = msgspec.structs.replace(I, not_after_utc=NOW + timedelta(days=1))
    begin = msgspec.structs.replace(HEALTHY, issuers={G.thumbprint: (ending,)})
    proof = judge(begin, migration(begin, by_name("I")))
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 5


def test_a_stage_that_is_marked_safe_for_too_long_is_refuted() -> None:
    until = safe_to_stop_until(HEALTHY, [Nothing(stage_id="wait", deadline_s=60)])[0]
    assert until == G.not_after_utc
    fine = Nothing(stage_id="wait", deadline_s=60, safe_to_stop_until_utc=until - timedelta(seconds=1))
    assert judge(HEALTHY, [fine]).verdict == "proved"
    late = Nothing(stage_id="wait", deadline_s=60, safe_to_stop_until_utc=until)
    proof = judge(HEALTHY, [late])
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 6
    assert told(proof).startswith("After wait")


def test_where_one_may_not_stop_there_is_no_date() -> None:
    sets = HEALTHY.groups[0].scale_set_id
    retired = RetireSecrets(stage_id="80", deadline_s=60, scale_set_id=sets)
    assert safe_to_stop_until(HEALTHY, [retired]) == (None,)


def test_the_provider_refuses_a_node_extension_that_offers_what_its_record_does_not_know() -> None:
    begin = start(by_thumbprint("O"), (O, G))
    sets = begin.groups[0].scale_set_id
    moves: list[Move] = [
        DeclareExtension(stage_id="70", deadline_s=60, scale_set_id=sets, declaration=by_thumbprint("G"))
    ]
    proof = judge(begin, moves)
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 2
    assert "resource provider" in told(proof)


@pytest.mark.parametrize(("begins", "verdict"), [(10, "refuted"), (50, "proved")])
def test_beside_an_old_runtime_the_extension_may_choose_by_either_order(begins: float, verdict: str) -> None:
    """Nodes go by the end, and so present G; the extension may go by the beginning already."""
    goal, other = cert("G", day=begins, days=300), cert("N", day=40, days=100)
    old = RuntimeRules(selects_newest=False)
    begin = world(by_name("I"), (goal, other), ISSUERS, held=(goal, other), rules=old)
    proof = judge(begin, [Nothing(stage_id="wait", deadline_s=60)])
    assert proof.verdict == verdict
    if proof.counterexample is not None:
        assert proof.counterexample.invariant == 2


@pytest.mark.parametrize("cluster_first", [True, False])
def test_cluster_and_node_extensions_may_go_in_either_order_while_the_goal_is_alone(cluster_first: bool) -> None:
    plan = migration(HEALTHY, by_name("I"))
    at = next(at for at, one in enumerate(plan) if isinstance(one, DeclareCluster))
    if not cluster_first:
        plan[at], plan[at + 1] = plan[at + 1], plan[at]
    assert judge(HEALTHY, plan).verdict == "proved"


def test_one_deployment_for_all_is_every_stage_at_once() -> None:
    begin = start(by_thumbprint("G"), (G,), versions=(G,), renews=True)
    plan = migration(begin, by_name("I"))
    together = Together(stage_id="all", deadline_s=DAY, moves=tuple(plan[1:-1]))
    assert judge(begin, [plan[0], together]).verdict == "proved"
    proof = judge(begin, [together])
    assert proof.verdict == "refuted"
    assert "once the vault has issued its next version" in told(proof)


def test_a_change_of_pins_walks_once_and_must_hold_in_both_lists() -> None:
    begin = start(by_name("I"), (G,), versions=(G,), delivers=True, secrets=())
    fine = DeclareCluster(stage_id="60", deadline_s=DAY, declaration=by_name("I", "J"))
    assert judge(begin, [fine]).verdict == "proved"
    gone = DeclareCluster(stage_id="60", deadline_s=DAY, declaration=by_name("J"))
    assert judge(begin, [gone]).verdict == "refuted"


def test_equal_inputs_give_equal_proofs() -> None:
    plan = migration(AHEAD, by_name("I"))
    assert judge(AHEAD, plan) == judge(AHEAD, plan)


def test_where_the_provider_refuses_a_node_extension_at_rest_one_may_not_stop() -> None:
    """Nodes accept each other there; the next machine would not get in."""
    begin = start(by_name("I"), (O, G))
    sets = begin.groups[0].scale_set_id
    offers = DeclareExtension(stage_id="70", deadline_s=60, scale_set_id=sets, declaration=by_thumbprint("O"))
    assert safe_to_stop_until(begin, [Nothing(stage_id="wait", deadline_s=60), offers]) == (G.not_after_utc, None)


def test_one_may_stop_until_the_end_less_the_slack_and_not_where_that_is_past() -> None:
    wait = Nothing(stage_id="wait", deadline_s=60)
    assert safe_to_stop_until(HEALTHY, [wait], slack_s=DAY) == (G.not_after_utc - timedelta(days=1),)
    left = G.not_after_utc - NOW
    assert safe_to_stop_until(HEALTHY, [wait], slack_s=int(left.total_seconds())) == (None,)
    assert safe_to_stop_until(HEALTHY, [wait], slack_s=int(left.total_seconds()) - 1) == (NOW + timedelta(seconds=1),)


def test_where_something_is_not_known_there_is_no_date_for_any_stage() -> None:
    wait = Nothing(stage_id="wait", deadline_s=60)
    unread = msgspec.structs.replace(HEALTHY, missing=("the instances of nt0",))
    old = msgspec.structs.replace(HEALTHY, rules=RuntimeRules(selects_newest=None))
    for begin in (unread, old):
        assert safe_to_stop_until(begin, [wait, wait]) == (None, None)
    lost = RetireSecrets(stage_id="80", deadline_s=60, scale_set_id="/lost")
    assert safe_to_stop_until(HEALTHY, [wait, lost]) == (None, None)


def test_where_expired_counts_by_the_nodes_alone_one_may_not_stop() -> None:
    by_hand = ExpiredCounts(stage_id="03", deadline_s=60, counts=True, declared=False)
    declared = ExpiredCounts(stage_id="05", deadline_s=60, counts=True)
    assert safe_to_stop_until(HEALTHY, [by_hand, declared])[0] is None
    assert safe_to_stop_until(HEALTHY, [declared])[0] is not None
