"""Does the vault hand the certificate out in the form that the machines take? Floor 3.

Windows machines take PKCS#12; the Linux extension takes either. Source: service-fabric.md 6.2, 11 A20.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    if observation.cluster.os != "Windows":
        return
    yield from unread_deliveries(observation, "its form suits the machines")
    for delivery, certificate, _, _ in serving(observation):
        if certificate.content_type and certificate.content_type.lower() != "application/x-pkcs12":
            yield fail(
                delivery.subject,
                "NotPkcs12",
                f"{certificate.name} is handed out as {certificate.content_type}; Windows machines cannot import that.",
                'Set "contentType": "application/x-pkcs12" and issue a new version.',
                contentType=certificate.content_type,
            )


RULE = Rule(
    id="content-type-wrong",
    severity="error",
    reasons={"NotPkcs12": "A Windows cluster's certificate is handed out in another form than PKCS#12."},
    check=check,
)
