"""Is a declared common name the bare name? Floor 3. Source: service-fabric.md 7 row 7, 11 A05."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Declaration, Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, open_names

REMEDY = "Write the value of the CN alone, exactly as it stands in the certificate: case, dots and all."


def _judge(subject: str, declaration: Declaration) -> Iterator[Judgement]:
    for name in declaration.names:
        text = name.common_name
        if text != text.strip() or not text.strip():
            reason, why = "Blank", "is empty or has blanks around it"
        elif text.upper().replace(" ", "").startswith("CN="):
            reason, why = "Prefixed", "begins with CN="
        elif "," in text or "=" in text:
            reason, why = "WholeSubject", "is a whole subject, not its CN"
        else:
            continue
        message = f"The declared common name {text!r} {why}: no certificate is found by it."
        yield fail_at(subject, reason, message, REMEDY, {declaration.path: text})


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    missing = open_names(observation)
    if missing is not None:
        yield cannot_tell(cluster.id, missing, "the name is a bare name")
    for declaration in (cluster.certificate, cluster.reverse_proxy):
        yield from _judge(cluster.id, declaration)
    for scale_set in observation.scale_sets:
        yield from _judge(scale_set.id, scale_set.node_extension.certificate)


RULE = Rule(
    id="name-malformed",
    severity="error",
    reasons={
        "Prefixed": "The name begins with CN=.",
        "WholeSubject": "The name has other parts of a subject in it.",
        "Blank": "The name is empty or has blanks around it.",
    },
    check=check,
)
