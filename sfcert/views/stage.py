"""How is one stage of a plan reviewed, and how is it done by hand? Terminal text. Floor 5.

The lines for `az` are printed to the letter, never wrapped: they are copied into a shell.
"""

from __future__ import annotations

from sfcert.model.plan import Stage
from sfcert.views.plan import cancel_lines_of, stage_lines
from sfcert.views.text import PLAIN, Page


def stage_human(stage: Stage, *, page: Page = PLAIN) -> str:
    """The stage as the whole plan's review shows it, then its lines by hand."""
    lines = stage_lines(stage, page)
    if stage.az:
        lines += ["", page.paint("By hand with az", "bold"), *stage.az]
    if cancel := cancel_lines_of(stage):
        lines += ["", page.paint("To cancel its request while it is open", "bold"), *cancel]
    return "\n".join(lines) + "\n"
