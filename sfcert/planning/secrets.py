"""Which vm secrets does no thumbprint declaration need any more? Stage 80, per scale set. Floor 4.

Only what served the role that moves goes: versions that it declared, and versions of the goal certificate. What cannot
be known counts as needed. Source: reference 5 (removal deletes nothing from machines), 7 row 31; design, stage 80.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sfcert.model.observation import CertificateVersion, Observation, ScaleSet, VmSecret
from sfcert.planning.cluster import declared_facts
from sfcert.planning.provision import delivery_facts
from sfcert.planning.reasons import Reasons
from sfcert.planning.roles import role_thumbprints, thumbprint_uses
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, set_to, step_of_scale_set
from sfcert.planning.vm_secrets import SECRETS, goal_secret_url, listed_with_goal, lists_goal, raw_secrets
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import RetireSecrets


def retire_secrets(
    situation: Situation,
    definition: StageDefinition,
    reasons: Reasons,
    gone_before: Callable[[ScaleSet], Collection[str]] = lambda _: (),
) -> list[Step]:
    """A step for each scale set that still lists such versions, in canary order.

    Args:
        gone_before: URLs of those that an earlier stage of the same plan takes away.

    Effects: none.
    """
    steps = []
    for scale_set in situation.scale_sets:
        gone = set(gone_before(scale_set))
        left = [one for one in scale_set.secrets if one.url not in gone]
        retired = [one for one in left if is_retired(situation, scale_set, one)]
        if not retired:
            continue
        kept = [one.url for one in left if one not in retired]
        secret = {"secret_url": goal_secret_url(situation, scale_set)} if situation.aim == "thumbprint" else {}
        if situation.aim == "thumbprint" and not lists_goal(situation, scale_set):
            kept.append(goal_secret_url(situation, scale_set))
        urls = {one.url for one in retired}
        last = [one for one in retired if not _could_come_back(situation.observation, one)]
        steps.append(
            step_of_scale_set(
                definition,
                scale_set,
                names={
                    "scale_set": situation.labels[scale_set.id],
                    "retired": " and ".join(_short(situation.observation, one) for one in retired),
                },
                facts=delivery_facts(situation, scale_set, None)
                | {"urls": kept, "declares": declared_facts(situation)}
                | secret,
                edits=(set_to(SECRETS, _remaining(situation, scale_set, urls | gone)),),
                owned=(SECRETS,),
                move=RetireSecrets(stage_id="", deadline_s=0, scale_set_id=scale_set.id, keeps=tuple(kept)),
                undo={"urls": sorted(urls), "scale_set": scale_set.id, "lost": [one.url for one in last]},
                is_point_of_no_return=bool(last),
            )
        )
    return steps


def is_retired(situation: Situation, scale_set: ScaleSet, secret: VmSecret) -> bool:
    """Whether a vm secret served the role that moves and nothing else that was seen."""
    version = _version(situation.observation, secret)
    if version is None or secret.reference is None:
        return False
    if situation.aim == "thumbprint" and version.thumbprint == situation.goal.thumbprint:
        return False
    role = situation.role
    if version.thumbprint in {thumbprint for thumbprint, _ in thumbprint_uses(situation.observation, role=role)}:
        return False
    goal_urls = {one.url.lower() for one in situation.goal.certificates}
    served = version.thumbprint in role_thumbprints(situation.observation, role)
    return served or secret.reference.certificate_url.lower() in goal_urls


def _version(observation: Observation, secret: VmSecret) -> CertificateVersion | None:
    if secret.reference is None:
        return None
    certificate = observation.vault_certificate(secret.reference)
    return next(
        (one for one in certificate.versions if one.version == secret.reference.version) if certificate else iter(()),
        None,
    )


def _could_come_back(observation: Observation, secret: VmSecret) -> bool:
    version = _version(observation, secret)
    now = observation.observed_at_utc
    return version is not None and version.enabled and (version.not_after_utc is None or version.not_after_utc > now)


def _short(observation: Observation, secret: VmSecret) -> str:
    version = _version(observation, secret)
    name = secret.reference.name if secret.reference else secret.url
    return f"{name} {version.thumbprint[:8]}…" if version else name


def _remaining(situation: Situation, scale_set: ScaleSet, retired: set[str]) -> list[Any]:
    """The raw list without the retired entries; a vault with none left goes too, `[]` where nothing is left."""
    is_kept = situation.aim == "thumbprint"
    remaining = []
    for group in listed_with_goal(situation, scale_set) if is_kept else raw_secrets(situation, scale_set):
        entries = [one for one in group.get("vaultCertificates") or [] if one.get("certificateUrl") not in retired]
        if entries:
            remaining.append({**group, "vaultCertificates": entries})
    return remaining
