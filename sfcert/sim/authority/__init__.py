"""Certificate authorities of the simulated world, with keys, in virtual time. Service name: `authority`."""

from __future__ import annotations

from sfcert.sim.authority.authorities import Authorities
from sfcert.sim.kernel.azure import Azure


def install(azure: Azure) -> None:
    azure.add_service("authority", Authorities(azure))
