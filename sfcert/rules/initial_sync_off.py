"""Does the Key Vault extension hold a new machine back until its certificates are there? Floor 3.

Version 4 always does. Source: service-fabric.md 4.2, 4.3, 7 row 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import address, extensions, observes
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, extension_body, is_open, open_value


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        waits = (extension.major or 0) >= 4 or extension.require_initial_sync is True
        if waits or not observes(observation, scale_set, extension):
            continue
        subject = address(scale_set, extension)
        body = extension_body(observation, scale_set, extension.name)
        if is_open(body, "settings", "secretsManagementSettings", "requireInitialSync"):
            yield cannot_tell(subject, open_value("requireInitialSync"), "new machines wait for their certificates")
            continue
        is_absent = extension.require_initial_sync is None
        yield fail(
            subject,
            "NotSet" if is_absent else "Off",
            f"{extension.name} reports success before it has fetched anything: a new or re-imaged machine of "
            f"{scale_set.name} can start Service Fabric without its certificate.",
            'Set "requireInitialSync": true, together with provisionAfterExtensions on the node extension.',
            requireInitialSync=extension.require_initial_sync,
        )


RULE = Rule(
    id="initial-sync-off",
    severity="error",
    reasons={
        "Off": "requireInitialSync is false.",
        "NotSet": "requireInitialSync is absent, which means false.",
    },
    check=check,
)
