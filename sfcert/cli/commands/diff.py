"""`sfcert diff`: what differs between two plans."""

from __future__ import annotations

from pathlib import Path

import click

from sfcert.cli.output import answer, form_option
from sfcert.cli.page import page_of_terminal
from sfcert.cli.plan_file import load_plan

FORMAT = "sfcert.diff/1"


@click.command("diff")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@form_option
def command(before: Path, after: Path, form: str) -> int:
    """Say what differs between the plans BEFORE and AFTER. Ends with 2 where they differ."""
    from sfcert.model.codec import pretty
    from sfcert.planning.differences import diff_plans
    from sfcert.views.differences import differences_human

    left, right = load_plan(before), load_plan(after)
    found = diff_plans(left, right)
    if form == "json":
        answer(pretty({"format": FORMAT, "before": left.digest, "after": right.digest, "differences": found}))
    else:
        answer(differences_human(found, page=page_of_terminal()))
    return 2 if found else 0
