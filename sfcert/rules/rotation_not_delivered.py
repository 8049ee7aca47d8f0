"""Does a renewed certificate reach the machines by itself? Floor 3.

A cluster by name takes up what arrives; a vm secret, tied to a version, never brings a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import deliveries, is_by_name
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, open_value


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    if is_by_name(observation) is None:
        missing = open_value("The cluster's declaration")
        yield cannot_tell(observation.cluster.id, missing, "it takes up renewed certificates, and gets them")
    if not is_by_name(observation):
        return
    for scale_set in observation.scale_sets:
        found = deliveries(observation, scale_set)
        if found and not scale_set.key_vault_extensions:
            yield fail(
                scale_set.id,
                "SecretsOnly",
                f"Machines of {scale_set.name} get their certificate by vm secrets alone, each tied to one version: "
                "the cluster would take up a renewed certificate, and none arrives.",
                "Install the Key Vault extension with the versionless address.",
                secrets=[one.url for one in found],
            )


RULE = Rule(
    id="rotation-not-delivered",
    severity="warning",
    reasons={"SecretsOnly": "The cluster is declared by name and fed by vm secrets only."},
    check=check,
)
