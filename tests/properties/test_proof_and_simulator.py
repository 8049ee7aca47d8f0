"""Two independent readings of Service Fabric, held against each other: what is proved does not break in the simulator.

Worlds, hardships and wrong plans are drawn; a few here, many in `python -m tests.soak`.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from sfcert.cli.rehearsal import rehearse
from sfcert.planning.inputs import Inputs
from sfcert.sim.worlds.specs import NodeType, Spec
from sfcert.workflows.apply import apply
from tests.lives import MUTATIONS, UNCHECKED, Deed, lived, made, mutated, planned, specs
from tests.search import examples

#: Each example is a whole migration: too slow for Hypothesis's own limits, and shrinking would take minutes.
few = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(1, 10**6)
PLAIN = Spec(
    "Plain, and nobody looks before a change.", (NodeType("nt0", 5, primary=True),), cluster_settings=UNCHECKED
)


@seed(20261122)
@settings(few, max_examples=examples(6))
@given(specs(), seeds)
def test_what_is_proved_comes_through_every_hardship(spec: Spec, number: int) -> None:
    bundle = made(spec, number).captured()
    found = planned(bundle)
    assert found.plan.status == "ready", found.plan.blocked_by
    assert found.plan.proof.verdict == "proved"
    rehearsal = rehearse(found.plan, bundle, faults="hostile", seed=number)
    assert rehearsal.verdict == "held", rehearsal.runs


@seed(20261122)
@settings(few, max_examples=examples(25))
@given(specs(), seeds, st.sampled_from(MUTATIONS))
def test_a_plan_with_something_wrong_is_not_proved_or_does_no_harm(spec: Spec, number: int, kind: str) -> None:
    world = made(spec, number)
    found = planned(world.captured())
    assert found.plan.goal is not None
    other, pins = world.facts["other_issuer_thumbprint"], found.plan.goal.issuer_thumbprints
    wrong = mutated(found.deeds(), kind, random.Random(number), other, pins)
    proof = found.proof_of(wrong)
    life = lived(world, wrong, number)
    assert proof.verdict != "proved" or not life.refused, (kind, [deed.move.stage_id for deed in wrong], life)


ROLES = {
    "client-certificates": Inputs(playbook="client-certificates", accepted=("clients-have-moved",)),
    "reverse-proxy-to-common-name": Inputs(
        playbook="reverse-proxy-to-common-name", accepted=("reverse-proxy-extension-by-name",)
    ),
}
OTHER_ROLES = Spec(
    "Both other roles by thumbprint.",
    (NodeType("nt0", 5, primary=True),),
    proxy_name="proxy.contoso.example",
    reader_client=True,
)


@seed(20261122)
@settings(few, max_examples=examples(16))
@given(st.sampled_from(sorted(ROLES)), st.booleans(), seeds, st.sampled_from(["none", "drop", "swap", "merge", "thaw"]))
def test_a_plan_about_another_role_is_not_proved_or_does_no_harm(
    playbook: str, by_name: bool, number: int, kind: str
) -> None:
    world = made(replace(OTHER_ROLES, by_name=by_name), number)
    vault = world.facts["vault_url"]
    bundle = world.captured(f"{vault}/certificates/sf-operator", f"{vault}/certificates/sf-reader")
    found = planned(bundle, ROLES[playbook])
    assert found.plan.status == "ready", found.plan.blocked_by
    deeds = found.deeds()
    wrong = deeds if kind == "none" else mutated(deeds, kind, random.Random(number), "", ())
    proof = found.proof_of(wrong)
    assert kind != "none" or proof.verdict == "proved"
    life = lived(world, wrong, number)
    assert proof.verdict != "proved" or not life.refused, (kind, [deed.move.stage_id for deed in wrong], life)


@pytest.mark.parametrize("playbook", sorted(ROLES))
def test_what_is_taken_away_first_does_break_the_other_roles(playbook: str) -> None:
    """The simulator has teeth here too: the last stage that takes something away, and nothing before it."""
    world = made(OTHER_ROLES, 3)
    vault = world.facts["vault_url"]
    bundle = world.captured(f"{vault}/certificates/sf-operator", f"{vault}/certificates/sf-reader")
    found = planned(bundle, ROLES[playbook])
    taking = [deed for deed in found.deeds() if deed.stages[0].id.startswith(("60-declare", "80-forget"))]
    wrong = [_with_names(deed) for deed in taking]
    assert found.proof_of(wrong).verdict == "refuted"
    assert lived(world, wrong, 3).refused


def _with_names(deed: Deed) -> Deed:
    """The same with a name that nobody carries."""

    def renamed(value: Any) -> Any:
        text = msgspec.json.encode(value).decode()
        for name in ("proxy.contoso.example", "reader.contoso.example"):
            text = text.replace(name, "nobody.contoso.example")
        return msgspec.json.decode(text.encode(), type=type(value))

    return Deed(tuple(renamed(stage) for stage in deed.stages), renamed(deed.move))


@pytest.mark.parametrize("number", range(3))
def test_an_issuer_that_is_forgotten_does_break_the_cluster(number: int) -> None:
    """The simulator has teeth: what the proof refutes here ends in refused connections there."""
    world = made(PLAIN, number)
    found = planned(world.captured())
    assert found.plan.goal is not None
    pins = found.plan.goal.issuer_thumbprints
    wrong = mutated(found.deeds(), "forget", random.Random(number), world.facts["other_issuer_thumbprint"], pins)
    assert found.proof_of(wrong).verdict == "refuted"
    assert lived(world, wrong, number).refused


@seed(20261122)
@settings(few, max_examples=examples(3))
@given(specs(), seeds)
def test_planning_what_a_plan_has_left_behind_gives_nothing_to_do(spec: Spec, number: int) -> None:
    world = made(replace(spec, issued_days=-5), number)
    found = planned(world.captured())
    outcome = apply(found.plan, world.ports, confirm=lambda question: True, emit=lambda event: None)
    assert outcome.complete
    after = planned(world.captured()).plan
    assert after.status == "nothing-to-do", (after.blocked_by, [stage.id for stage in after.stages])
    assert world.azure.journal.refusals == []
