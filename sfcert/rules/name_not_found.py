"""Does every machine get a certificate whose subject CN is the declared name? Floor 3.

Presentation looks for the exact CN: case counts, a SAN does not, a wildcard is a letter like others. Validation is more
lenient, which is why the mistake goes unseen until a node starts. Source: service-fabric.md 2.1, 2.3, 7 row 32.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation, ScaleSet
from sfcert.rules.delivery import deliveries, undecided, unknown_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell


def _near_miss(name: str, leaves: list[Certificate]) -> tuple[str, str] | None:
    """Reason and words for a certificate that almost fits."""
    wanted = name.lower()
    for leaf in leaves:
        subject = leaf.common_name or ""
        if subject.lower() == wanted:
            return "CaseDiffers", f"{subject!r} differs from it in case"
    for leaf in leaves:
        subject = (leaf.common_name or "").lower()
        parents = {one.partition(".")[2] for one in (subject, wanted) if one.startswith("*.")}
        if parents and {subject.partition(".")[2], wanted.partition(".")[2]} == parents:
            return "WildcardDiffers", f"{leaf.common_name!r} covers it as a wildcard only"
    for leaf in leaves:
        if wanted in (one.lower() for one in leaf.dns_names):
            return "OnlyInSan", f"{leaf.common_name!r} has it among its alternative names only"
    return None


def _is_in_every_store(observation: Observation, scale_set: ScaleSet, name: str) -> bool:
    of_name = {one.thumbprint for one in observation.known_certificates() if one.common_name == name}
    instances = scale_set.instances or ()
    return bool(instances) and all(instance.store and of_name & set(instance.store) for instance in instances)


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    names = [name.common_name for name in observation.cluster.certificate.names]
    yield from undecided(observation, "its machines get a certificate of the declared name")
    if not names:
        return
    for scale_set in observation.scale_sets:
        found = deliveries(observation, scale_set)
        leaves = [one.version.certificate for one in found if one.version and one.version.certificate]
        if any(leaf.common_name in names for leaf in leaves):
            continue
        missing = next((one.missing for one in found if one.missing), None) or unknown_deliveries(
            observation, scale_set
        )
        near = next((near for name in names if (near := _near_miss(name, leaves))), None)
        if missing is not None and near is None:
            yield cannot_tell(scale_set.id, missing, f"its machines get a certificate of the name {names[0]}")
        elif not found and not any(_is_in_every_store(observation, scale_set, name) for name in names):
            yield fail(
                scale_set.id,
                "NothingDelivered",
                f"Nothing that is declared brings a certificate to machines of {scale_set.name}: they depend on an "
                "image or a script that sfcert does not see.",
                "Let the Key Vault extension bring the certificate.",
                declared=names,
            )
        elif found:
            reason, words = near or ("NotDelivered", "none of the certificates that arrive bears it")
            yield fail(
                scale_set.id,
                reason,
                f"The cluster declares {names[0]}; on machines of {scale_set.name}, {words}: "
                "Service Fabric finds nothing to present.",
                "Issue the certificate with the declared name as its subject CN, letter by letter.",
                declared=names,
                delivered=[leaf.common_name for leaf in leaves],
            )


RULE = Rule(
    id="name-not-found",
    severity="error",
    reasons={
        "CaseDiffers": "A delivered certificate has the name in other case.",
        "WildcardDiffers": "A delivered certificate covers the name as a wildcard, or the wildcard was declared.",
        "OnlyInSan": "The name is among the alternative names only.",
        "NotDelivered": "No delivered certificate has the name.",
        "NothingDelivered": "No certificate is delivered by anything that is declared.",
    },
    severity_of={"NothingDelivered": "warning"},
    check=check,
)
