"""What must a person know when a run ends early? What is frozen, until when that is safe, how to go on. Floor 5."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sfcert.model.base import Value
from sfcert.model.plan import Plan, Stage
from sfcert.workflows.vault_stage import freezes, resumes

#: Ends after which the same plan can never go on.
_PLAN_AGAIN = frozenset({"PlanStale", "ForeignChange"})


class Stop(Value):
    """Where a run stands. `frozen` are vault certificate URLs whose renewal is off because of this plan;
    `safe_until_utc` is the date of the newest stage that is done; `go_on` the command. `or_else` is what to do instead
    where what was refused has changed since; None where there is nothing else."""

    frozen: tuple[str, ...]
    safe_until_utc: datetime | None
    next_stage: str | None
    go_on: str
    or_else: str | None = None

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
            if self.or_else:
                lines.append(self.or_else)
        return "\n".join(lines) or "Nothing is left frozen."


def stop_of(
    plan: Plan, done: Collection[str], plan_name: str, *, begun: Collection[str] = (), token: str | None = None
) -> Stop:
    """Where the run stands when these stages are done.

    Args:
        done: stage ids, in any order.
        plan_name: how the plan is called on the command line.
        begun: stages that were written, or were about to be, and whose gates have not been seen open. What one of
            these freezes counts as frozen; what one resumes does not count as resumed.
        token: why the run ends; None where nothing is wrong. A plan that is no longer true is planned again.
    """
    frozen: list[str] = []
    safe: datetime | None = None
    for stage in plan.stages:
        if stage.id not in done and stage.id not in begun:
            continue
        url = _certificate_url(stage)
        if url and freezes(stage):
            frozen.append(url)
        elif url and resumes(stage) and url in frozen and stage.id in done:
            frozen.remove(url)
        # the newest done stage's date counts: it was computed for the state that it leaves
        if stage.id in done or safe is None:
            safe = stage.safe_to_stop_until_utc
    again = f"sfcert plan --cluster {plan.cluster_id} --playbook {plan.playbook} -o {plan_name}"
    is_refused = token == "GateRefused"
    following = next((stage.id for stage in plan.stages if stage.id not in done), None)
    return Stop(
        frozen=tuple(frozen),
        safe_until_utc=safe if frozen else None,
        next_stage=following,
        go_on=again if token in _PLAN_AGAIN or is_refused else f"sfcert apply {plan_name}",
        or_else=f"Give it what the gate asks for. Where the authority itself signs otherwise by now: sfcert apply "
        f"{plan_name}"
        if is_refused
        else None,
    )


def _certificate_url(stage: Stage) -> str | None:
    return f"{stage.vault.vault_url}/certificates/{stage.vault.certificate}" if stage.vault else None
