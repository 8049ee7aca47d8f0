"""Ready-made worlds: clusters with their vaults and authorities, standing and at rest.

`load(azure, name, **options)` makes one by name; `load_bundle(azure, bundle)` makes the twin of a captured cluster.
"""

from sfcert.sim.nodes.view import snapshot
from sfcert.sim.worlds.build import load, prepare
from sfcert.sim.worlds.specs import WORLDS
from sfcert.sim.worlds.twin import from_bundle

load_bundle = from_bundle

__all__ = ["WORLDS", "from_bundle", "load", "load_bundle", "prepare", "snapshot"]
