"""Microsoft.ServiceFabric: clusters as ARM sees them, how upgrades walk, Service Fabric's own REST surface."""

from sfcert.sim.servicefabric.provider import install

__all__ = ["install"]
