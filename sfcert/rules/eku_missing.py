"""May the certificate be used for both ends of a connection? Floor 3. Source: service-fabric.md 2.6."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail

_ANY = "2.5.29.37.0"
_WORDS = {SERVER_AUTH: "server authentication", CLIENT_AUTH: "client authentication"}


def lacking(ekus: tuple[str, ...] | None) -> tuple[str, ...]:
    """Which of the two usages is not granted; none where the extension is absent (any usage)."""
    if ekus is None or _ANY in ekus:
        return ()
    return tuple(usage for usage in _WORDS if usage not in ekus)


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from unread_deliveries(observation, "it is good for both ends of a connection")
    for delivery, certificate, _, leaf in serving(observation):
        if gone := lacking(leaf.ekus):
            yield fail(
                delivery.subject,
                "LeafLacksUsage",
                f"The certificate {leaf.thumbprint} is not for {' and '.join(_WORDS[one] for one in gone)}; "
                "Service Fabric needs both.",
                "Issue it again with both extended key usages, from an authority that still grants them.",
                ekus=list(leaf.ekus or ()),
            )
        policy_gone = lacking(certificate.policy_ekus) if certificate.policy_ekus else ()
        if policy_gone and certificate.issuer_name != "Unknown":
            yield fail(
                delivery.subject,
                "PolicyLacksUsage",
                f"The policy of {certificate.name} asks for no {' and no '.join(_WORDS[one] for one in policy_gone)}: "
                "the next renewal will lack it.",
                "Put 1.3.6.1.5.5.7.3.1 and 1.3.6.1.5.5.7.3.2 into the policy before the next renewal.",
                policy_ekus=list(certificate.policy_ekus or ()),
            )


RULE = Rule(
    id="eku-missing",
    severity="error",
    reasons={
        "LeafLacksUsage": "The certificate that nodes get lacks client or server authentication.",
        "PolicyLacksUsage": "The vault's policy asks the next certificate without one of them.",
    },
    check=check,
)
