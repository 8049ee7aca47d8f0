"""When is a proof neither: a fact, a policy, an issuer or a certificate that nobody knows."""

from __future__ import annotations

import msgspec

from sfcert.trust.moves import Nothing, Provision
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import Store
from tests.unit.trust.proving import HEALTHY, G, judge, start
from tests.unit.trust.small import URL, by_name, by_thumbprint, cert, holding, migration


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


def test_a_store_with_a_certificate_that_nobody_has_seen_is_unknown_by_name_and_fine_by_thumbprint() -> None:
    spare = msgspec.structs.replace(
        HEALTHY.groups[0], stores=(Store(holdings=(holding(G),), unknown=("AB" * 20,), nodes=1),)
    )
    begin = msgspec.structs.replace(HEALTHY, groups=(spare,))
    assert judge(begin, [Nothing(stage_id="wait", deadline_s=60)]).verdict == "proved"
    assert judge(begin, migration(begin, by_name("I"))).verdict == "unknown"


def test_no_moves_no_states() -> None:
    proof = judge(HEALTHY, [])
    assert (proof.verdict, proof.states, proof.pairs) == ("proved", 0, 0)
