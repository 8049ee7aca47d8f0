"""What does a node present, what does it accept, and can two nodes ever refuse each other? Floor 2, pure.

Knows no plan, only states: a `World` (`world_of` an observation) and the `moves` that change it. Nothing here says what
to do; `refusals` and `starting_state` say what the resource provider and its vendor allow.
"""

from sfcert.trust.prove import assumptions, prove, safe_to_stop_until
from sfcert.trust.refusals import refusals
from sfcert.trust.starting_state import starting_state
from sfcert.trust.starting_world import world_of
from sfcert.trust.world import World

__all__ = ["World", "assumptions", "prove", "refusals", "safe_to_stop_until", "starting_state", "world_of"]
