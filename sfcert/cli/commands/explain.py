"""`sfcert explain`: a rule's page."""

from __future__ import annotations

import click

from sfcert.cli.output import answer


@click.command("explain")
@click.argument("rule", required=False)
def command(rule: str | None) -> int:
    """Print the page of RULE; without one, list the catalogue."""
    from sfcert.rules import catalogue, explain

    if rule is None:
        width = max(len(one.id) for one in catalogue())
        answer("\n".join(f"{one.severity:8} {one.id:{width}}  {one.title}" for one in catalogue()))
        return 0
    answer(explain(rule))
    return 0
