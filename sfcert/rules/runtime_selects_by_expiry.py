"""Does this runtime choose by the latest expiry instead of the newest beginning? Floor 3.

Source: service-fabric.md 2.1; release notes of 7.2 CU4.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import runtime_at_least, table
from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, runtime_unread


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    if runtime_at_least(cluster.runtime, "newest_not_before_since") is None:
        yield cannot_tell(cluster.id, runtime_unread(observation), "it takes the newest certificate")
    if runtime_at_least(cluster.runtime, "newest_not_before_since") is False:
        yield fail(
            cluster.id,
            "BeforeNewestWins",
            f"Runtime {cluster.runtime} presents the certificate that expires last, not the newest: "
            "a short-lived renewal is never taken up while a longer one is in the store.",
            f"Bring the runtime to {table('runtime')['newest_not_before_since']} or later.",
            clusterCodeVersion=cluster.runtime,
        )


RULE = Rule(
    id="runtime-selects-by-expiry",
    severity="warning",
    reasons={"BeforeNewestWins": "The runtime is older than the rule of the newest NotBefore."},
    check=check,
)
