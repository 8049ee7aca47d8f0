"""Does a vm secret still bring a newer certificate of the name than the extension? Floor 3.

Nodes present the newest NotBefore; a version tied by a vm secret then hides what the vault renews, on some machines and
not on others. Source: service-fabric.md 11 A19.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import deliveries, name_of, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    names = observation.cluster.certificate.names
    yield from undecided(observation, "a vm secret is newer than what the extension brings")
    if not names or not any(one.secrets and one.key_vault_extensions for one in observation.scale_sets):
        return
    yield from unread_deliveries(observation, "it is newer than what the extension brings")
    for scale_set in observation.scale_sets:
        found = [
            (one, one.version.certificate)
            for one in deliveries(observation, scale_set)
            if one.version and one.version.certificate and name_of(one, names)
        ]
        fetched = [leaf.not_before_utc for one, leaf in found if one.how == "extension"]
        for one, leaf in found:
            if one.how == "secret" and fetched and leaf.not_before_utc > max(fetched):
                yield fail(
                    scale_set.id,
                    "SecretIsNewer",
                    f"The vm secret {one.url} brings a newer certificate of {leaf.common_name} to new machines of "
                    f"{scale_set.name} than the extension does: they present that one, and keep to it.",
                    "Remove the vm secret (secrets: []), after the extension brings the newest version.",
                    secret_not_before_utc=leaf.not_before_utc.isoformat(),
                    extension_not_before_utc=max(fetched).isoformat(),
                )


RULE = Rule(
    id="secret-newer-than-extension",
    severity="error",
    reasons={"SecretIsNewer": "A vm secret brings a certificate of the name with a later NotBefore."},
    check=check,
)
