"""What happened when a plan was carried out on a twin? One run each seed. Floor 0."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import field

from sfcert.model.base import Value

FORMAT = "sfcert.rehearsal/1"
Hardship = Literal["none", "usual", "hostile"]


class RefusedConnection(Value):
    """One connection that a node, or the resource provider (`SFRP`), refused. `stage` None: before the first stage."""

    at_utc: datetime
    stage: str | None
    caller: str
    refuser: str
    presented: str
    why: str


class Setback(Value):
    """An end of a run that the same command, run again, went on from. `token` is that of the error."""

    at_utc: datetime
    stage: str | None
    token: str
    message: str


class RehearsalRun(Value):
    """One run. `stages_done` in order; `hours` are virtual; `open_gates` is empty where the end was reached.

    `reading` is how the resource provider walked certificate changes; `hardships` lists what was done to the world,
    `retries` the passing failures that were met.
    """

    seed: int
    reading: Literal["phases", "single"]
    reached_the_end: bool
    stages_done: tuple[str, ...]
    hours: float
    refused: tuple[RefusedConnection, ...] = ()
    open_gates: tuple[str, ...] = ()
    setbacks: tuple[Setback, ...] = ()
    retries: tuple[str, ...] = ()
    hardships: tuple[str, ...] = ()
    quorum_lost: bool = False

    @property
    def held(self) -> bool:
        """Whether the plan came through: the end was reached and nobody was refused."""
        return self.reached_the_end and not self.refused and not self.quorum_lost


class Rehearsal(Value):
    """Every run of one plan. `left_open` is what the bundle did not tell and the twin therefore leaves open."""

    digest: str
    cluster_id: str
    faults: Hardship
    stages: int
    runs: tuple[RehearsalRun, ...]
    verdict: Literal["held", "broke"]
    left_open: tuple[str, ...] = field(default_factory=tuple)
    format: str = FORMAT
