"""How does a run look while it goes on? Lines for people, one JSON object a line for machines.

Both take `Event`s and nothing else; the closed list of types is in `sfcert.workflows.events`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from sfcert.model.codec import canonical
from sfcert.model.progress import Event
from sfcert.views.endpoint import endpoint_lines
from sfcert.views.enrolment import step_text
from sfcert.views.node_table import node_lines
from sfcert.views.text import PLAIN, Page, counted, duration

VERSION = "sfcert.run/1"
_GATE_SIGN = {"passed": "✓", "open": "…", "failed": "✗", "unknown": "?"}
_GATE_STYLE = {"passed": "green", "open": "dim", "failed": "red", "unknown": "yellow"}

Write = Callable[[str], None]


class RunView(Protocol):
    """Something that shows events as they come."""

    def __call__(self, event: Event) -> None: ...


class RunJson:
    """One JSON object a line; the first one names the version of the format."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._begun = False

    def __call__(self, event: Event) -> None:
        if not self._begun:
            self._begun = True
            self._write(canonical({"type": "version", "format": VERSION}).decode())
        line = {"type": event.type, "at_utc": event.at_utc, **event.data}
        self._write(canonical(line).decode())


class RunHuman:
    """One line for each thing that a person would want to know, in the time of the run's own clock."""

    def __init__(self, write: Write, page: Page = PLAIN) -> None:
        self._write = write
        self._page = page
        self._gates: dict[tuple[str, str], str] = {}
        self._nodes_told: list[str] = []
        self._waited: float = 0.0

    def __call__(self, event: Event) -> None:
        said = getattr(self, "_" + event.type.replace("-", "_"))(event.at_utc, event.data)
        for line in [said] if isinstance(said, str) else said:
            self._write(line)

    def _line(self, at: datetime, text: str) -> str:
        return f"{at:%m-%d %H:%M:%S}  {text}"

    def _run_started(self, at: datetime, data: dict[str, Any]) -> str:
        return self._line(at, f"{counted(len(data['stages']), 'stage')} for {data['cluster_id'].rsplit('/', 1)[-1]}")

    def _stage_started(self, at: datetime, data: dict[str, Any]) -> list[str]:
        head = self._page.paint(f"[{data['number']}/{data['of']}] {data['stage']}", "bold")
        return [self._line(at, head), *self._page.wrap(data["action"], 16)]

    def _stage_skipped(self, at: datetime, data: dict[str, Any]) -> str:
        return self._line(at, f"  = {data['why']}")

    def _stage_sent(self, at: datetime, data: dict[str, Any]) -> str:
        again = f" (attempt {data['attempt']})" if data["attempt"] > 1 else ""
        return self._line(at, f"  → sent {data['operation']}{again}")

    def _stage_attached(self, at: datetime, data: dict[str, Any]) -> str:
        return self._line(at, f"  → {data['operation']} was sent before; it is {data['state']}")

    def _stage_done(self, at: datetime, data: dict[str, Any]) -> str:
        return self._line(at, self._page.paint(f"  done after {duration(data['elapsed_s'])}", "green"))

    def _gate(self, at: datetime, data: dict[str, Any]) -> str:
        sign = self._page.paint(_GATE_SIGN[data["state"]], _GATE_STYLE[data["state"]])
        return self._line(at, f"  {sign} {data['message']}")

    def _waiting(self, at: datetime, data: dict[str, Any]) -> list[str]:
        return []

    def _retry(self, at: datetime, data: dict[str, Any]) -> str:
        return self._line(at, f"  ↻ {data['what']}")

    def _enrolment(self, at: datetime, data: dict[str, Any]) -> str:
        return self._line(at, f"  ✚ {step_text(data['what'], data)}")

    def _noted(self, at: datetime, data: dict[str, Any]) -> str:
        return self._line(at, f"  · {data['message']}")

    def _nodes(self, at: datetime, data: dict[str, Any]) -> list[str]:
        lines = node_lines(data["table"], self._page)
        if lines == self._nodes_told:  # a look that shows the same again is no news to a person
            return []
        self._nodes_told = lines
        return [self._line(at, "nodes"), *lines]

    def _endpoint(self, at: datetime, data: dict[str, Any]) -> list[str]:
        first, *rest = endpoint_lines(data["sight"], self._page)
        return [self._line(at, first), *rest]

    def _manual_step(self, at: datetime, data: dict[str, Any]) -> list[str]:
        lines = [self._line(at, "  by hand:")]
        for step in data["steps"]:
            # a line for a shell that is only a comment tells a person what to do
            lines += self._page.wrap(step.removeprefix("# "), 16, "  " if step.startswith("# ") else "- ")
        return lines + str(data.get("verbatim") or "").splitlines()

    def _run_paused(self, at: datetime, data: dict[str, Any]) -> list[str]:
        said = f"stopped after {data['after']}, as asked"
        if data["is_past"]:
            said = f"nothing was begun: an earlier run went past {data['until']}"
        return [self._line(at, said), *str(data["text"]).splitlines()]

    def _run_stopped(self, at: datetime, data: dict[str, Any]) -> list[str]:
        return [self._line(at, self._page.paint("stopped", "red")), *str(data["text"]).splitlines()]

    def _run_done(self, at: datetime, data: dict[str, Any]) -> list[str]:
        lines = [self._line(at, self._page.paint("every stage is done and was seen to hold", "green"))]
        if data["frozen"]:
            lines.append(f"Renewal stays frozen for {', '.join(data['frozen'])}.")
        return lines
