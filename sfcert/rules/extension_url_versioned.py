"""Does the Key Vault extension observe addresses that can renew? Floor 3. Source: service-fabric.md 4.2."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import address, extensions, observed_by, observes_unknown
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, is_authored, open_value

REMEDY = "Write https://<vault>.vault.azure.net/secrets/<name>, without a version, and redeploy the scale set."


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        if observes_unknown(observation, scale_set, extension):
            missing = open_value(f"The list of what {extension.name} observes")
            yield cannot_tell(address(scale_set, extension), missing, "every address is a secret's, without a version")
    for scale_set, extension, observed in observed_by(observation):
        subject, reference = address(scale_set, extension), observed.reference
        if reference is None and not observed.url and is_authored(observation):
            yield cannot_tell(subject, open_value("An observed address"), "it is a secret's address without a version")
        elif reference is None:
            yield fail(
                subject,
                "NotAVaultAddress",
                f"{observed.url!r} is not the address of a vault's secret, so the extension fetches nothing from it.",
                REMEDY,
                url=observed.url,
            )
        elif reference.kind != "secrets":
            yield fail(
                subject,
                "NotASecret",
                f"{observed.url} names the {reference.kind} side of the certificate, which comes without its key.",
                REMEDY,
                url=observed.url,
            )
        elif reference.version is not None:
            yield fail(
                subject,
                "Versioned",
                f"{observed.url} is tied to one version: a renewed certificate never reaches the nodes.",
                REMEDY,
                url=observed.url,
            )


RULE = Rule(
    id="extension-url-versioned",
    severity="error",
    reasons={
        "Versioned": "The address names one version of the secret.",
        "NotASecret": "The address is below /certificates/ or /keys/, where the key is not to be had.",
        "NotAVaultAddress": "The address is not a vault's at all.",
    },
    check=check,
)
