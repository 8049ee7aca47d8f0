"""Which instances of a Manual scale set have to be brought along, and in which batches? Stages 45, 55, 75, 85. Floor 4.

Source: reference 5 (`manualupgrade`); design, stage 45.
"""

from __future__ import annotations

from sfcert.model.observation import Instance, ScaleSet
from sfcert.model.plan import InstanceUpgrade
from sfcert.planning.api_versions import api_version_for
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, step_of_scale_set
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import UpdateInstances

SCALE_SET = "Microsoft.Compute/virtualMachineScaleSets"


def is_manual(scale_set: ScaleSet) -> bool:
    return (scale_set.upgrade_mode or "").lower() == "manual"


def check_instances(scale_set: ScaleSet, reasons: Reasons) -> None:
    """Instances that were behind before this plan would get more than its changes.

    Effects: adds to `reasons`.
    """
    if not is_manual(scale_set):
        return
    if scale_set.instances is None:
        reasons.add(
            f"{scale_set.name} is in Manual mode and its instances were not read; they have to be upgraded by name. "
            "Capture with access to its virtual machines."
        )
        return
    behind = [one.name or one.id for one in scale_set.instances if one.latest_model is not True]
    if behind:
        reasons.add(
            f"Instances of {scale_set.name} do not run its newest model already ({', '.join(behind)}): upgrading them "
            "would bring them more than this plan says. Upgrade them first, then plan again."
        )


def upgrade_instances(situation: Situation, definition: StageDefinition, after: Step) -> Step:
    """The step that brings a Manual scale set's instances to the model that `after` has written."""
    scale_set = situation.observation.scale_set(after.subject)
    assert scale_set is not None
    return step_of_scale_set(
        definition,
        scale_set,
        names=after.names,
        facts=after.facts,
        instances=InstanceUpgrade(
            scale_set_id=scale_set.id,
            api_version=api_version_for(SCALE_SET, scale_set.api_version),
            batches=_batches(scale_set.instances or ()),
        ),
        move=UpdateInstances(stage_id="", deadline_s=0, scale_set_id=scale_set.id),
    )


def _batches(instances: tuple[Instance, ...]) -> tuple[tuple[str, ...], ...]:
    """Instance ids by update domain; those of an unknown domain one by one, last."""
    domains: dict[int, list[str]] = {}
    alone: list[tuple[str, ...]] = []
    for one in instances:
        if one.update_domain is None:
            alone.append((one.id,))
        else:
            domains.setdefault(one.update_domain, []).append(one.id)
    return (*(tuple(domains[key]) for key in sorted(domains)), *alone)
