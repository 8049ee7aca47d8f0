"""Which vm secrets take the place of those that have ended, and which go later? Stages 40 and 80 of `recover-expired`.

Floor 4. Leaves out who may install from a vault (`vm_secrets`). Source: reference 5 (removal deletes nothing from
machines), 6.2 (whether a vault gives out an expired version is not settled: one that stays in the list may fail every
update of the scale set).
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sfcert.model.observation import ScaleSet
from sfcert.planning.instances import is_manual
from sfcert.planning.provision import delivery_facts
from sfcert.planning.reasons import Reasons
from sfcert.planning.secrets import is_retired, retire_secrets
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, set_to, step_of_scale_set
from sfcert.planning.vm_secrets import SECRETS, add_secrets, goal_secret_url, listed_with_goal, lists_goal
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import AddSecrets, RetireSecrets, Together


def exchange_secrets(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each scale set that does not list the goal's version, or lists one that has ended: that goes in the
    same update, because a vault may refuse to give it out, and with it every update of the scale set.

    Effects: adds to `reasons`, where the platform could not fetch from the vault.
    """
    if situation.aim != "thumbprint" or situation.goal_is_to_come:
        return []
    added = {step.scale_set_id: step for step in add_secrets(situation, definition, reasons)}
    steps = []
    for scale_set in situation.scale_sets:
        step, gone = added.get(scale_set.id), _ended_secrets(situation, scale_set)
        if step is not None and not gone:
            steps.append(replace(step, names=step.names | {"instead": ""}))
        elif gone and (step is not None or lists_goal(situation, scale_set)):
            steps.append(_exchanged(situation, definition, scale_set, gone))
    return steps


def retire_later(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """As `secrets.retire_secrets`, without what was exchanged already.

    Effects: none.
    """
    if situation.aim != "thumbprint" or situation.goal_is_to_come:
        return []
    return retire_secrets(situation, definition, reasons, lambda one: _ended_secrets(situation, one))


def _exchanged(situation: Situation, definition: StageDefinition, scale_set: ScaleSet, gone: list[str]) -> Step:
    url, thumbprint = goal_secret_url(situation, scale_set), situation.goal.thumbprint
    kept = [one.url for one in scale_set.secrets if one.url not in gone and one.url.lower() != url.lower()]
    adds = AddSecrets(
        stage_id="",
        deadline_s=0,
        scale_set_id=scale_set.id,
        secrets=((url, thumbprint),),
        store=situation.store,
        reaches_nodes=not is_manual(scale_set),
    )
    retires = RetireSecrets(stage_id="", deadline_s=0, scale_set_id=scale_set.id, keeps=(*kept, url))
    return step_of_scale_set(
        definition,
        scale_set,
        names={
            "scale_set": situation.labels[scale_set.id],
            "goal_short": f"{thumbprint[:8]}…",
            "certificate": situation.goal.reference(scale_set.id).name,
            "instead": ", in the place of what has ended",
        },
        facts=delivery_facts(situation, scale_set, None) | {"urls": [*kept, url], "secret_url": url},
        edits=(set_to(SECRETS, _without(listed_with_goal(situation, scale_set), gone)),),
        owned=(SECRETS,),
        move=Together(stage_id="", deadline_s=0, moves=(adds, retires)),
        undo={"urls": [url], "scale_set": scale_set.id, "ended": gone},
    )


def _ended_secrets(situation: Situation, scale_set: ScaleSet) -> list[str]:
    """URLs of vm secrets that bring a version which has ended and which served the cluster role, whoever else goes by
    it."""
    observation, found = situation.observation, []
    leaves = situation.recovery.leaves if situation.recovery is not None else ()
    declared = {one.thumbprint for one in leaves}
    for secret in scale_set.secrets:
        certificate = observation.vault_certificate(secret.reference) if secret.reference else None
        for version in certificate.versions if certificate and secret.reference else ():
            end = version.not_after_utc
            has_ended = end is not None and end <= observation.observed_at_utc
            is_meant = secret.reference is not None and version.version == secret.reference.version
            served = version.thumbprint in declared or is_retired(situation, scale_set, secret)
            if is_meant and has_ended and served:
                found.append(secret.url)
    return found


def _without(groups: list[Any], gone: list[str]) -> list[Any]:
    remaining = []
    for group in groups:
        entries = [one for one in group.get("vaultCertificates") or [] if one.get("certificateUrl") not in gone]
        if entries:
            remaining.append({**group, "vaultCertificates": entries})
    return remaining
