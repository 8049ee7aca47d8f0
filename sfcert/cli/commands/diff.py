"""`sfcert diff`: what differs between two plans."""

from __future__ import annotations

from pathlib import Path

import click

from sfcert.cli.output import answer
from sfcert.cli.plan_file import load_plan


@click.command("diff")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["human", "json"]), default="human")
def command(before: Path, after: Path, form: str) -> int:
    """Say what differs between the plans BEFORE and AFTER. Ends with 2 where they differ."""
    from sfcert.model.codec import pretty
    from sfcert.planning.differences import diff_plans
    from sfcert.views.differences import differences_human

    found = diff_plans(load_plan(before), load_plan(after))
    answer(pretty(found) if form == "json" else differences_human(found))
    return 0 if found.is_same else 2
