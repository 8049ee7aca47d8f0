"""Which faults, in which tempo and how hard? The cases of the soak and of the test run, drawn from a seed. Not a test.

Each fault alone in several ways, then random pairs. Faults of requests strike lightly, heavily for a while, or for
ever, everywhere or at deployments alone; faults of the world begin at once, after looks, or by the clock, and last or
end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sfcert.sim.assemble import build
from sfcert.sim.kernel.faults import Fault
from tests.unkindness import Case

Json = dict[str, Any]
#: What a fault of the world needs to be told.
_OWN: dict[str, list[Json]] = {
    "staging": [{"reading": "single"}, {"reading": "phases"}],
    "clock-skew": [{"node": "_nt0_1", "seconds": 200}, {"node": "_nt0_3", "seconds": 240}],
    "stuck-upgrade-domain": [{}, {"domain": "2"}],
    "unhealthy-upgrade-domain": [{}, {"domain": "3"}],
    "extension-fails": [{}, {"instance": "2"}, {"type": "ServiceFabric"}],
    "roles-spread-late": [{}, {"seconds": 600}],
    "short-tokens": [{}, {"lifetime_s": 30}],
}
#: Slow enough to be seen, fast enough for hundreds of runs: in process a slow answer costs virtual time.
_OF_REQUESTS: dict[str, Json] = {
    "slow-answer": {"delay_s": 20},
    "rate-limits": {"reads": 20, "writes": 3},
    "throttling": {"retry_after": 7},
    "stale-read": {"looks": 2},
    "appears-late": {"looks": 2},
}
WAYS = 6


def declared() -> list[Fault]:
    """Every fault of a world, by name."""
    return build(start=datetime(2026, 11, 22, tzinfo=UTC), seed=1).faults.declared()


def alone(seed: int) -> Iterator[Case]:
    """Every fault alone, each in every way."""
    for fault in declared():
        dice = random.Random(f"alone {fault.name} {seed}")
        for way in range(WAYS):
            yield Case({fault.name: options_of(fault, way, dice)}, dice.randint(1, 10**6))


def pairs(count: int, seed: int) -> Iterator[Case]:
    """Random pairs of different faults, each in a random way."""
    dice, faults = random.Random(f"pairs {seed}"), declared()
    for _ in range(count):
        one, other = dice.sample(faults, 2)
        armed = {fault.name: options_of(fault, dice.randrange(WAYS), dice) for fault in (one, other)}
        yield Case(armed, dice.randint(1, 10**6))


def options_of(fault: Fault, way: int, dice: random.Random) -> Json:
    """The options of a fault in one of the ways; the dice decide the numbers."""
    if fault.of_requests:
        return {**_OF_REQUESTS.get(fault.name, {}), **_hardness(fault, way, dice)}
    own = dict(dice.choice(_OWN.get(fault.name, [{}])))
    match way:
        case 0:
            return own
        case 1:
            return {**own, "after": dice.randint(20, 400)}
        case 2:
            return {**own, "after_s": dice.randint(60, 7200)}
        case 3:
            return {**own, "for_s": dice.randint(600, 14400)}
        case 4:
            return {**own, "after_s": dice.randint(60, 7200), "for_s": dice.randint(600, 14400)}
        case _:
            return {**own, "after": dice.randint(20, 400), "for_s": dice.randint(600, 14400)}


def _hardness(fault: Fault, way: int, dice: random.Random) -> Json:
    match way:
        case 0:
            return {"chance": round(dice.uniform(0.02, 0.2), 3)}
        case 1:
            return {"times": dice.randint(1, 6), "after": dice.randint(0, 60)}
        case 2:
            return {"chance": 0.5, "match": "/deployments/", "times": dice.randint(1, 8)}
        case 3:
            return {"after_s": dice.randint(30, 5400), "for_s": dice.randint(30, 900)}
        case 4:
            return {"chance": round(dice.uniform(0.1, 0.4), 3), "door": dice.choice(["arm", "vault", "nodes"])}
        case _:
            return {"after": dice.randint(0, 200)}
