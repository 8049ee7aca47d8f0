"""How does a forecast look on a line of time? One SVG made of text: no script, nothing fetched. Floor 5.

A lane for each certificate; in it two rows in which generations take turns, so that the overlap of old and new is seen.
Everything in the picture is in `desc` too, for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from sfcert.model.forecast import CertificateForecast, Forecast, Mark, Rotation

_WIDTH, _LEFT, _RIGHT = 960, 12, 12
_TOP, _ROW, _GAP, _LANE = 46, 13, 3, 74
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMED = 'role="img" aria-labelledby="fc-title fc-desc"'
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: A lane's name is cut at this many characters, so that it fits beside its role.
_LONGEST_NAME = 62
_STYLE = """
.fc{--fc-ink:#1b2330;--fc-soft:#5b6778;--fc-line:#d9dfe7;--fc-known:#2457a6;--fc-ahead:#b9cdec;--fc-over:#1a7f4b;
--fc-sess:#8fcfae;--fc-warn:#e0a100;--fc-bad:#b3261e;--fc-paper:#fff;font:13px system-ui,sans-serif}
@media (prefers-color-scheme:dark){.fc{--fc-ink:#e6eaf0;--fc-soft:#9aa6b6;--fc-line:#323b48;--fc-known:#6fa0ee;
--fc-ahead:#33507e;--fc-over:#58c98f;--fc-sess:#2c6b4b;--fc-warn:#e0b050;--fc-bad:#ff8a80;--fc-paper:#151a21}}
.fc text{fill:var(--fc-ink)}.fc .s{fill:var(--fc-soft);font-size:12px}.fc .b{font-weight:600}

.fc .h{paint-order:stroke;stroke:var(--fc-paper);stroke-width:4px}
.fc .m{text-anchor:middle}.fc .e{text-anchor:end}.fc .g{stroke:var(--fc-line);stroke-width:1}
.fc .n{stroke:var(--fc-ink);stroke-width:1.5}.fc .k{stroke:var(--fc-soft);stroke-dasharray:3 3}
.fc .known{fill:var(--fc-known)}.fc .ahead{fill:var(--fc-ahead)}.fc .over{fill:var(--fc-over)}
.fc .sess{fill:var(--fc-sess)}.fc .warn{fill:var(--fc-warn)}.fc .bad{fill:var(--fc-bad)}
""".replace("\n", "")
_LEGEND = (
    ("known", "certificate, known"),
    ("ahead", "certificate, foretold"),
    ("over", "the new one reaches the nodes"),
    ("sess", "old sessions end"),
    ("warn", "Service Fabric would warn"),
    ("bad", "last moment to act"),
)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Instants to horizontal places; what lies outside is put on the edge."""

    begins: datetime
    ends: datetime

    def x(self, at: datetime) -> float:
        share = (at - self.begins) / (self.ends - self.begins)
        return round(_LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT), 1)

    def shows(self, at: datetime) -> bool:
        return self.begins <= at <= self.ends


def _rect(kind: str, left: float, right: float, top: float, height: float, says: str, least: float = 1.5) -> str:
    wide = max(round(right - left, 1), least)
    title = f"<title>{escape(says)}</title>"
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{wide}" height="{height}" rx="2">{title}</rect>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def _line(kind: str, x: float, top: float, bottom: float) -> str:
    return f'<line class="{kind}" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>'


def _months(scale: _Scale) -> Iterator[datetime]:
    """The first days of months, thinned so that their names do not touch."""
    days = (scale.ends - scale.begins) / timedelta(days=1)
    month_px = (_WIDTH - _LEFT - _RIGHT) / max(days / 30.4, 1.0)
    step = next((one for one in (1, 2, 3, 6) if one * month_px >= 40), 12)
    for year in range(scale.begins.year, scale.ends.year + 1):
        for month in range(1, 13, step):
            at = datetime(year, month, 1, tzinfo=UTC)
            if scale.shows(at):
                yield at


def _axis(scale: _Scale, now: datetime, bottom: float) -> list[str]:
    found, year = [], None
    for at in _months(scale):
        x = scale.x(at)
        found.append(_line("g", x, 32, bottom))
        if abs(x - scale.x(now)) > 26:
            found.append(_text("s", x + 3, 42, _MONTHS[at.month - 1]))
        if at.year != year and x < _WIDTH - 40:
            found.append(_text("s b", x + 3, 28, str(at.year)))
            year = at.year
    x = scale.x(now)
    return [*found, _line("n", x, 32, bottom), _text("b h", x + 4, 42, "now")]


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _generation(scale: _Scale, one: Rotation, top: float) -> list[str]:
    """The certificate that goes, with its warning and the last moment."""
    y = top + (one.number - 1) % 2 * (_ROW + _GAP)
    kind = "known" if one.replaces else "ahead"
    whose = one.replaces or "a version to come"
    says = f"{whose}: {_day(one.begins.earliest_utc)} to {_day(one.expires.latest_utc)}"
    left, right = scale.x(one.begins.earliest_utc), scale.x(one.expires.latest_utc)
    found = [_rect(kind, left, right, y, _ROW, says)]
    if one.warns is not None and one.warns.earliest_utc < scale.ends:
        warned = f"Service Fabric would warn from {_day(one.warns.earliest_utc)}"
        found.append(_rect("warn", scale.x(one.warns.earliest_utc), right, y + _ROW - 4, 4, warned))
    return found


def _change_over(scale: _Scale, one: Rotation, top: float) -> list[str]:
    if one.on_nodes is None or one.on_nodes.earliest_utc > scale.ends:
        return []
    left, shown = scale.x(one.on_nodes.earliest_utc), scale.x(one.on_nodes.latest_utc)
    y, height = top - 3, 2 * _ROW + _GAP + 6
    found = []
    if one.sessions_until_utc is not None:
        until = f"old sessions end by {_day(one.sessions_until_utc)}"
        found.append(_rect("sess", shown, scale.x(one.sessions_until_utc), y + height - 4, 4, until))
    says = f"rotation {one.number}: on the nodes {_day(one.on_nodes.earliest_utc)} to {_day(one.on_nodes.latest_utc)}"
    return [*found, _rect("over", left, shown, y, height, says, 2.5)]


def _last_moment(scale: _Scale, one: Rotation, top: float) -> list[str]:
    if one.state == "under-way" or one.deadline_utc > scale.ends:
        return []
    x, y = scale.x(one.deadline_utc), top - 5
    title = f"<title>last moment to act: {_day(one.deadline_utc)}</title>"
    return [f'<path class="bad" d="M{x - 5} {y - 8}h10l-5 8z">{title}</path>']


def _lane(scale: _Scale, one: CertificateForecast, top: float) -> list[str]:
    name = one.subject.removeprefix("https://")
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    found = [_text("b h", _LEFT, top + 14, shown), _text("s e h", _WIDTH - _RIGHT, top + 14, ", ".join(one.roles))]
    bars = top + 34
    for rotation in one.rotations:
        if rotation.begins.earliest_utc <= scale.ends:
            found += _generation(scale, rotation, bars)
    last = one.rotations[-1] if one.rotations else None
    if last is None:
        says = f"{one.thumbprint}: {_day(one.not_before_utc)} to {_day(one.not_after_utc)}"
        found.append(_rect("known", scale.x(one.not_before_utc), scale.x(one.not_after_utc), bars, _ROW, says))
    elif last.due is not None and last.due.earliest_utc < scale.ends:
        y = bars + last.number % 2 * (_ROW + _GAP)
        left = scale.x(last.due.earliest_utc)
        found.append(_rect("ahead", left, scale.x(scale.ends), y, _ROW, "a version to come, beyond the horizon"))
    for rotation in one.rotations:
        found += _change_over(scale, rotation, bars)
    for rotation in one.rotations:
        found += _last_moment(scale, rotation, bars)
    return found


def _marks(forecast: Forecast) -> list[Mark]:
    """The dated facts of all certificates, once each, by date."""
    found = {(one.at_utc, one.says): one for each in forecast.certificates for one in each.marks}
    return [found[key] for key in sorted(found)]


def _describe(one: CertificateForecast) -> str:
    parts = [f"{one.subject}, {_day(one.not_before_utc)} to {_day(one.not_after_utc)}"]
    if one.deadline is not None:
        verb = "the last moment to act was" if one.deadline.is_passed else "the last moment to act is"
        parts.append(f"{verb} {_day(one.deadline.at_utc)}")
    parts += [
        f"rotation {each.number} on the nodes {_day(each.on_nodes.earliest_utc)} to {_day(each.on_nodes.latest_utc)}"
        for each in one.rotations
        if each.on_nodes is not None
    ]
    return "; ".join(parts) + "."


def forecast_svg(forecast: Forecast) -> str:
    """The time line of a forecast, as one `svg` element for a page or a file of its own.

    Equal forecasts give equal text. Colours follow the reader's preference for light or dark.
    """
    length = forecast.horizon_utc - forecast.as_of_utc
    # the first day that a date can hold has nothing before it
    before = min(length / 14, forecast.as_of_utc - datetime.min.replace(tzinfo=UTC))
    scale = _Scale(forecast.as_of_utc - before, max(forecast.horizon_utc, forecast.as_of_utc + timedelta(seconds=1)))
    marks = _marks(forecast)
    lanes_end = _TOP + _LANE * len(forecast.certificates)
    legend_top = lanes_end + 24
    height = legend_top + 44 + 18 * len(marks)
    title = f"Certificates of {forecast.cluster_id.rsplit('/', 1)[-1]} until {_day(forecast.horizon_utc)}"
    told = " ".join([*map(_describe, forecast.certificates), *(f"{_day(one.at_utc)}: {one.says}." for one in marks)])
    found = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="fc" viewBox="0 0 {_WIDTH} {height}" {_NAMED}>',
        f'<title id="fc-title">{escape(title)}</title>',
        f'<desc id="fc-desc">{escape(told or "No certificate is known.")}</desc>',
        f"<style>{_STYLE}</style>",
        *_axis(scale, forecast.as_of_utc, lanes_end),
    ]
    for number, mark in enumerate(marks):
        if scale.shows(mark.at_utc):
            letter = _LETTERS[number % len(_LETTERS)]
            found += [_line("k", scale.x(mark.at_utc), 16, lanes_end), _text("b m", scale.x(mark.at_utc), 12, letter)]
    for number, one in enumerate(forecast.certificates):
        found += _lane(scale, one, _TOP + _LANE * number)
    for number, (kind, says) in enumerate(_LEGEND):
        x, y = _LEFT + number % 3 * 240, legend_top + number // 3 * 20
        swatch = f'<path class="bad" d="M{x + 2} {y - 9}h10l-5 8z"/>' if kind == "bad" else ""
        found.append(swatch or f'<rect class="{kind}" x="{x}" y="{y - 10}" width="14" height="10" rx="2"/>')
        found.append(_text("s", x + 20, y, says))
    for number, mark in enumerate(marks):
        letter = _LETTERS[number % len(_LETTERS)]
        y = legend_top + 46 + 18 * number
        found.append(_text("s", _LEFT, y, f"{letter}  {_day(mark.at_utc)}: {mark.says}"))
    return "\n".join([*found, "</svg>"]) + "\n"
