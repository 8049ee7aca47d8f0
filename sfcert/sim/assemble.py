"""What belongs to one embedded Azure? Builds the world with every service in it, empty of resources.

Each service is a package with `install(azure)`. They find one another through the kernel, so the order below matters
only where the comment says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module
from uuid import UUID

from sfcert.sim import entra, front
from sfcert.sim.front import Mode
from sfcert.sim.kernel.azure import Azure

#: Packages below `sfcert.sim`. Entra and the front door come before all of these: they hold the tenant and the groups.
#: Clusters come before the scale sets that dial them, and both before what runs on their machines.
SERVICES: tuple[str, ...] = (
    "authority",
    "authorization",
    "identity",
    "dns",
    "keyvault",
    "deployments",
    "servicefabric",
    "compute",
    "nodes",
)


def build(
    *,
    start: datetime,
    seed: int,
    tempo: Mode = "auto",
    factor: float = 3600.0,
    looks: int = 3,
    wall: Callable[[], float] | None = None,
    services: Sequence[str] = SERVICES,
) -> Azure:
    """An embedded Azure with no resources yet.

    Args:
        start: where virtual time begins, aware.
        seed: decides every choice that the world leaves open, and the ids of the tenant and the subscription.
        tempo: how time moves, see `sfcert.sim.front.tempo`.
        factor: virtual seconds for each wall second in the tempo `factor`.
        looks: at which look a long operation has ended in the tempo `looks`.
        wall: seconds since the epoch, for tokens; None stands still, which suits tests.
        services: which packages to install.

    Effects: none outside the returned value.
    """
    azure = Azure(
        start=start, seed=seed, tenant_id=_guid(f"tenant {seed}"), subscription_id=_guid(f"subscription {seed}")
    )
    entra.install(azure, wall=wall)
    front.install(azure, tempo=tempo, factor=factor, looks=looks)
    for name in services:
        import_module(f"sfcert.sim.{name}").install(azure)
    return azure


def _guid(label: str) -> str:
    return str(UUID(bytes=hashlib.sha256(label.encode()).digest()[:16], version=4))
