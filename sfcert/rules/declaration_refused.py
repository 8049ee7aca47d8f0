"""Would the resource provider refuse this declaration as it stands? Floor 3.

The reasons carry the provider's own error names. Source: service-fabric.md 1.2. Refusals of a *change* are the
planner's to foresee.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Declaration, Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, open_value


def _judge(cluster_id: str, declaration: Declaration, role: str) -> Iterator[Judgement]:
    names = [name.common_name for name in declaration.names]
    evidence = {declaration.path: [*declaration.thumbprints, *declaration.malformed, *names]}

    def refuse(reason: str, message: str, remedy: str) -> Judgement:
        return fail_at(cluster_id, reason, f"The {role} certificate {message}", remedy, evidence)

    if declaration.kind == "unresolved":
        missing = open_value(f"The declaration of the {role} certificate")
        yield cannot_tell(cluster_id, missing, "the resource provider takes it")
    if declaration.kind == "both":
        yield refuse(
            "InvalidCommonNameThumbprintPair",
            "is declared by thumbprint and by common name at once.",
            "Declare it one way; removing the other property is part of the same change.",
        )
    if len(names) > 2:
        yield refuse("InvalidCommonNameCount", "has more than two common names.", "Declare one or two.")
    if any(count > 1 for count in Counter(names).values()):
        yield refuse(
            "DupeCommonNameNotAllowedForClusterCert",
            "names the same common name twice.",
            "Declare it once, with the issuers of both entries in one list.",
        )
    if declaration.malformed:
        yield refuse(
            "InvalidThumbprint",
            f"is declared by {declaration.malformed[0]!r}, which is no SHA-1 thumbprint.",
            "Write 40 hexadecimal digits; type them anew if they were copied from a dialog with invisible marks.",
        )
    if role == "reverse proxy's" and any(name.issuers_text.strip() for name in declaration.names):
        yield refuse(
            "UnsupportedIssuerThumbprintPair",
            "has an issuer pin, which the provider does not support for this role.",
            'Write an empty certificateIssuerThumbprint ("").',
        )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    yield from _judge(cluster.id, cluster.certificate, "cluster")
    yield from _judge(cluster.id, cluster.reverse_proxy, "reverse proxy's")


RULE = Rule(
    id="declaration-refused",
    severity="error",
    reasons={
        "InvalidCommonNameThumbprintPair": "A role is declared by thumbprint and by name.",
        "InvalidCommonNameCount": "A role has more than two common names.",
        "DupeCommonNameNotAllowedForClusterCert": "A role names one common name twice.",
        "InvalidThumbprint": "A declared thumbprint is none.",
        "UnsupportedIssuerThumbprintPair": "The reverse proxy's name has an issuer pin.",
    },
    check=check,
)
