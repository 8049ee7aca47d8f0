"""`sfcert forecast`: every next rotation, margin and deadline."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from sfcert.cli.output import answer, form_option, write_whole
from sfcert.cli.page import page_of_terminal
from sfcert.cli.reading import look
from sfcert.cli.source import source_of, source_options


@click.command("forecast")
@source_options
@form_option
@click.option("--days", type=click.IntRange(1, 3660), metavar="N", help="How far ahead (default: 548, 18 months).")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Also write the time line as a picture.")
def command(form: str, days: int | None, svg: Path | None, **options: Any) -> int:
    """Tell when each certificate rotates, when the nodes have it, and until when a person can still act.

    Ends with 2 where such a last moment has passed. What cannot be foretold is named, and given no date.
    """
    from sfcert.enrol.forecast import HORIZON, forecast
    from sfcert.views.forecast import forecast_human, forecast_json, forecast_svg

    observation = look(source_of(options))
    horizon = timedelta(days=days) if days else HORIZON
    found = forecast(observation, observation.observed_at_utc, horizon=horizon)
    if svg is not None:
        write_whole(svg, forecast_svg(found))
    answer(forecast_json(found) if form == "json" else forecast_human(found, page_of_terminal()))
    return 2 if found.passed else 0
