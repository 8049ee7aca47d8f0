"""Can the platform fetch every vm secret that a scale set lists while the plan changes it? Floor 4.

One version that is disabled or gone fails every deployment of its scale set, so that no stage there would succeed.
Versions that nobody could read are the proof's business. Source: reference 5, 7 row 31.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfcert.model.observation import VmSecret
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.stages import stage_id_of
from sfcert.planning.step import Step
from sfcert.trust.moves import Move, RetireSecrets, Together


def check_secrets(situation: Situation, steps: Sequence[Step], reasons: Reasons) -> None:
    """A reason for each unusable version that is still listed when a stage sends its scale set.

    Effects: adds to `reasons`.
    """
    listed = {one.id: one.secrets for one in situation.scale_sets}
    told: set[tuple[str, str]] = set()
    for step in steps:
        for move in _retired(step.move):
            keeps = {url.lower() for url in move.keeps}
            listed[move.scale_set_id] = tuple(one for one in listed[move.scale_set_id] if one.url.lower() in keeps)
        for scale_set_id in step.edits:
            for secret in listed.get(scale_set_id, ()):
                why = _unusable(situation, secret)
                if why is None or (scale_set_id, secret.url) in told:
                    continue
                told.add((scale_set_id, secret.url))
                reasons.add(
                    f"The vm secret {secret.url} of {situation.labels[scale_set_id]} {why}: stage {stage_id_of(step)}, "
                    "like every deployment of the scale set, would fail. Enable the version again, or take the entry "
                    "out of the scale set if nothing needs it, and plan again."
                )


def _unusable(situation: Situation, secret: VmSecret) -> str | None:
    reference = secret.reference
    name = situation.observation.vault_certificate(reference) if reference is not None else None
    if reference is None or name is None or reference.version is None:
        return None
    wanted = reference.version.lower()
    version = next((one for one in name.versions if one.version.lower() == wanted), None)
    if version is None:
        return "names a version that the vault does not have"
    return None if version.enabled else "names a version that is disabled"


def _retired(move: Move) -> tuple[RetireSecrets, ...]:
    if isinstance(move, Together):
        return tuple(one for part in move.moves for one in _retired(part))
    return (move,) if isinstance(move, RetireSecrets) else ()
