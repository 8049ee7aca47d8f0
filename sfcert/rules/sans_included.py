"""Would linking bind one observed certificate to another? Floor 3. Source: service-fabric.md 7 row 3, 11 A21.

Asked only where linking is on, or may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import address, deliveries, extensions
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.linking import links
from sfcert.rules.reading import cannot_tell


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        is_safe = (extension.major or 0) < 4 and extension.link_on_renewal is False
        if is_safe or extension.type.lower() != "keyvaultforwindows" or len(extension.observed) < 2:
            continue
        subject = address(scale_set, extension)
        found = [one for one in deliveries(observation, scale_set) if one.how == "extension"]
        missing = next((one.missing for one in found if one.missing), None)
        if missing is not None:
            yield cannot_tell(subject, missing, "its names include those of another certificate")
        owner = {
            one.version.certificate.thumbprint: one
            for one in found
            if one.version is not None and one.version.certificate is not None
        }
        leaves = [one.version.certificate for one in owner.values() if one.version and one.version.certificate]
        for old, new in links(leaves):
            if owner[old.thumbprint].subject == owner[new.thumbprint].subject:
                continue  # a renewal of itself, which is what linking is for
            yield fail(
                subject,
                "NamesIncluded",
                f"Every name of {owner[old.thumbprint].subject} is also in {owner[new.thumbprint].subject}: "
                "Windows will take the second for a renewal of the first and present it instead.",
                "Give each certificate names of its own, or switch linking off (version 3.0).",
                old=list(old.dns_names),
                new=list(new.dns_names),
            )


RULE = Rule(
    id="sans-included",
    severity="error",
    reasons={"NamesIncluded": "The SAN set of one observed certificate is part of another's, and linking may be on."},
    check=check,
)
