"""Whole plans put to the proof: the usual migrations hold, and each known way to kill a cluster is shown."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration
from sfcert.model.proof import Proof
from sfcert.trust.moves import (
    DeclareCluster,
    DeclareExtension,
    FreezeRenewal,
    Move,
    Nothing,
    Provision,
    ResumeRenewal,
    RetireSecrets,
    Together,
    UpdateInstances,
)
from sfcert.trust.prove import assumptions, prove, safe_to_stop_until
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import Store, World
from tests.unit.trust.small import (
    DAY,
    NAME,
    NOW,
    URL,
    authority,
    by_name,
    by_thumbprint,
    cert,
    group,
    holding,
    migration,
    thumbprint,
    world,
)

G, O = cert("G", day=50), cert("O", day=10)  # noqa: E741  # the reference's own letters: goal and other
NEWER = cert("N", day=60)
I, J = authority("I"), authority("J")  # noqa: E741  # issuers of goal and other
ISSUERS = {"G": (I,), "O": (J,), "N": (J,)}


def start(declared: Declaration, held: tuple[Certificate, ...], **changes: object) -> World:
    options: dict[str, object] = {"held": held, "versions": (G, O)} | changes
    return world(declared, (G, O, NEWER), ISSUERS, **options)  # type: ignore[arg-type]  # keywords, by name


def judge(begin: World, moves: list[Move], **options: object) -> Proof:
    return prove(begin, moves, slack_s=DAY, **options)  # type: ignore[arg-type]  # keywords, by name


def told(proof: Proof) -> str:
    assert proof.counterexample is not None
    return proof.counterexample.sentence


HEALTHY = start(by_thumbprint("G"), (G,))
AHEAD = start(by_thumbprint("O"), (O,))


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


def test_without_the_certificate_on_the_nodes_nothing_can_be_loaded_by_name() -> None:
    plan = [one for one in migration(AHEAD, by_name("I")) if not isinstance(one, Provision)]
    other = start(by_thumbprint("O"), (cert("O", day=10, name="old.example.com"),))
    other = msgspec.structs.replace(
        other, certificates={**other.certificates, O.thumbprint: cert("O", day=10, name="old.example.com")}
    )
    proof = judge(other, plan, readings=("phases",))
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 3
    assert "can load nothing to present" in told(proof)


def test_a_node_that_is_created_before_its_certificate_comes_is_found() -> None:
    loose = [
        msgspec.structs.replace(one, sequenced=False) if isinstance(one, Provision) else one
        for one in migration(HEALTHY, by_name("I"))
    ]
    proof = judge(HEALTHY, loose)
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.stage == "80-retire-0"
    assert proof.counterexample.invariant == 4
    assert "created or re-imaged" in told(proof)


def test_secrets_that_still_serve_a_thumbprint_must_not_go_first() -> None:
    begin = start(by_thumbprint("O"), (O,))
    sets = begin.groups[0].scale_set_id
    moves: list[Move] = [
        Provision(stage_id="40", deadline_s=60, scale_set_id=sets, observes=(URL,)),
        RetireSecrets(stage_id="80", deadline_s=60, scale_set_id=sets),
    ]
    proof = judge(begin, moves)
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.stage == "80"


def test_a_disabled_newest_version_brings_nothing_to_a_new_node() -> None:
    vault = msgspec.structs.replace(HEALTHY.vault_names[0], versions=(NEWER.thumbprint, G.thumbprint))
    begin = msgspec.structs.replace(HEALTHY, vault_names=(msgspec.structs.replace(vault, enabled=(G.thumbprint,)),))
    proof = judge(begin, migration(begin, by_name("I")))
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.stage == "80-retire-0"


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


def test_an_unknown_renewal_policy_is_unknown() -> None:
    begin = start(by_thumbprint("G"), (G,), renews=None, delivers=True)
    proof = judge(begin, [Nothing(stage_id="wait", deadline_s=60)])
    assert proof.verdict == "unknown"
    assert proof.missing == (f"the renewal policy of {URL}",)


def test_a_missing_fact_makes_everything_unknown_and_is_named() -> None:
    begin = start(by_thumbprint("G"), (G,), missing=("the vault kv2",))
    proof = judge(begin, migration(begin, by_name("I")))
    assert proof.verdict == "unknown"
    assert proof.missing == ("the vault kv2",)
    assert {stage.verdict for stage in proof.stages} == {"unknown"}


def test_an_unknown_issuer_is_unknown() -> None:
    begin = msgspec.structs.replace(HEALTHY, issuers={})
    proof = judge(begin, migration(begin, by_name("I")))
    assert proof.verdict == "unknown"
    assert f"the direct issuer of {G.thumbprint[:8]}…" in proof.missing


def test_a_move_that_names_what_is_not_there_is_unknown() -> None:
    stray = Provision(stage_id="40", deadline_s=60, scale_set_id="/nowhere", observes=("https://kv/certificates/x",))
    proof = judge(HEALTHY, [stray])
    assert proof.verdict == "unknown"
    assert len(proof.missing) == 2


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


@pytest.mark.parametrize("cluster_first", [True, False])
def test_cluster_and_node_extensions_may_go_in_either_order_while_the_goal_is_alone(cluster_first: bool) -> None:
    plan = migration(HEALTHY, by_name("I"))
    at = next(at for at, one in enumerate(plan) if isinstance(one, DeclareCluster))
    if not cluster_first:
        plan[at], plan[at + 1] = plan[at + 1], plan[at]
    assert judge(HEALTHY, plan).verdict == "proved"


def test_linking_turns_a_declared_thumbprint_into_another_certificate() -> None:
    sets = AHEAD.groups[0].scale_set_id
    plain = Provision(stage_id="40", deadline_s=60, scale_set_id=sets, observes=(URL,))
    assert judge(AHEAD, [plain]).verdict == "proved"
    proof = judge(AHEAD, [msgspec.structs.replace(plain, links=True)])
    assert proof.verdict == "refuted"
    assert "is linked to" in told(proof)


def test_linking_goes_by_the_order_of_retrieval_and_not_by_dates() -> None:
    """The declared one begins later, and the other one, which carries its name, is fetched after it."""
    early = cert("E", day=5)
    begin = start(by_thumbprint("G"), (G,), versions=(early,))
    begin = msgspec.structs.replace(begin, certificates={**begin.certificates, early.thumbprint: early})
    sets = begin.groups[0].scale_set_id
    plain = Provision(stage_id="40", deadline_s=60, scale_set_id=sets, observes=(URL,))
    assert judge(begin, [plain]).verdict == "proved"
    proof = judge(begin, [msgspec.structs.replace(plain, links=True)])
    assert proof.verdict == "refuted"
    assert "has fetched the older one last and has linked" in told(proof)


def test_versions_of_one_vault_certificate_are_linked_in_the_order_of_their_creation() -> None:
    early = cert("E", day=5)
    begin = start(by_thumbprint("G"), (G,), versions=(G, early))
    begin = msgspec.structs.replace(begin, certificates={**begin.certificates, early.thumbprint: early})
    sets = begin.groups[0].scale_set_id
    moves = [Provision(stage_id="40", deadline_s=60, scale_set_id=sets, observes=(URL,), links=True)]
    assert judge(begin, moves).verdict == "proved"


def test_the_newer_extension_needs_a_runtime_that_takes_its_keys() -> None:
    sets = HEALTHY.groups[0].scale_set_id
    old = msgspec.structs.replace(HEALTHY, rules=RuntimeRules(cng_keys=False))
    four = Provision(stage_id="40", deadline_s=60, scale_set_id=sets, observes=(URL,), keeps_two=True)
    moves: list[Move] = [four, RetireSecrets(stage_id="80", deadline_s=60, scale_set_id=sets)]
    assert judge(HEALTHY, moves).verdict == "proved"
    proof = judge(old, moves)
    assert proof.verdict == "refuted"
    assert "CNG" in told(proof)


def test_linux_turns_on_whether_the_extensions_files_are_read() -> None:
    begin = start(by_thumbprint("G"), (G,), os="Linux")
    plan = migration(begin, by_name("I"))
    proof = judge(begin, plan)
    assert proof.verdict == "unknown"
    assert any("linux-store-reads-extension-files" in fact for fact in proof.missing)
    assert judge(begin, plan, accepted=("linux-store-reads-extension-files",)).verdict == "proved"


def test_an_unknown_runtime_is_unknown_only_where_old_and_new_differ() -> None:
    rules = RuntimeRules(selects_newest=None, cng_keys=None)
    begin = msgspec.structs.replace(HEALTHY, rules=rules)
    assert judge(begin, migration(begin, by_name("I"))).verdict == "proved"
    longer = cert("O", day=10, days=900)
    mixed = start(by_thumbprint("G"), (G, longer), versions=(G,), rules=rules)
    mixed = msgspec.structs.replace(mixed, certificates={**mixed.certificates, longer.thumbprint: longer})
    proof = judge(mixed, migration(mixed, by_name("I")))
    assert proof.verdict == "unknown"
    assert "the runtime version (clusterCodeVersion)" in proof.missing


def test_one_deployment_for_all_is_every_stage_at_once() -> None:
    begin = start(by_thumbprint("G"), (G,), versions=(G,), renews=True)
    plan = migration(begin, by_name("I"))
    together = Together(stage_id="all", deadline_s=DAY, moves=tuple(plan[1:-1]))
    assert judge(begin, [plan[0], together]).verdict == "proved"
    proof = judge(begin, [together])
    assert proof.verdict == "refuted"
    assert "once the vault has issued its next version" in told(proof)


def test_a_node_class_with_another_store_is_told_by_its_scale_set() -> None:
    front, back = group("front", (G,), (G,), by_thumbprint("G")), group("back", (G, NEWER), (G,), by_thumbprint("G"))
    begin = start(by_thumbprint("G"), (), groups=(front, back), versions=(G,))
    proof = judge(begin, migration(begin, by_name("I")))
    assert "a node of back" in told(proof)


def test_a_store_with_a_certificate_that_nobody_has_seen_is_unknown_by_name_and_fine_by_thumbprint() -> None:
    spare = msgspec.structs.replace(
        HEALTHY.groups[0], stores=(Store(holdings=(holding(G),), unknown=("AB" * 20,), nodes=1),)
    )
    begin = msgspec.structs.replace(HEALTHY, groups=(spare,))
    assert judge(begin, [Nothing(stage_id="wait", deadline_s=60)]).verdict == "proved"
    assert judge(begin, migration(begin, by_name("I"))).verdict == "unknown"


def test_a_change_of_pins_walks_once_and_must_hold_in_both_lists() -> None:
    begin = start(by_name("I"), (G,), versions=(G,), delivers=True, secrets=())
    fine = DeclareCluster(stage_id="60", deadline_s=DAY, declaration=by_name("I", "J"))
    assert judge(begin, [fine]).verdict == "proved"
    gone = DeclareCluster(stage_id="60", deadline_s=DAY, declaration=by_name("J"))
    assert judge(begin, [gone]).verdict == "refuted"


def test_instances_that_are_brought_up_to_date_by_hand_hold_nothing_before_that() -> None:
    upgrades = [by_thumbprint("O", "G"), by_thumbprint("G")]
    plan = [
        msgspec.structs.replace(one, reaches_nodes=False) if isinstance(one, Provision) else one
        for one in migration(AHEAD, by_name("I"), upgrades=upgrades)
    ]
    assert judge(AHEAD, plan).verdict == "refuted"
    at = next(at for at, one in enumerate(plan) if isinstance(one, Provision))
    sets = AHEAD.groups[0].scale_set_id
    plan.insert(at + 1, UpdateInstances(stage_id="45-instances", deadline_s=3600, scale_set_id=sets))
    assert judge(AHEAD, plan).verdict == "proved"


def test_no_moves_no_states() -> None:
    proof = judge(HEALTHY, [])
    assert (proof.verdict, proof.states, proof.pairs) == ("proved", 0, 0)


def test_resuming_after_the_goal_is_retired_counts_the_new_node_that_holds_only_the_next_version() -> None:
    begin = start(by_name("I"), (G,), versions=(G,), delivers=True, secrets=())
    resume = ResumeRenewal(stage_id="90", deadline_s=60, certificate_urls=(URL,))
    assert judge(begin, [resume]).verdict == "proved"
    by_print = start(by_thumbprint("G"), (G,), versions=(G,), delivers=True, secrets=())
    proof = judge(by_print, [resume])
    assert proof.verdict == "refuted"
    assert thumbprint("G")[:8] not in told(proof).split("can load nothing")[-1]


def test_equal_inputs_give_equal_proofs() -> None:
    plan = migration(AHEAD, by_name("I"))
    assert judge(AHEAD, plan) == judge(AHEAD, plan)
