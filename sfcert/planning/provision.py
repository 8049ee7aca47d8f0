"""What does each scale set need so that every machine gets the goal before Service Fabric starts? Stage 40. Floor 4.

Identity, Key Vault extension and `provisionAfterExtensions` are one update, because they are one resource. Source:
reference 3.5, 4.4, 5; design, stage 40.
"""

from __future__ import annotations

from sfcert.model.observation import ScaleSet
from sfcert.planning.bodies import below, named
from sfcert.planning.key_vault_extension import ExtensionChange, change_extension
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Edit, Step, set_to, step_of_scale_set
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import Provision


def provision(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each scale set that does not deliver the goal yet, in canary order.

    Effects: adds to `reasons`.
    """
    steps = []
    for scale_set in situation.scale_sets:
        change = change_extension(situation, scale_set, reasons)
        if change is None:
            continue
        edits = [*_identity_edits(situation, scale_set), *change.edits, *_sequence_edits(scale_set, change)]
        if not edits:
            continue
        owned = [*_identity_owned(situation, scale_set), *change.owned]
        owned += [one.path for one in _sequence_edits(scale_set, change)]
        steps.append(
            step_of_scale_set(
                definition,
                scale_set,
                names={
                    "scale_set": situation.labels[scale_set.id],
                    "name": situation.goal.common_name,
                    "vault": situation.goal.reference(scale_set.id).vault_url,
                },
                facts=delivery_facts(situation, scale_set, change),
                edits=tuple(edits),
                owned=tuple(owned),
                move=Provision(
                    stage_id="",
                    deadline_s=0,
                    scale_set_id=scale_set.id,
                    observes=tuple(one.certificate_url for one in situation.observed_after(scale_set)),
                    sequenced=True,
                    syncs_first=change.syncs_first,
                    links=change.links,
                    keeps_two=change.keeps_two,
                    store=situation.store,
                ),
                undo={"extension": change.name, "scale_set": scale_set.id},
            )
        )
    return steps


def is_delivered(situation: Situation, scale_set: ScaleSet, reasons: Reasons) -> bool:
    """Whether a scale set's extension observes the goal's name already, so that `provision` has nothing to change.

    Effects: adds to `reasons`, where the extension cannot deliver it at all.
    """
    change = change_extension(situation, scale_set, reasons)
    if change is None:
        return False
    return not (change.edits or _identity_edits(situation, scale_set) or _sequence_edits(scale_set, change))


def delivery_facts(situation: Situation, scale_set: ScaleSet, change: ExtensionChange | None) -> dict[str, object]:
    """What the gates of a stage that delivers expect."""
    latest = next((one.latest for one in situation.goal.certificates if one.latest is not None), None)
    facts: dict[str, object] = {
        "thumbprint": situation.goal.thumbprint,
        "certificate_url": situation.goal.reference(scale_set.id).certificate_url,
        "scale_set_id": scale_set.id,
    }
    if change is not None:
        facts |= {"extension": change.name, "extension_type": change.type}
    if situation.future is not None:
        facts["after_version"] = situation.goal.thumbprint
    elif latest is not None and latest.created_utc is not None:
        facts["version_created_utc"] = latest.created_utc
    return facts


def _identity_edits(situation: Situation, scale_set: ScaleSet) -> list[Edit]:
    chosen = situation.identities[scale_set.id]
    if chosen.is_assigned:
        return []
    kinds = ["SystemAssigned", "UserAssigned"] if scale_set.has_system_identity else ["UserAssigned"]
    wanted = ", ".join(kinds)
    edits = [set_to(named("identity", "userAssignedIdentities", chosen.id), {})]
    present = str((situation.raw(scale_set.id).body.get("identity") or {}).get("type") or "")
    if {one.strip().lower() for one in present.split(",")} != {one.lower() for one in kinds}:
        edits.insert(0, set_to("identity.type", wanted))
    return edits


def _identity_owned(situation: Situation, scale_set: ScaleSet) -> list[str]:
    edits = _identity_edits(situation, scale_set)
    if not edits:
        return []
    if not situation.raw(scale_set.id).body.get("identity"):
        return ["identity"]
    if scale_set.user_identities:
        return [one.path for one in edits]
    # the map itself is new, and a difference is told at the map
    return ["identity.type", "identity.userAssignedIdentities"]


def _sequence_edits(scale_set: ScaleSet, change: ExtensionChange) -> list[Edit]:
    after = scale_set.node_extension.after
    if any(one.lower() == change.name.lower() for one in after):
        return []
    return [set_to(below(scale_set.node_extension.path, "provisionAfterExtensions"), [*after, change.name])]
