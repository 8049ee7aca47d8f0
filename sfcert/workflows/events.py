"""What does a run tell while it goes on? The closed list of event types, one JSON line each with `--json`. Floor 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sfcert.model.progress import Event

#: type -> what it says and the fields of its `data`. Closed: views know no other.
EVENTS: Mapping[str, str] = {
    "run-started": "A run begins: digest, cluster_id, stages (ids in order).",
    "stage-started": "A stage begins: stage, action, reason, number, of.",
    "stage-skipped": "What the stage would do is already so: stage, why.",
    "stage-sent": "A write was accepted: stage, operation, attempt.",
    "stage-attached": "An earlier run's write is waited for: stage, operation, state.",
    "stage-done": "All gates of the stage are passed: stage, how, elapsed_s, safe_to_stop_until_utc.",
    "gate": "A gate's verdict changed: stage, gate, kind, level, state, reason, message.",
    "waiting": "Nothing to do for a while: stage, seconds, why.",
    "retry": "A passing failure: stage, what.",
    "enrolment": "A step of a certificate's enrolment: stage, what, name, and what belongs to it.",
    "noted": "Something that the reader should know: stage, message.",
    "endpoint": "What a TLS endpoint serves changed: sight.",
    "nodes": "The node table: table.",
    "manual-step": "Something only a person can do: stage, steps; verbatim, a text to be copied, where there is one.",
    "run-paused": "The run stops where it was told to: after, next.",
    "run-stopped": "The run ends early: token, message, frozen, safe_until_utc, go_on.",
    "run-done": "Every stage is done: digest, stages, frozen.",
}

Emit = Callable[[Event], None]


def event(kind: str, at: datetime, /, **data: Any) -> Event:
    """One event; a type outside the list is a bug."""
    assert kind in EVENTS, kind
    return Event(type=kind, at_utc=at, data=data)
