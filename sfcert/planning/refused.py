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
from sfcert.trust.moves import DeclareClients, DeclareCluster, DeclareReverseProxy, Move, Together
from sfcert.trust.refusals import refusals


def check_refusals(situation: Situation, steps: Sequence[Step], reasons: Reasons) -> None:
    """Each stage that would be refused is a reason, with the provider's own name for it.

    Effects: adds to `reasons`.
    """
    cluster = situation.observation.cluster
    own, proxy, clients = cluster.certificate, cluster.reverse_proxy, cluster.clients
    for step in steps:
        for move in _changes(step.move):
            # the whole resource is sent, so that what another role declares is looked at with every change
            after = move.declaration if isinstance(move, DeclareCluster) else own
            proxied = move.declaration if isinstance(move, DeclareReverseProxy) else proxy
            clients = move.clients if isinstance(move, DeclareClients) else clients
            found = (
                *refusals(own, after, role="cluster", clients=clients, settings=cluster.settings),
                *refusals(proxy, proxied, role="reverse-proxy"),
            )
            for code, message in found:
                reasons.add(
                    f"The resource provider would refuse stage {stage_id_of(step)} with {code}: {message} Correct it "
                    "first."
                )
            own, proxy = after, proxied


def _changes(move: Move) -> tuple[DeclareCluster | DeclareClients | DeclareReverseProxy, ...]:
    if isinstance(move, Together):
        return tuple(one for part in move.moves for one in _changes(part))
    if isinstance(move, DeclareReverseProxy) and move.scale_set_id is not None:
        return ()
    return (move,) if isinstance(move, DeclareCluster | DeclareClients | DeclareReverseProxy) else ()
