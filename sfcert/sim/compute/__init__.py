"""Microsoft.Compute: scale sets, their machines, how a model reaches them, and what runs inside as extensions."""

from sfcert.sim.compute.provider import install

__all__ = ["install"]
