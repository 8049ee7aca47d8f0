"""`python -m tests.soak [EXAMPLES] [SEED]`: the laws of proof and simulator over many worlds, with a table of verdicts.

`python -m tests.soak captures [EXAMPLES] [SEED]` plans from odd captures instead and rehearses what is ready. Ends with
1 where the two disagree; each disagreement is printed with the world and the seed that make it again.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from sfcert.cli.rehearsal import rehearse
from sfcert.sim.worlds.specs import Spec
from tests import odd_captures
from tests.lives import MUTATIONS, lived, made, mutated, planned, specs

#: One in so many examples is also rehearsed as it is, which takes several times as long.
REHEARSED = 4


def soak(examples: int, seed: int) -> int:
    """How many disagreements were found. Effects: prints them, and the table at the end."""
    seen: Counter[tuple[str, ...]] = Counter()
    disagreements: list[str] = []

    @hypothesis_seed(seed)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(specs(), st.integers(1, 10**9), st.sampled_from(MUTATIONS))
    def one(spec: Spec, number: int, kind: str) -> None:
        world = made(spec, number)
        found = planned(world.captured())
        if found.plan.status != "ready" or found.plan.goal is None:
            seen["no mutation", f"plan {found.plan.status}", ""] += 1
            disagreements.append(f"{found.plan.status}: {found.plan.blocked_by} {spec} seed {number}")
            return
        if number % REHEARSED == 0:
            rehearsal = rehearse(found.plan, found.bundle, faults="hostile", seed=number)
            seen["rehearsed as it is", found.plan.proof.verdict, rehearsal.verdict] += 1
            if rehearsal.verdict != "held":
                disagreements.append(f"rehearsal broke: {spec} seed {number}: {rehearsal.runs}")
        other, pins = world.facts["other_issuer_thumbprint"], found.plan.goal.issuer_thumbprints
        wrong = mutated(found.deeds(), kind, random.Random(number), other, pins)
        verdict, life = found.proof_of(wrong).verdict, lived(world, wrong, number)
        seen[kind, verdict, "broke" if life.refused else "harmless"] += 1
        if verdict == "proved" and life.refused:
            disagreements.append(f"{kind}: {[deed.move.stage_id for deed in wrong]} {spec} seed {number}: {life}")

    one()
    for line in disagreements:
        print(line)
    for key, times in sorted(seen.items()):
        print(f"{times:6}  {'  '.join(key)}")
    return len(disagreements)


def soak_captures(examples: int, seed: int) -> int:
    """How many plans from odd captures broke on their twin. Effects: prints them, and the table at the end."""
    seen: Counter[tuple[str, ...]] = Counter()
    broke = 0
    for number in range(seed, seed + examples):
        odd = odd_captures.drawn(number)
        plan = planned(odd.bundle, odd.inputs).plan
        verdict = ""
        if plan.status == "ready":
            rehearsal = rehearse(plan, odd.bundle, faults=odd_captures.hardship_for(plan), seed=number)
            verdict = rehearsal.verdict
            if verdict != "held":
                broke += 1
                print(f"broke: seed {number}: {odd.told}: {rehearsal.runs}", flush=True)
        seen[odd.inputs.playbook, plan.status, plan.proof.verdict, verdict] += 1
    for key, times in sorted(seen.items()):
        print(f"{times:6}  {'  '.join(key)}")
    return broke


def main() -> int:
    kind, arguments = soak, sys.argv[1:]
    if arguments[:1] == ["captures"]:
        kind, arguments = soak_captures, arguments[1:]
    examples = int(arguments[0]) if arguments else 200
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    began = time.monotonic()
    found = kind(examples, seed)
    print(f"{found} disagreements in {examples} examples with seed {seed}, {time.monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
