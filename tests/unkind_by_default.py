"""What every test of the whole thing meets unless it asks for a friendly Azure. Not a test.

What any client of Azure meets sooner or later, as often as makes each run meet a few of them, from the world's seed.
Nothing here makes a right client stop: what does is met in `tests.unkindness` and in tests of its own.
"""

from __future__ import annotations

from typing import Any

from sfcert.sim.kernel.azure import Azure

Json = dict[str, Any]
#: For clients that ask sfcert's own clock how long to wait: no wall time is lost by waiting.
BY_DEFAULT: dict[str, Json] = {
    "rate-limits": {},
    "throttling": {"chance": 0.02, "retry_after": 5},
    "unavailable": {"chance": 0.02},
    "server-error": {"chance": 0.02, "method": "GET"},
    "connection-reset": {"chance": 0.01, "method": "GET"},
    "write-conflict": {"chance": 0.2, "times": 2, "match": "/deployments/"},
    "slow-answer": {"chance": 0.05, "delay_s": 0.01},
    "stale-read": {"chance": 0.2, "looks": 1},
    "etag-moves": {"chance": 0.1},
    "shuffled-lists": {},
    "short-tokens": {},
}
#: For clients that wait by the wall: the vendor's SDKs and az.
FOR_OTHERS: dict[str, Json] = {
    "rate-limits": {},
    "throttling": {"chance": 0.01, "retry_after": 1, "times": 2},
    "slow-answer": {"chance": 0.05, "delay_s": 0.01},
    "shuffled-lists": {},
    "short-tokens": {},
}


def arm(azure: Azure, faults: dict[str, Json]) -> None:
    """Arm a set. Effects: on this world alone."""
    for name, options in faults.items():
        azure.faults.arm(name, options)


def told(azure: Azure) -> str:
    """What struck, for whoever has to look into a failure."""
    struck = ", ".join(f"{name} {times}" for name, times in sorted(azure.faults.struck.items())) or "nothing"
    return f"the world's seed is {azure.seed}; struck: {struck}"
