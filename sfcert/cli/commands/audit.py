"""`sfcert audit`: findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sfcert.cli.output import answer
from sfcert.cli.page import page_of_terminal
from sfcert.cli.reading import look, read_text
from sfcert.cli.source import source_of, source_options

_VERDICT_EXIT = {"pass": 0, "fail": 2, "unknown": 2}


@click.command("audit")
@source_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "json", "markdown", "sarif"]),
    default="human",
    show_default=True,
    help="For people, one JSON document, a page, or what code scanners read.",
)
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule; repeatable.")
@click.option(
    "--min-severity",
    type=click.Choice(["error", "warning", "info"]),
    default="info",
    show_default=True,
    help="Leave out what is less severe.",
)
@click.option(
    "--suppressions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Findings accepted for a while: a YAML list of rule, reason, until (last day) and perhaps subject.",
)
def command(form: str, rules: tuple[str, ...], min_severity: Any, suppressions: Path | None, **options: Any) -> int:
    """Look for the known ways in which clusters die.

    Ends with 2 where an error-level rule failed or could not be judged.
    """
    from sfcert.rules import audit
    from sfcert.rules.suppressions import read_suppressions
    from sfcert.views.audit import audit_view

    source = source_of(options)
    silenced = read_suppressions(read_text(suppressions), str(suppressions)) if suppressions else ()
    observation = look(source)
    found = audit(
        observation,
        now=observation.observed_at_utc,
        only=rules,
        min_severity=min_severity,
        suppressions=silenced,
    )
    answer(audit_view(found, form, page_of_terminal()))
    return _VERDICT_EXIT[found.verdict]
