"""What is a world built from, and what time is it outside? What both ways of running share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sfcert.sim.assemble import SERVICES, build
from sfcert.sim.front import Mode
from sfcert.sim.kernel.azure import Azure

DEFAULT_SEED = 1
#: How long a start may take before it is given up, in seconds of wall time.
START_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a world is built from."""

    start: datetime
    seed: int = DEFAULT_SEED
    tempo: Mode = "auto"
    factor: float = 3600.0
    looks: int = 3
    services: tuple[str, ...] = SERVICES

    def build(self) -> Azure:
        return build(
            start=self.start,
            seed=self.seed,
            tempo=self.tempo,
            factor=self.factor,
            looks=self.looks,
            wall=time.time,
            services=self.services,
        )


def wall_now() -> datetime:
    """The present whole second, aware UTC."""
    return datetime.now(UTC).replace(microsecond=0)
