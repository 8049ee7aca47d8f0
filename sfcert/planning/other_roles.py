"""What do playbooks about another role than the cluster's own ask of the planner besides their stages? Floor 4.

Each such role has its own goal, and its own look at the world that the proof starts from. The cluster's own is
`assemble`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sfcert.model.observation import Observation
from sfcert.planning.clients import clients_situation, clients_world
from sfcert.planning.inputs import Inputs
from sfcert.planning.reasons import Reasons
from sfcert.planning.reverse_proxy import reverse_proxy_situation, reverse_proxy_world
from sfcert.planning.roles import Role
from sfcert.planning.situation import Situation
from sfcert.playbook import Aim, Playbook
from sfcert.trust.world import World

#: aim -> the situation of its role, or None where nothing can be planned; obstacles are added to the reasons.
SITUATIONS: Mapping[Aim, Callable[[Observation, Inputs, Playbook, Reasons], Situation | None]] = {
    "clients": clients_situation,
    "reverse-proxy": reverse_proxy_situation,
}
_WORLDS: Mapping[Role, Callable[[World, Situation], World]] = {
    "clients": clients_world,
    "reverse-proxy": reverse_proxy_world,
}


def world_for(world: World, situation: Situation) -> World:
    """The world of the proof with what matters to the role that moves; for the cluster's own as it is.

    Effects: none.
    """
    of_role = _WORLDS.get(situation.role)
    return of_role(world, situation) if of_role is not None else world
