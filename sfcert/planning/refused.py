"""Would the resource provider take each change of the cluster, as it comes? Its own checks, before the first call.

Floor 4. Every stage is held against the declaration that the stage before it leaves. Leaves out what the provider says
of scale sets, and the rule against scaling in the same request: capacities are taken from the live resource, so that no
stage changes one. Source: reference 1.2 and 7 through `sfcert.trust.refusals`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.stages import stage_id_of
from sfcert.planning.step import Step
from sfcert.trust.moves import DeclareCluster, Move, Together
from sfcert.trust.refusals import refusals


def check_refusals(situation: Situation, steps: Sequence[Step], reasons: Reasons) -> None:
    """Each stage that would be refused is a reason, with the provider's own name for it.

    Effects: adds to `reasons`.
    """
    cluster = situation.observation.cluster
    now = cluster.certificate
    for step in steps:
        for move in _changes(step.move):
            for code, message in refusals(now, move.declaration, role="cluster", clients=cluster.clients):
                reasons.add(
                    f"The resource provider would refuse stage {stage_id_of(step)} with {code}: {message} Correct it "
                    "first."
                )
            now = move.declaration


def _changes(move: Move) -> tuple[DeclareCluster, ...]:
    if isinstance(move, Together):
        return tuple(one for part in move.moves for one in _changes(part))
    return (move,) if isinstance(move, DeclareCluster) else ()
