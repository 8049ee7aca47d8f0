"""What must a person know when a run ends early? What is frozen, until when that is safe, how to go on. Floor 5."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sfcert.model.base import Value
from sfcert.model.plan import Plan, Stage
from sfcert.workflows.vault_stage import freezes, resumes


class Stop(Value):
    """Where a run stands. `frozen` are vault certificate URLs whose renewal is off because of this plan;
    `safe_until_utc` is the date of the newest stage that is done; `go_on` the command."""

    frozen: tuple[str, ...]
    safe_until_utc: datetime | None
    next_stage: str | None
    go_on: str

    @property
    def text(self) -> str:
        """Sentences for the end of the output; never empty."""
        lines = []
        if self.frozen:
            until = (
                f"{self.safe_until_utc:%Y-%m-%d %H:%M} UTC" if self.safe_until_utc else "an unknown date: do not wait"
            )
            lines.append(f"Renewal is frozen for {', '.join(self.frozen)}; this is safe until {until}.")
        if self.next_stage:
            lines.append(f"Next stage: {self.next_stage}. To go on: {self.go_on}")
        return "\n".join(lines) or "Nothing is left frozen."


def stop_of(plan: Plan, done: Collection[str], plan_name: str) -> Stop:
    """Where the run stands when these stages are done.

    Args:
        done: stage ids, in any order.
        plan_name: how the plan is called on the command line.
    """
    frozen: list[str] = []
    safe: datetime | None = None
    for stage in plan.stages:
        if stage.id not in done:
            continue
        url = _certificate_url(stage)
        if url and freezes(stage):
            frozen.append(url)
        elif url and resumes(stage) and url in frozen:
            frozen.remove(url)
        # the newest stage's date counts: it was computed for the state that it leaves
        safe = stage.safe_to_stop_until_utc
    following = next((stage.id for stage in plan.stages if stage.id not in done), None)
    return Stop(
        frozen=tuple(frozen),
        safe_until_utc=safe if frozen else None,
        next_stage=following,
        go_on=f"sfcert apply {plan_name}",
    )


def _certificate_url(stage: Stage) -> str | None:
    return f"{stage.vault.vault_url}/certificates/{stage.vault.certificate}" if stage.vault else None
