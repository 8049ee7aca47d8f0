"""When may a renewal begin? Windows of time, and their next opening. Floor 3.

A window is a five-field cron expression in UTC with a length. Numbers, `*`, lists, ranges and steps are known; names
of days and months, `L`, `W` and `#` are not. A day matches when both fields match, or either where both are
restricted, as cron has it.
Source: POSIX crontab(5); the idea of windows from cert-manager's renewal policies.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sfcert.model.enrolment import Window

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_HORIZON = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Opening:
    """A window, parsed."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    length: timedelta

    def begins_at(self, instant: datetime) -> bool:
        if instant.minute not in self.minutes or instant.hour not in self.hours:
            return False
        return self.begins_on(instant)

    def begins_on(self, instant: datetime) -> bool:
        if instant.month not in self.months:
            return False
        in_month, in_week = instant.day in self.days, instant.isoweekday() % 7 in self.weekdays
        return (in_month or in_week) if self.either_day else (in_month and in_week)


def parse_window(window: Window) -> Opening:
    """Raises ValueError with one sentence where the expression or the length cannot be used."""
    parts = window.cron.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"{window.cron!r}: five fields are needed, minute hour day month weekday")
    if not 1 <= window.minutes <= 7 * 24 * 60:
        raise ValueError(f"{window.cron!r}: minutes must lie between 1 and {7 * 24 * 60}")
    sets = [_numbers(part, *field) for part, field in zip(parts, _FIELDS, strict=True)]
    return Opening(
        minutes=sets[0],
        hours=sets[1],
        days=sets[2],
        months=sets[3],
        weekdays=frozenset(one % 7 for one in sets[4]),
        either_day=parts[2] != "*" and parts[4] != "*",
        length=timedelta(minutes=window.minutes),
    )


def _numbers(text: str, name: str, lowest: int, highest: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            step = int(step_text) if step_text else 1
            if span == "*":
                begin, end = lowest, highest
            else:
                begin = int(first)
                end = int(last) if dash else (highest if step_text else begin)
        except ValueError:
            raise ValueError(f"{text!r} is no {name} of a cron expression") from None
        if not lowest <= begin <= end <= highest or step < 1:
            raise ValueError(f"{text!r} is no {name} between {lowest} and {highest}")
        found.update(range(begin, end + 1, step))
    return frozenset(found)


def next_opening(windows: tuple[Window, ...], at: datetime) -> datetime | None:
    """`at` itself where a window is open then or where there are no windows; else the next opening within a year.

    None where no window opens within a year. Instants are aware UTC.
    """
    if not windows:
        return at
    openings = [parse_window(one) for one in windows]
    if any(_is_open(one, at) for one in openings):
        return at
    found = [instant for one in openings if (instant := _begin_after(one, at)) is not None]
    return min(found, default=None)


def _is_open(opening: Opening, at: datetime) -> bool:
    minute = at.replace(second=0, microsecond=0)
    earliest = at - opening.length
    while minute > earliest:
        if opening.begins_at(minute):
            return True
        minute -= timedelta(minutes=1)
    return False


def _begin_after(opening: Opening, at: datetime) -> datetime | None:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    while day - at <= _HORIZON:
        if opening.begins_on(day):
            for hour in sorted(opening.hours):
                for minute in sorted(opening.minutes):
                    instant = day.replace(hour=hour, minute=minute)
                    if instant > at:
                        return instant
        day += timedelta(days=1)
    return None
