"""How long? Durations as people write them."""

from __future__ import annotations

from typing import Any

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Span(click.ParamType[float]):
    """`90s`, `15m`, `6h`, `30d`, or a plain number of seconds; the value is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        unit = _UNITS.get(text[-1:])
        try:
            seconds = float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            self.fail(f"{value!r} is not a duration such as 90s, 15m, 6h or 30d", param, ctx)
        if seconds < 0:
            self.fail("time does not go back", param, ctx)
        return seconds
