"""Can a machine get the key, and Service Fabric use it? Floor 3. Source: service-fabric.md 2.5, 6.2, 11 A20."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import policy_unread, serving, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell

_SHORTEST_RSA = 2048


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    question = "its key can be used on the machines"
    yield from unread_deliveries(observation, question)
    for delivery, certificate, _, leaf in serving(observation):
        if not certificate.has_policy:
            yield cannot_tell(delivery.subject, policy_unread(certificate), question)
        if certificate.exportable is False:
            yield fail(
                delivery.subject,
                "NotExportable",
                f"The policy of {certificate.name} forbids the key to leave the vault, so machines get a certificate "
                "without its key.",
                'Issue it anew with "exportable": true.',
                exportable=False,
            )
        if (certificate.key_type or "").upper().endswith("-HSM"):
            yield fail(
                delivery.subject,
                "HardwareKey",
                f"The key of {certificate.name} lives in hardware ({certificate.key_type}) and cannot reach machines.",
                'Issue it anew with "kty": "RSA".',
                kty=certificate.key_type,
            )
        elif (certificate.key_type or "RSA").upper().startswith("EC"):
            yield fail(
                delivery.subject,
                "NotRsa",
                f"The policy of {certificate.name} asks for a key of the type {certificate.key_type} at the next "
                "renewal; Service Fabric is only known to work with RSA keys.",
                'Set "kty": "RSA" in the policy before it renews.',
                kty=certificate.key_type,
            )
        elif certificate.key_bits is not None and certificate.key_bits < _SHORTEST_RSA:
            yield fail(
                delivery.subject,
                "TooShort",
                f"The policy of {certificate.name} asks for an RSA key of {certificate.key_bits} bits.",
                f"Ask for at least {_SHORTEST_RSA} bits.",
                key_size=certificate.key_bits,
            )
        if not leaf.key_type.upper().startswith("RSA"):
            yield fail(
                delivery.subject,
                "NotRsa",
                f"The key of {leaf.thumbprint} is {leaf.key_type}; Service Fabric is only known to work with RSA keys.",
                'Issue it anew with "kty": "RSA".',
                key_type=leaf.key_type,
            )
        elif leaf.key_bits < _SHORTEST_RSA:
            yield fail(
                delivery.subject,
                "TooShort",
                f"The RSA key of {leaf.thumbprint} has {leaf.key_bits} bits.",
                f"Issue it anew with at least {_SHORTEST_RSA} bits.",
                key_bits=leaf.key_bits,
            )


RULE = Rule(
    id="key-unusable",
    severity="error",
    reasons={
        "NotExportable": "The policy does not let the key leave the vault.",
        "HardwareKey": "The key lives in a hardware module.",
        "NotRsa": "The key is not an RSA key.",
        "TooShort": "The RSA key is shorter than 2048 bits.",
    },
    severity_of={"TooShort": "warning"},
    check=check,
)
