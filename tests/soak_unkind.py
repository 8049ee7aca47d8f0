"""`python -m tests.soak_unkind [PAIRS] [SEED]`: `capture`, `apply` and `watch` under every fault, alone and in pairs.

Prints how the runs ended, by fault, and each broken law with the case that shows it again. Ends with 1 where one is
broken.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter, defaultdict

from tests.unkindness import Case, Ended, run_case
from tests.unkindness_cases import alone, pairs


def _run(case: Case) -> Ended:
    try:
        return run_case(case)
    except Exception:  # a bug of ours is a finding like any other; the soak goes on
        return Ended(case, broken=["a traceback: " + " | ".join(traceback.format_exc().strip().splitlines()[-3:])])


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began, broken, runs = time.monotonic(), 0, 0
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for case in (*alone(seed), *pairs(count, seed)):
        ended = _run(case)
        runs += 1
        how = ended.stops[0].split(":")[0] if ended.stops else "the same end in one go"
        table[" + ".join(case.faults) if len(case.faults) == 1 else "(pairs)"][how] += 1
        for law in ended.broken:
            broken += 1
            print(f"BROKEN {case}\n  {law}\n  stops: {ended.stops[:2]}", flush=True)
        if runs % 20 == 0:
            print(f"… {runs} runs, {broken} broken laws, {time.monotonic() - began:.0f} s", flush=True)
    for fault, ends in sorted(table.items()):
        told = ", ".join(f"{times} {how}" for how, times in ends.most_common())
        print(f"{fault:30} {told}")
    print(f"{runs} runs with seed {seed}: {broken} broken laws, {time.monotonic() - began:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
