"""`sfcert show`: review a saved plan."""

from __future__ import annotations

from pathlib import Path

import click

from sfcert.cli.output import answer
from sfcert.cli.page import page_of_terminal
from sfcert.cli.plan_file import load_plan


@click.command("show")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["human", "json", "markdown", "html"]), default="human")
def command(plan: Path, form: str) -> int:
    """Review a saved PLAN."""
    from sfcert.model.codec import pretty
    from sfcert.views.plan import plan_human, plan_markdown
    from sfcert.views.plan_page import plan_html

    loaded = load_plan(plan)
    match form:
        case "json":
            answer(pretty(loaded))
        case "markdown":
            answer(plan_markdown(loaded))
        case "html":
            answer(plan_html(loaded))
        case _:
            answer(plan_human(loaded, file=str(plan), page=page_of_terminal()))
    return 0
