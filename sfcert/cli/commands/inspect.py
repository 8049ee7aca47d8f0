"""`sfcert inspect`: what is declared where."""

from __future__ import annotations

from typing import Any

import click

from sfcert.cli.output import answer, form_option
from sfcert.cli.page import page_of_terminal
from sfcert.cli.reading import look
from sfcert.cli.source import source_of, source_options


@click.command("inspect")
@source_options
@form_option
def command(form: str, **options: Any) -> int:
    """Show what is declared where: roles, node types, provisioning, versions, who presents what."""
    from sfcert.model.codec import pretty
    from sfcert.sources.inspect import inspect
    from sfcert.views.inspect import inspect_human

    observation = look(source_of(options))
    inspected = inspect(observation)
    answer(pretty(inspected) if form == "json" else inspect_human(inspected, observation, page=page_of_terminal()))
    return 0
