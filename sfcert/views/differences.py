"""How do two plans differ, in words?"""

from __future__ import annotations

from collections.abc import Sequence

from sfcert.model.plan import PropertyChange
from sfcert.planning.differences import PlanDifference
from sfcert.views.plan import change_line
from sfcert.views.text import PLAIN, Page


def differences_human(found: Sequence[PlanDifference], *, page: Page = PLAIN) -> str:
    """One line for each difference, under the stage that it belongs to; a sentence where there is none."""
    if not found:
        return "The plans are the same.\n"
    lines: list[str] = []
    stage: str | None = ""
    for one in found:
        if one.stage != stage:
            stage = one.stage
            lines.append(page.paint(stage or "the plan itself", "bold"))
        change = PropertyChange(path=one.path or "the whole stage", kind=one.kind, before=one.before, after=one.after)
        lines += page.wrap(change_line(change), 2)
    return "\n".join(lines) + "\n"
