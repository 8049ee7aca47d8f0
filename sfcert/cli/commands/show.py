"""`sfcert show`: review a saved plan, or one stage of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfcert.cli.output import answer
from sfcert.cli.page import page_of_terminal
from sfcert.cli.plan_file import load_plan, stage_of
from sfcert.errors import InputError

if TYPE_CHECKING:
    from sfcert.model.plan import Plan

_FOR_A_STAGE = ("human", "json", "template")


@click.command("show")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--stage", metavar="STAGE", help="This stage alone, with the lines that do the same by hand.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "json", "markdown", "html", "template"]),
    default="human",
    help="'template' is what a stage deploys, for those who deploy by hand.",
)
def command(plan: Path, stage: str | None, form: str) -> int:
    """Review a saved PLAN."""
    from sfcert.model.codec import pretty
    from sfcert.views.plan import plan_human, plan_markdown
    from sfcert.views.plan_page import plan_html

    if stage is None and form == "template":
        raise click.UsageError("--format template goes with --stage STAGE.")
    if stage is not None and form not in _FOR_A_STAGE:
        raise click.UsageError(f"--stage goes with --format {', '.join(_FOR_A_STAGE)}.")
    loaded = load_plan(plan)
    if stage is not None:
        return _show_stage(loaded, stage, form)
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


def _show_stage(plan: Plan, stage_id: str, form: str) -> int:
    from sfcert.model.codec import pretty
    from sfcert.views.stage import stage_human

    found = stage_of(plan, stage_id)
    match form:
        case "json":
            answer(pretty(found))
        case "template":
            if found.deployment is None:
                raise InputError(
                    "StageUnknown",
                    f"Stage {stage_id} deploys no template: it is of kind {found.kind}.",
                )
            answer(pretty(found.deployment.template))
        case _:
            answer(stage_human(found, page=page_of_terminal()))
    return 0
