"""Would a machine made now get every certificate that is declared by thumbprint? Floor 3.

Source: service-fabric.md 7 row 10; rollover, "while a thumbprint is declared".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import deliveries, is_by_name, unknown_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, not_in_template


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    declared = cluster.certificate.thumbprints
    if cluster.certificate.kind == "unresolved" and not is_by_name(observation):
        selected = not_in_template("What the cluster's declaration selects")
        yield cannot_tell(cluster.id, selected, "a new machine gets it")
    if not declared:
        return
    for scale_set in observation.scale_sets:
        found = deliveries(observation, scale_set)
        brought = {one.version.thumbprint for one in found if one.version}
        lacking = [one for one in declared if one not in brought]
        if not lacking:
            continue
        missing = next((one.missing for one in found if one.missing), None) or unknown_deliveries(
            observation, scale_set
        )
        if missing is not None:
            yield cannot_tell(scale_set.id, missing, f"a new machine gets {lacking[0]}")
            continue
        if not found:
            reason, words = "NothingDelivered", "nothing that is declared brings any certificate to its machines"
        elif lacking[0] == declared[0]:
            reason, words = "PrimaryMissing", "none of the certificates that arrive is it"
        else:
            reason, words = "SecondaryMissing", "only the other declared certificate arrives"
        yield fail(
            scale_set.id,
            reason,
            f"{lacking[0]} is declared, but on a machine of {scale_set.name} that is made or re-imaged now {words}.",
            "Add the declared version to the vm secrets, or declare what arrives.",
            declared=list(declared),
            delivered=sorted(brought),
        )


RULE = Rule(
    id="thumbprint-not-delivered",
    severity="error",
    reasons={
        "PrimaryMissing": "The declared certificate does not reach new machines.",
        "SecondaryMissing": "The second declared certificate does not reach new machines.",
        "NothingDelivered": "No certificate is delivered by anything that is declared.",
    },
    severity_of={"SecondaryMissing": "warning", "NothingDelivered": "warning"},
    check=check,
)
