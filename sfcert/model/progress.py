"""What was sent, and what is seen since?

Applied never claims that it worked; Convergence never claims to have done it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import field

from sfcert.model.base import Value

GateState = Literal["passed", "open", "failed", "unknown"]
ConvergenceState = Literal["current", "in-progress", "failed", "unknown"]


class GateVerdict(Value):
    """One gate after one look. `reason` is a CamelCase token from `sfcert.converge.reasons`.

    `look_again_s`: when another look may show something else; None where the gate passed or a look is no use.
    """

    gate: str
    state: GateState
    reason: str
    message: str
    look_again_s: float | None = None


class Convergence(Value):
    """Whether a resource is what it is declared to be. `look_again_s`: when to look next; None: no use."""

    subject: str
    state: ConvergenceState
    reason: str
    message: str
    look_again_s: float | None = None


class Applied(Value):
    """What was sent and accepted for one stage. `attempts` counts sends; `retries` lists passing failures met."""

    stage: str
    kind: str
    sent_at_utc: datetime
    operation: str | None
    attempts: int
    retries: tuple[str, ...] = ()


class Event(Value):
    """One line of a run: `type` from `sfcert.workflows.events`, with its own fields in `data` (never a secret)."""

    type: str
    at_utc: datetime
    data: dict[str, Any] = field(default_factory=dict)
