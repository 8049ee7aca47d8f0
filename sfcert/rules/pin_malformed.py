"""Are the issuer pins thumbprints, each once? Floor 3. Source: service-fabric.md 1.2, 11 A02."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, open_names


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    missing = open_names(observation)
    if missing is not None:
        yield cannot_tell(cluster.id, missing, "every pin is a thumbprint")
    for place, name in enumerate(cluster.certificate.names):
        path = f"{cluster.certificate.path}.commonNames[{place}].certificateIssuerThumbprint"
        if name.malformed:
            yield fail_at(
                cluster.id,
                "NotAThumbprint",
                f"The pins of {name.common_name} hold {name.malformed[0]!r}, which is no SHA-1 thumbprint: "
                "it can match no issuer.",
                "Write 40 hexadecimal digits for each issuer, separated by commas.",
                {path: name.issuers_text},
            )
        twice = sorted(one for one, count in Counter(name.issuers).items() if count > 1)
        if twice:
            yield fail_at(
                cluster.id,
                "Duplicated",
                f"The pins of {name.common_name} name {twice[0]} twice; the provider refuses that "
                "(InvalidCertificateIssuerThumbprints).",
                "Name each issuer once.",
                {path: name.issuers_text},
            )


RULE = Rule(
    id="pin-malformed",
    severity="error",
    reasons={
        "NotAThumbprint": "An element of the list is not a SHA-1 thumbprint.",
        "Duplicated": "An issuer is named twice.",
    },
    check=check,
)
