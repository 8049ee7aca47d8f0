"""Are settings of Windows security left in a cluster that goes by certificates? Floor 3.

Source: service-fabric.md 1.3: such settings have no meaning beside X.509, so one of the two is not what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, cluster_body, open_value

_IDENTITIES = ("clusteridentities", "clusterspn", "adminclientidentities", "clientidentities")
_KINDS = ("clustercredentialtype", "serverauthcredentialtype")


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    if cluster.certificate.kind == "none":
        return
    settings = cluster_body(observation)
    sections = [one for one in settings.items("fabricSettings") if (one.text("name") or "").lower() == "security"]
    listed = [value for one in sections for value in one.items("parameters")]
    named = [value for value in listed if (value.text("name") or "").lower() in (*_IDENTITIES, *_KINDS)]
    if settings.is_symbolic("fabricSettings") or any(value.is_symbolic("value") for value in named):
        missing = open_value("A setting of Windows security, or all settings of the cluster,")
        yield cannot_tell(cluster.id, missing, "Windows security is set beside certificates")
    for section, values in cluster.settings.items():
        if section.lower() != "security":
            continue
        for key, value in values.items():
            evidence = {f"properties.fabricSettings[name='{section}'].{key}": value}
            if key.lower() in _IDENTITIES and value.strip():
                yield fail_at(
                    cluster.id,
                    "IdentitiesSet",
                    f"Security/{key} belongs to Windows security and says nothing where certificates are declared.",
                    "Remove the setting; give clients access by certificate or by Entra ID.",
                    evidence,
                )
            elif key.lower() in _KINDS and value.strip().lower() == "windows":
                yield fail_at(
                    cluster.id,
                    "CredentialTypeWindows",
                    f"Security/{key} is {value} in a cluster that declares certificates.",
                    "Find out which of the two the cluster was made with; the type cannot be changed afterwards.",
                    evidence,
                )


RULE = Rule(
    id="windows-security-mixed",
    severity="warning",
    reasons={
        "IdentitiesSet": "Identities of Windows security are set beside certificates.",
        "CredentialTypeWindows": "The credential type is Windows, and certificates are declared.",
    },
    check=check,
)
