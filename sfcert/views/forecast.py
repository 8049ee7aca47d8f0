"""How is a forecast read? As terminal text, JSON, or a picture of time. Floor 5.

Nothing is computed here that the forecast does not say. The order is its own: nearest deadline first.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfcert.model.codec import pretty
from sfcert.model.forecast import CertificateForecast, Forecast, LastMoment, Rotation, Span
from sfcert.views.text import PLAIN, Page, counted, duration, instant, table
from sfcert.views.time_line import forecast_svg

__all__ = ["ForecastRow", "forecast_human", "forecast_json", "forecast_rows", "forecast_svg", "headline"]

_BY = {"name": "found by its name", "thumbprint": "declared by thumbprint", "application": "declared by nobody"}
_ARRIVES = {
    "extension": "brought by the Key Vault extension",
    "secret": "brought as vm secret",
    "elsewhere": "brought by nothing that was seen",
}
_STATE = {"by-person": "by a person", "under-way": "under way", "overdue": "overdue"}
_ROLE = {"cluster": "cluster", "reverse-proxy": "reverse proxy", "client": "client", "application": "application"}


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One rotation in words, for tables. Every cell is text; a dash where there is nothing to say."""

    number: str
    due: str
    on_nodes: str
    expires: str
    warns: str
    act_by: str
    slack: str
    is_late: bool


def headline(forecast: Forecast) -> str:
    """The verdict in one line."""
    passed = len(forecast.passed)
    count = len(forecast.certificates)
    told = f"{counted(count, 'certificate')}, looked ahead to {forecast.horizon_utc:%Y-%m-%d}"
    unknown = f"; {len(forecast.unknown)} not known" if forecast.unknown else ""
    if passed:
        return f"{passed} deadline{'s have' if passed > 1 else ' has'} passed: {told}{unknown}"
    ahead = [one.deadline.at_utc for one in forecast.certificates if one.deadline is not None]
    if not ahead:
        return f"no deadline is known: {told}{unknown}"
    left = duration((min(ahead) - forecast.as_of_utc).total_seconds())
    return f"the nearest deadline is {instant(min(ahead))}, in {left}: {told}{unknown}"


def describe(one: CertificateForecast) -> str:
    """What it is for, how its users find it, and how it arrives, in one line."""
    roles = ", ".join(_ROLE[role] for role in one.roles)
    where = f" on {', '.join(one.scale_sets)}" if one.scale_sets else ""
    arrives = "" if one.roles == ("client",) and one.arrives == "elsewhere" else f"; {_ARRIVES[one.arrives]}{where}"
    return f"{roles}; {_BY[one.selected]}{arrives}"


def last_moment_says(deadline: LastMoment, ends: str) -> str:
    """The sum that a deadline comes from, largest parts in their own order."""
    parts = " + ".join(f"{duration(one.seconds)} ({one.what})" for one in deadline.sum)
    return f"{ends} less {duration(sum(one.seconds for one in deadline.sum))}: {parts}"


def _span(span: Span | None) -> str:
    if span is None:
        return "–"
    first, last = f"{span.earliest_utc:%Y-%m-%d}", f"{span.latest_utc:%Y-%m-%d}"
    if first == last:
        return first
    return f"{first}…{last[5:] if first[:4] == last[:4] else last}"


def _slack(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    days = f"{abs(seconds) // 86400} d" if abs(seconds) >= 86400 else duration(abs(seconds))
    return f"-{days}" if seconds < 0 else days


def _row(one: Rotation) -> ForecastRow:
    return ForecastRow(
        number=str(one.number),
        due=_STATE.get(one.state) or _span(one.due),
        on_nodes=_span(one.on_nodes),
        expires=_span(one.expires),
        warns=_span(one.warns),
        act_by=f"{one.deadline_utc:%Y-%m-%d}",
        slack=_slack(one.slack_s),
        is_late=one.slack_s is not None and one.slack_s < 0,
    )


def forecast_rows(one: CertificateForecast) -> tuple[ForecastRow, ...]:
    """The rotations of one certificate as table rows."""
    return tuple(_row(each) for each in one.rotations)


def _certificate_lines(one: CertificateForecast, page: Page) -> list[str]:
    lines = [page.paint(one.subject.removeprefix("https://"), "bold")]
    lines += page.wrap(describe(one), 2)
    lines += page.wrap(f"{one.thumbprint}, {instant(one.not_before_utc)} to {instant(one.not_after_utc)}", 2)
    who = {"vault": "the vault", "person": "a person", "unknown": "not known"}[one.renews]
    lines += page.wrap(f"{who}: {one.renews_because}", 2, "renewed by ")
    if one.deadline is not None:
        deadline = one.deadline
        word = "the last moment has passed: " if deadline.is_passed else "act by "
        lines += [
            page.paint(line, "red" if deadline.is_passed else "cyan")
            for line in page.wrap(f"{instant(deadline.at_utc)}: {deadline.action}", 2, word)
        ]
        first = next((each for each in one.rotations if each.state != "under-way"), None)
        ends = instant(first.expires.earliest_utc if first else one.not_after_utc)
        lines += page.wrap(last_moment_says(deadline, ends), 4, "= ")
    if one.rotations:
        head = ("#", "asked for", "on the nodes", "old one ends", "warns from", "act by", "slack")
        rows: list[tuple[str, ...]] = [
            (row.number, row.due, row.on_nodes, row.expires, row.warns, row.act_by, row.slack)
            for row in forecast_rows(one)
        ]
        lines += _fitting(head, rows, page)
    for mark in one.marks:
        lines += page.wrap(f"{mark.at_utc:%Y-%m-%d}: {mark.says} ({mark.source})", 2, "on the way ")
    for note in one.notes:
        lines += [page.paint(line, "yellow") for line in page.wrap(note, 2, "! ")]
    return lines


def _fitting(head: tuple[str, ...], rows: list[tuple[str, ...]], page: Page) -> list[str]:
    """The table where the page is wide enough for it, else a line or two for each row."""
    lines = table([head, *rows])
    if max(map(len, lines)) <= page.width:
        return lines
    found = []
    for row in rows:
        said = ", ".join(f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True) if cell != "–")
        found += page.wrap(said, 2, f"{row[0]}: ")
    return found


def forecast_human(forecast: Forecast, page: Page = PLAIN) -> str:
    """The forecast for a terminal."""
    style = "red" if forecast.passed else "green"
    lines = [page.paint(line, style) for line in page.wrap(headline(forecast))]
    supposes = ", once the plan has been applied" if forecast.supposes == "plan-applied" else ""
    lines += page.wrap(f"{forecast.cluster_id}, as of {instant(forecast.as_of_utc)}{supposes}")
    for one in forecast.certificates:
        lines += ["", *_certificate_lines(one, page)]
    if forecast.unknown:
        lines += ["", page.paint("Not known", "yellow")]
        for missing in forecast.unknown:
            lines += page.wrap(f"{missing.subject}: {missing.what}; {missing.why} ({missing.reason})", 2, "- ")
    lines += ["", "Assumed"]
    lines += [line for text in forecast.assumptions for line in page.wrap(text, 2, "- ")]
    return "\n".join(lines) + "\n"


def forecast_json(forecast: Forecast) -> str:
    """`sfcert.forecast/1`, one document."""
    return pretty(forecast)
