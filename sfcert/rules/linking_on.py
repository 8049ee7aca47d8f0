"""May Windows swap one certificate for another behind Service Fabric's back? Floor 3.

Source: service-fabric.md 4.2 and 7 row 3. Linux has no linking; version 4 always links.
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
        if extension.type.lower() != "keyvaultforwindows" or not observes(observation, scale_set, extension):
            continue
        subject = address(scale_set, extension)
        if (extension.major or 0) >= 4:
            if len(extension.observed) > 1:
                yield fail(
                    subject,
                    "AlwaysLinks",
                    f"{extension.name} is of version {extension.version}, which always links, and observes "
                    f"{len(extension.observed)} certificates: they must never share their names.",
                    "Keep the SAN sets apart, or go back to version 3.0 (delete the extension first).",
                    typeHandlerVersion=extension.version,
                )
            continue
        if extension.link_on_renewal is False:
            continue
        body = extension_body(observation, scale_set, extension.name)
        if is_open(body, "settings", "secretsManagementSettings", "linkOnRenewal"):
            yield cannot_tell(subject, open_value("linkOnRenewal"), "renewed certificates are linked")
            continue
        is_absent = extension.link_on_renewal is None
        yield fail(
            subject,
            "NotSet" if is_absent else "On",
            f"{extension.name} {'does not switch off' if is_absent else 'switches on'} linkOnRenewal: Windows may hand "
            "Service Fabric the credentials of another certificate than the one it chose.",
            'Set "linkOnRenewal": false.',
            linkOnRenewal=extension.link_on_renewal,
        )


RULE = Rule(
    id="linking-on",
    severity="error",
    reasons={
        "On": "linkOnRenewal is true.",
        "NotSet": "linkOnRenewal is absent; what that means is not documented.",
        "AlwaysLinks": "Version 4 links always, and more than one certificate is observed.",
    },
    severity_of={"AlwaysLinks": "warning"},
    check=check,
)
