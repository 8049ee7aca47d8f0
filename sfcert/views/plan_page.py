"""How does a plan look in a browser? Data classes first, then one template with autoescape; nothing fetched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from sfcert.model.codec import pretty
from sfcert.model.forecast import CertificateForecast, Forecast
from sfcert.model.plan import Plan, Stage
from sfcert.views.forecast import ForecastRow, describe, forecast_rows, forecast_svg, last_moment_says
from sfcert.views.forecast import headline as forecast_headline
from sfcert.views.plan import (
    NOTATION,
    SYMBOL,
    cancel_lines_of,
    change_lines_of,
    enrolment_lines,
    goal_text,
    headline,
    safe_stop,
)
from sfcert.views.text import duration, instant


@dataclass(frozen=True, slots=True)
class ChangeRow:
    kind: str
    line: str


@dataclass(frozen=True, slots=True)
class StageCard:
    """One stage on the time line. `share` is its part of the longest deadline, 0-100, for the bar's width."""

    id: str
    symbol: str
    action: str
    reason: str
    at_most: str
    computed_from: str
    share: int
    stop: str
    is_point_of_no_return: bool
    asks: tuple[str, ...]
    changes: tuple[ChangeRow, ...]
    gates_in: tuple[str, ...]
    gates_out: tuple[str, ...]
    undo: str
    az: str
    cancel: str
    template: str | None


@dataclass(frozen=True, slots=True)
class ForecastCard:
    """One certificate's rotations. `act_by` is None where there is no deadline; `sum` says where it comes from."""

    subject: str
    describes: str
    renewed_by: str
    act_by: str | None
    action: str
    sum: str
    is_passed: bool
    rows: tuple[ForecastRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForecastSection:
    """The forecast on the page. `picture` is SVG of our own making, every text in it escaped."""

    headline: str
    is_after_plan: bool
    picture: Markup
    certificates: tuple[ForecastCard, ...]
    unknown: tuple[str, ...]
    assumptions: tuple[str, ...]


def _forecast_card(one: CertificateForecast) -> ForecastCard:
    deadline = one.deadline
    first = next((each for each in one.rotations if each.state != "under-way"), None)
    ends = instant(first.expires.earliest_utc if first else one.not_after_utc)
    return ForecastCard(
        subject=one.subject.removeprefix("https://"),
        describes=describe(one),
        renewed_by=f"{one.renews}: {one.renews_because}",
        act_by=instant(deadline.at_utc) if deadline else None,
        action=deadline.action if deadline else "",
        sum=last_moment_says(deadline, ends) if deadline else "",
        is_passed=deadline is not None and deadline.is_passed,
        rows=forecast_rows(one),
        notes=(*(f"{mark.at_utc:%Y-%m-%d}: {mark.says}." for mark in one.marks), *one.notes),
    )


def _forecast(forecast: Forecast) -> ForecastSection:
    return ForecastSection(
        headline=forecast_headline(forecast),
        is_after_plan=forecast.supposes == "plan-applied",
        picture=Markup(forecast_svg(forecast)),  # made by us, every text in it is escaped there
        certificates=tuple(_forecast_card(one) for one in forecast.certificates),
        unknown=tuple(f"{one.subject}: {one.what}; {one.why} ({one.reason})" for one in forecast.unknown),
        assumptions=forecast.assumptions,
    )


def _card(stage: Stage, longest_s: int) -> StageCard:
    return StageCard(
        id=stage.id,
        symbol=SYMBOL[stage.kind],
        action=stage.action,
        reason=stage.reason,
        at_most=duration(stage.deadline.seconds),
        computed_from=stage.deadline.computed_from,
        share=max(2, round(100 * stage.deadline.seconds / longest_s)),
        stop=safe_stop(stage),
        is_point_of_no_return=stage.is_point_of_no_return,
        asks=tuple(enrolment_lines(stage)),
        changes=tuple(ChangeRow(one.kind, line) for one, line in change_lines_of(stage, 160)),
        gates_in=tuple(gate.says for gate in stage.gates_in),
        gates_out=tuple(gate.says for gate in stage.gates_out),
        undo=str(stage.undo.get("how", "")),
        az="\n".join(stage.az),
        cancel="\n".join(cancel_lines_of(stage)),
        template=pretty(stage.deployment.template) if stage.deployment else None,
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("sfcert.views").joinpath("plan_page.html.j2").read_text("utf-8"))


def plan_html(plan: Plan) -> str:
    """The review as one self-contained HTML file: no script, nothing fetched."""
    longest_s = max((stage.deadline.seconds for stage in plan.stages), default=1)
    return _template().render(
        plan=plan,
        headline=headline(plan).partition(": ")[2],  # the verdict stands beside it as a badge
        goal=goal_text(plan) if plan.goal else "",
        notation=NOTATION,
        planned_for=instant(plan.planned_for_utc or plan.created_at_utc),
        forecast=_forecast(plan.forecast) if plan.forecast else None,
        stages=[_card(stage, longest_s) for stage in plan.stages],
    )
