"""Azure Resource Manager's front door: tokens, routing, groups, lists, long operations, permissions, unkindness."""

from __future__ import annotations

from sfcert.sim.front.arm import ArmFront
from sfcert.sim.front.exchange import Reply, Request
from sfcert.sim.front.groups import Groups
from sfcert.sim.front.tempo import Mode, Tempo
from sfcert.sim.kernel.azure import Azure

__all__ = ["ArmFront", "Groups", "Mode", "Reply", "Request", "Tempo", "install"]


def install(azure: Azure, *, tempo: Mode = "auto", factor: float = 3600.0, looks: int = 3) -> None:
    """Add the services `tempo`, `arm`, `groups`, `opaque` and `unkind`. The service `entra` must be there."""
    clockwork = Tempo(azure, tempo, factor, looks)
    azure.add_service("tempo", clockwork)
    front = ArmFront(azure, clockwork)
    azure.add_service("arm", front)
    azure.add_service("groups", front.groups)
    azure.add_service("opaque", front.opaque)
    azure.add_service("unkind", front.unkind)
