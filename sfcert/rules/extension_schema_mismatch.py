"""Are the extension's settings written for its version? Floor 3. Source: service-fabric.md 4.2, 11 A15."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import address, extensions
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, extension_body, open_value


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        subject = address(scale_set, extension)
        entries = [observed for observed in extension.observed if observed.url or observed.is_object]
        if not entries:
            continue
        if extension.major is None:
            if extension_body(observation, scale_set, extension.name).is_symbolic("typeHandlerVersion"):
                yield cannot_tell(subject, open_value("typeHandlerVersion"), "the settings fit it")
            continue
        takes_objects = extension.major >= 3
        if all(observed.is_object == takes_objects for observed in entries):
            continue
        yield fail(
            subject,
            "TextsForObjects" if takes_objects else "ObjectsForTexts",
            f"{extension.name} is of version {extension.version}, which takes observedCertificates as "
            f"{'objects' if takes_objects else 'plain addresses'}; it is written for another version.",
            'Write {"url": …, "certificateStoreName": …, "certificateStoreLocation": …} for each certificate.'
            if takes_objects
            else "Write the addresses alone, or go to version 3.0.",
            typeHandlerVersion=extension.version,
        )


RULE = Rule(
    id="extension-schema-mismatch",
    severity="error",
    reasons={
        "TextsForObjects": "Version 3 or 4 with plain addresses.",
        "ObjectsForTexts": "Version 1 or 2 with objects.",
    },
    check=check,
)
