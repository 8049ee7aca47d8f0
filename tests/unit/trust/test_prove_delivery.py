"""What is proved of how certificates come to nodes: secrets, the extension, linking, new nodes."""

from __future__ import annotations

import msgspec

from sfcert.trust.moves import Move, Provision, ResumeRenewal, RetireSecrets, UpdateInstances
from sfcert.trust.rules import RuntimeRules
from tests.unit.trust.proving import AHEAD, HEALTHY, NEWER, G, O, judge, start, told
from tests.unit.trust.small import URL, by_name, by_thumbprint, cert, group, migration, thumbprint


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


def test_a_node_class_with_another_store_is_told_by_its_scale_set() -> None:
    front, back = group("front", (G,), (G,), by_thumbprint("G")), group("back", (G, NEWER), (G,), by_thumbprint("G"))
    begin = start(by_thumbprint("G"), (), groups=(front, back), versions=(G,))
    proof = judge(begin, migration(begin, by_name("I")))
    assert "a node of back" in told(proof)


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


def test_resuming_after_the_goal_is_retired_counts_the_new_node_that_holds_only_the_next_version() -> None:
    begin = start(by_name("I"), (G,), versions=(G,), delivers=True, secrets=())
    resume = ResumeRenewal(stage_id="90", deadline_s=60, certificate_urls=(URL,))
    assert judge(begin, [resume]).verdict == "proved"
    by_print = start(by_thumbprint("G"), (G,), versions=(G,), delivers=True, secrets=())
    proof = judge(by_print, [resume])
    assert proof.verdict == "refuted"
    assert thumbprint("G")[:8] not in told(proof).split("can load nothing")[-1]
