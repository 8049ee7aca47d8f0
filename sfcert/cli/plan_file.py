"""Which plan was named? A saved plan, read and held to its digest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfcert.errors import InputError

if TYPE_CHECKING:
    from sfcert.model.plan import Plan, Stage


def load_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises:
        InputError: FileUnreadable, PlanInvalid, FormatTooNew, PlanDigestMismatch.
    """
    from sfcert.model.codec import read_plan

    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError("FileUnreadable", f"{path} cannot be read: {error.strerror or error}.") from error
    return read_plan(text, str(path))


def stage_of(plan: Plan, stage_id: str) -> Stage:
    """The stage of this id.

    Raises:
        InputError: StageUnknown; the message lists those that there are.
    """
    found = plan.stage(stage_id)
    if found is None:
        known = ", ".join(stage.id for stage in plan.stages) or "none"
        raise InputError("StageUnknown", f"The plan has no stage {stage_id!r}. It has: {known}.")
    return found
