"""How does an observation become a plan on the command line? Audit first, plan with what it found, forecast."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfcert.model.observation import Observation
    from sfcert.model.plan import Plan
    from sfcert.planning.inputs import Inputs


def plan_for(
    observation: Observation,
    inputs: Inputs,
    *,
    now: datetime,
    playbooks: Path,
    templates: Path,
    version: str,
) -> Plan:
    """The sealed plan for what was seen, with the audit's findings and the forecast of where it leads in it.

    Raises:
        InputError: a playbook, a template or an input is not what it must be.
    """
    from msgspec.structs import replace

    from sfcert.enrol.forecast import forecast_of_plan
    from sfcert.model.codec import sealed
    from sfcert.planning.assemble import plan_rollover
    from sfcert.rules import audit

    plan = plan_rollover(
        observation,
        inputs,
        playbooks_dir=playbooks,
        templates_dir=templates,
        now=now,
        tool_version=version,
        findings=audit(observation, now=now).findings,
    )
    return sealed(replace(plan, forecast=forecast_of_plan(observation, plan, now)))
