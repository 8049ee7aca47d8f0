"""Where does the embedded Azure run? The face for the command line, the demo and tests.

In a thread of this process (`start_in_thread`), or as a process of its own (`serve_forever`, `up`, `down`). The modules
behind it are the simulator's composition root: wall time and a random token are read there and nowhere below. Leaves
out: which folder to use and what to print (see the command line).
"""

from __future__ import annotations

from sfcert.sim.process import down, env, serve_forever, status, up
from sfcert.sim.server.environment import VARIABLES
from sfcert.sim.settings import DEFAULT_SEED
from sfcert.sim.steering import SimFailed, call_control, control
from sfcert.sim.thread import Running, start_in_thread

__all__ = [
    "DEFAULT_SEED",
    "VARIABLES",
    "Running",
    "SimFailed",
    "call_control",
    "control",
    "down",
    "env",
    "serve_forever",
    "start_in_thread",
    "status",
    "up",
]
