"""`sfcert permissions`: what applying needs."""

from __future__ import annotations

from pathlib import Path

import click

from sfcert.cli.output import answer
from sfcert.cli.plan_file import load_plan


@click.command("permissions")
@click.argument("plan", type=click.Path(path_type=Path))
def command(plan: Path) -> int:
    """Print the exact Azure actions that applying PLAN needs, as a custom role definition (JSON)."""
    from sfcert.model.codec import pretty
    from sfcert.planning.permissions import permissions

    answer(pretty(permissions(load_plan(plan))))
    return 0
