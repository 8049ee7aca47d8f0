"""Public DNS zones: the resource provider, and a DNS port of their own on loopback. Service name: none.

The zones are plain resources; the port belongs to the server, so that it stays the same when the world is reset.
"""

from __future__ import annotations

from sfcert.sim.dns.provider import DnsProvider
from sfcert.sim.kernel.azure import Azure


def install(azure: Azure) -> None:
    azure.register(DnsProvider(azure))
