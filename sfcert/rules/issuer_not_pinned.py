"""Would nodes present a certificate whose issuer nobody pinned? Floor 3.

Selection by name ignores the pins, so the newest certificate of the name goes out first and is refused afterwards.
Source: service-fabric.md 2.1, 2.3 and 7 row 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation, PinnedName
from sfcert.pki import direct_issuers
from sfcert.rules.delivery import declared_names, name_of, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import Missing, cannot_tell

REMEDY = (
    "Pin the issuer's thumbprint beside the present one before any node fetches the certificate; "
    "if it is too late for that, disable this version in the vault and issue another from a pinned authority."
)


def _issuers(leaf: Certificate, first: Certificate | None, known: tuple[Certificate, ...]) -> tuple[str, ...]:
    """Thumbprints of every known certificate that a chain engine could put above this leaf; one is enough to match."""
    found = {one.thumbprint for one in direct_issuers(leaf, known)}
    return tuple(sorted(found | ({first.thumbprint} if first else set())))


def _judge(subject: str, name: PinnedName, issuers: tuple[str, ...], leaf: Certificate, reason: str) -> Judgement:
    return fail_at(
        subject,
        reason,
        f"The certificate {leaf.thumbprint} for {name.common_name} was signed by {leaf.issuer}, which is not pinned: "
        "nodes would present it and refuse one another.",
        REMEDY,
        {
            "issuer": leaf.issuer,
            "issuer_thumbprints": list(issuers),
            "pinned": list(name.issuers),
            "thumbprint": leaf.thumbprint,
            "not_before_utc": leaf.not_before_utc.isoformat(),
        },
    )


def _in_stores(
    observation: Observation, pinned: tuple[PinnedName, ...], known: tuple[Certificate, ...], now: datetime
) -> Iterator[Judgement]:
    """What machines would choose from the stores that can be seen; a version that was disabled later is still there."""
    by_thumbprint = {one.thumbprint: one for one in known}
    for scale_set in observation.scale_sets:
        for name in pinned:
            chosen: dict[str, Certificate] = {}
            for instance in scale_set.instances or ():
                held = [by_thumbprint[one] for one in instance.store or () if one in by_thumbprint]
                fit = [one for one in held if one.common_name == name.common_name and one.not_after_utc > now]
                if fit:
                    newest = max(fit, key=lambda one: one.not_before_utc)
                    chosen[newest.thumbprint] = newest
            for leaf in chosen.values():
                issuers = _issuers(leaf, leaf if leaf.is_self_signed else None, known)
                if issuers and not set(issuers) & set(name.issuers):
                    yield _judge(scale_set.id, name, issuers, leaf, "InStoreUnpinned")


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    names = declared_names(observation)
    pinned = tuple(name for name in names if name.issuers_text.strip())
    question = "it comes from a pinned issuer"
    yield from undecided(observation, question)
    if not pinned:
        return
    known = observation.known_certificates()
    yield from unread_deliveries(observation, question)
    for delivery, _, version, leaf in serving(observation):
        name = name_of(delivery, pinned)
        if name is None or not version.enabled or leaf.not_after_utc <= now:
            continue  # it can neither be fetched nor presented
        issuers = _issuers(leaf, version.issuer, known)
        if not issuers:
            missing = Missing(reason="IssuerUnknown", what=f"The issuer of {leaf.thumbprint}", why="is not known")
            yield cannot_tell(delivery.subject, missing, question)
        elif not set(issuers) & set(name.issuers):
            reason = "NewestVersionUnpinned" if delivery.how == "extension" else "DeliveredUnpinned"
            yield _judge(delivery.subject, name, issuers, leaf, reason)
    yield from _in_stores(observation, pinned, known, now)
    for node in (observation.runtime.nodes or ()) if observation.runtime else ():
        if not node.served:
            continue
        leaf, *above = node.served
        name = next((one for one in pinned if one.common_name == leaf.common_name), None)
        issuers = _issuers(leaf, above[0] if above else None, known)
        if name is not None and issuers and not set(issuers) & set(name.issuers):
            yield _judge(f"{observation.cluster.id}/nodes/{node.name}", name, issuers, leaf, "ServedUnpinned")


RULE = Rule(
    id="issuer-not-pinned",
    severity="error",
    blocks_plan=True,
    reasons={
        "NewestVersionUnpinned": "The newest version in the vault, which machines fetch, has an issuer without a pin.",
        "DeliveredUnpinned": "A version that the platform installs has an issuer without a pin.",
        "InStoreUnpinned": "The newest certificate of the name in a machine's store has an issuer without a pin.",
        "ServedUnpinned": "A node already serves a certificate whose issuer has no pin.",
    },
    check=check,
)
