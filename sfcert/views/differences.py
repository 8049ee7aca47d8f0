"""How do two plans differ, in words?"""

from __future__ import annotations

from sfcert.planning.differences import PlanDifference
from sfcert.views.plan import change_line
from sfcert.views.text import PLAIN, Page


def differences_human(found: PlanDifference, *, page: Page = PLAIN) -> str:
    if found.is_same:
        return "The plans are the same.\n"
    lines = [f"{found.before_digest}", f"→ {found.after_digest}"]
    for change in found.changes:
        lines += page.wrap(change_line(change), 2)
    return "\n".join(lines) + "\n"
