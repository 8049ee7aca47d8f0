"""The machines of a cluster as they behave: what they hold, present, accept, and how they fall apart.

Here: stores, selection, validation, the ring, the monitor, the Key Vault extension's agent, the node extension, and the
TLS listeners. What is declared and how an upgrade walks lives in `sfcert.sim.servicefabric`.
"""

from sfcert.sim.nodes.assembly import install

__all__ = ["install"]
