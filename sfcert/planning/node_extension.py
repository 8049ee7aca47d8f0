"""What makes the node extensions go by name? Stage 70, per scale set. Floor 4. Source: reference 1.5, 3.5."""

from __future__ import annotations

from sfcert.model.observation import Declaration
from sfcert.planning.declarations import declared_name, extension_name, extension_owned
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, step_of_scale_set
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import DeclareExtension


def declare_name_on_nodes(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each scale set whose node extension does not go by the cluster's names, in canary order.

    Effects: adds to `reasons`, where a declaration could not be read.
    """
    names = declared_name(situation).names
    steps = []
    for scale_set in situation.scale_sets:
        now = scale_set.node_extension.certificate
        if now.kind in ("none", "unresolved", "both"):
            reasons.add(
                f"The node extension of {scale_set.name} declares its certificate in a way that cannot be planned from "
                f"({now.kind}). Make it agree with the cluster first."
            )
            continue
        wanted = {one.common_name for one in names}
        if now.kind == "common-name" and {one.common_name for one in now.names} == wanted:
            continue
        body = situation.raw(scale_set.id).body
        steps.append(
            step_of_scale_set(
                definition,
                scale_set,
                names={"scale_set": situation.labels[scale_set.id], "name": situation.goal.common_name},
                facts={
                    "scale_set_id": scale_set.id,
                    "declares": {"common_names": [one.common_name for one in names]},
                    "thumbprint": situation.goal.thumbprint,
                    "certificate_url": situation.goal.reference(scale_set.id).certificate_url,
                },
                edits=extension_name(situation, scale_set, body),
                owned=extension_owned(scale_set),
                move=DeclareExtension(
                    stage_id="",
                    deadline_s=0,
                    scale_set_id=scale_set.id,
                    declaration=Declaration(
                        kind="common-name", path=now.path, names=names, store=now.store or situation.store
                    ),
                ),
                undo={"declaration": list(now.thumbprints), "resource": scale_set.id},
            )
        )
    return steps
