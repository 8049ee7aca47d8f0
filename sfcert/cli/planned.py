"""How does an observation become a plan on the command line? Audit first, then plan with what it found."""

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
    """The sealed plan for what was seen, with the audit's findings in it.

    Raises:
        InputError: a playbook, a template or an input is not what it must be.
    """
    from sfcert.planning.assemble import plan_rollover
    from sfcert.rules import audit

    return plan_rollover(
        observation,
        inputs,
        playbooks_dir=playbooks,
        templates_dir=templates,
        now=now,
        tool_version=version,
        findings=audit(observation, now=now).findings,
    )
