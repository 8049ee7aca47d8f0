"""Does a new machine wait for its certificate before it starts Service Fabric? Floor 3.

Source: service-fabric.md 4.4, 7 row 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation, ScaleSet
from sfcert.rules.delivery import deliveries, is_by_name, serves_cluster
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, extension_body, is_open, open_value


def _depends_on_extension(observation: Observation, scale_set: ScaleSet) -> bool:
    """Whether the cluster's certificate comes by the extension and by nothing else. Not known counts as it does,
    where the cluster is declared by name: something must bring it."""
    declared = observation.cluster.certificate
    found = deliveries(observation, scale_set)
    by_secret = [one for one in found if one.how == "secret"]
    by_extension = [one for one in found if one.how == "extension"]
    if any(serves_cluster(one, declared) for one in by_secret):
        return False
    if any(serves_cluster(one, declared) for one in by_extension):
        return True
    return bool(is_by_name(observation)) and not by_secret and any(one.missing for one in by_extension)


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set in observation.scale_sets:
        node = scale_set.node_extension
        body = extension_body(observation, scale_set, node.name)
        if is_open(body, "provisionAfterExtensions") or any(one.startswith("[") for one in node.after):
            yield cannot_tell(
                scale_set.id, open_value("provisionAfterExtensions"), "it waits for the Key Vault extension"
            )
            continue
        names = {name.lower() for name in scale_set.extension_names}
        strangers = sorted(name for name in node.after if name.lower() not in names)
        if strangers:
            yield fail(
                scale_set.id,
                "NameUnknown",
                f"The node extension of {scale_set.name} waits for {strangers[0]!r}, and no extension has that name.",
                "Name the extension as it is named in the scale set.",
                provisionAfterExtensions=list(node.after),
                extensions=list(scale_set.extension_names),
            )
        waits = {name.lower() for name in node.after}
        lacking = [one.name for one in scale_set.key_vault_extensions if one.name.lower() not in waits]
        if lacking and not strangers and _depends_on_extension(observation, scale_set):
            yield fail(
                scale_set.id,
                "NotSequenced",
                f"The node extension of {scale_set.name} does not wait for {lacking[0]}: on a new or re-imaged machine "
                "Service Fabric can start before its certificate is there.",
                f'Add "provisionAfterExtensions": ["{lacking[0]}"] to the node extension.',
                provisionAfterExtensions=list(node.after),
            )


RULE = Rule(
    id="extension-not-sequenced",
    severity="error",
    reasons={
        "NotSequenced": "The node extension does not wait for the Key Vault extension.",
        "NameUnknown": "It waits for an extension that does not exist.",
    },
    check=check,
)
