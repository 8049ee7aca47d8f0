"""Does this runtime have a fault that a change of certificates would meet? Floor 3. Source: dated.toml, runtime."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import runtime_key, table
from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, runtime_unread


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    try:
        version = runtime_key(cluster.runtime or "")
    except ValueError:
        question = "it has a fault that a change of certificates would meet"
        yield cannot_tell(cluster.id, runtime_unread(observation), question)
        return
    for fault in table("runtime")["known_faults"]:
        if runtime_key(str(fault["from"])) <= version < runtime_key(str(fault["below"])):
            yield fail(
                cluster.id,
                "KnownFault",
                f"Runtime {cluster.runtime}: {fault['what']}.",
                f"Bring the runtime to {fault['below']} or later before any change of certificates.",
                clusterCodeVersion=cluster.runtime,
                source=fault["source"],
            )


RULE = Rule(
    id="runtime-known-fault",
    severity="error",
    blocks_plan=True,
    reasons={"KnownFault": "The runtime lies in a range with a published fault."},
    check=check,
)
