"""Does an identity have to be created? Stage 20. Floor 4. Which one is meant is `identities`' question."""

from __future__ import annotations

from sfcert.model.ids import parse_resource_id
from sfcert.planning.api_versions import api_version_for
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import Nothing

KIND = "Microsoft.ManagedIdentity/userAssignedIdentities"


def create_identity(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for the identity that this plan introduces; none where every chosen one exists.

    Effects: adds to `reasons`, where the cluster's region is not known.
    """
    wanted = {one.id: one for one in situation.identities.values() if not one.exists}
    location = situation.observation.cluster.location
    if wanted and location is None:
        reasons.add("The cluster's region was not read, so that no identity can be placed there. Capture again.")
        return []
    return [
        Step(
            definition=definition,
            subject=one.id,
            scope=parse_resource_id(one.id).group_scope,
            names={"identity": one.name},
            facts={"identity_id": one.id},
            values={"api_version": api_version_for(KIND, None), "name": one.name, "location": location},
            move=Nothing(stage_id="", deadline_s=0),
            undo={"identity": one.id},
        )
        for one in wanted.values()
    ]
