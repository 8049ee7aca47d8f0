"""`python -m tests.soak_enrolments [EXAMPLES] [SEED]`: enrolments under random faults, from that seed on.

Prints how the commands ended, by the way in which the certificate was had, what was met, and each broken law with the
seed that shows it again: `python -m tests.soak_enrolments 1 SEED`, which prints the whole course. Ends with 1 where a
law is broken.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from pathlib import Path

from tests.enrolments.cases import drawn
from tests.enrolments.course import Told, run_case


def _run(seed: int) -> Told:
    case = drawn(seed)
    with tempfile.TemporaryDirectory() as folder:
        try:
            return run_case(case, Path(folder))
        except Exception:  # a bug, of ours or of the soak's, is a finding like any other; the soak goes on
            last = " | ".join(traceback.format_exc().strip().splitlines()[-4:])
            return Told(case, broken=[f"a traceback: {last}"])


def main() -> int:
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began, broken = time.monotonic(), 0
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    met: Counter[str] = Counter()
    for number, seed in enumerate(range(first, first + examples), 1):
        told = _run(seed)
        met.update(told.struck)
        for one in told.runs:
            ends[told.case.way][str(one).split("sfcert:")[0].strip()] += 1
        for law in told.broken:
            broken += 1
            print(f"BROKEN {told.case}\n  {law}", flush=True)
        if examples == 1:
            print(told.case, *told.trace, *(one.err for one in told.runs if one.code), sep="\n")
        if number % 100 == 0:
            print(f"… {number} enrolments, {broken} broken laws, {time.monotonic() - began:.0f} s", flush=True)
    for way, counted in sorted(ends.items()):
        print(f"{way}: {', '.join(f'{times} {how}' for how, times in counted.most_common())}")
    print(f"met: {', '.join(f'{what} {times}' for what, times in met.most_common())}")
    print(f"{examples} enrolments from seed {first}: {broken} broken laws, {time.monotonic() - began:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
