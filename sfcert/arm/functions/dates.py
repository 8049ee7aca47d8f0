"""The date functions, and .NET's date patterns as far as templates use them. Floor 1.

All instants are UTC. Left out: `utcNow`, which asks the runtime; cultures other than the invariant one.
Source: learn.microsoft.com, ARM template functions: date (read 2026-11); ISO 8601 durations.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sfcert.arm.functions.builtin import Builtin, EvaluationError, need_int, need_text

_DURATION = re.compile(
    r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z"
)
_PATTERN = re.compile(
    r"yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|f{1,7}|tt|zzz|K|'[^']*'|\\.|.", re.DOTALL
)
_STANDARD = {
    "d": "MM/dd/yyyy",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "T": "HH:mm:ss",
    "t": "HH:mm",
    "Y": "yyyy MMMM",
    "y": "yyyy MMMM",
}
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z?\Z")


def format_instant(instant: datetime, form: str | None) -> str:
    """An aware instant in a .NET pattern; `utcNow`'s own form yyyyMMddTHHmmssZ where none is given."""
    pattern = _STANDARD.get(form or "", form) or "yyyyMMddTHHmmssZ"
    utc = instant.astimezone(UTC)
    return _PATTERN.sub(lambda part: _written(part[0], utc), pattern)


def _written(part: str, at: datetime) -> str:
    if part.startswith(("'", "\\")):
        return part.strip("'") if part.startswith("'") else part[1:]
    if part[0] == "f":
        return f"{at.microsecond:06d}0"[: len(part)]
    hour = at.hour % 12 or 12
    written = {
        "yyyy": f"{at.year:04d}",
        "yy": f"{at.year % 100:02d}",
        "MMMM": _MONTHS[at.month - 1],
        "MMM": _MONTHS[at.month - 1][:3],
        "MM": f"{at.month:02d}",
        "M": str(at.month),
        "dddd": _DAYS[at.weekday()],
        "ddd": _DAYS[at.weekday()][:3],
        "dd": f"{at.day:02d}",
        "d": str(at.day),
        "HH": f"{at.hour:02d}",
        "H": str(at.hour),
        "hh": f"{hour:02d}",
        "h": str(hour),
        "mm": f"{at.minute:02d}",
        "m": str(at.minute),
        "ss": f"{at.second:02d}",
        "s": str(at.second),
        "tt": "AM" if at.hour < 12 else "PM",
        "zzz": "+00:00",
        "K": "Z",
    }
    return written.get(part, part)


def read_instant(name: str, value: Any) -> datetime:
    text = need_text(name, value).strip()
    compact = _COMPACT.match(text)
    try:
        if compact:
            return datetime(*(int(part) for part in compact.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]  # six ints
        read = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError as error:
        raise EvaluationError(f"The template language function '{name}' cannot read {text!r} as a date.") from error
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def date_time_add(base: Any, duration: Any, form: Any = None) -> str:
    instant = read_instant("dateTimeAdd", base)
    match = _DURATION.match(need_text("dateTimeAdd", duration))
    if match is None or not any(match.groups()[1:]):
        raise EvaluationError(f"The template language function 'dateTimeAdd' cannot read the duration {duration!r}.")
    sign = -1 if match[1] else 1
    years, months, weeks, days, hours, minutes = (int(match[index] or 0) for index in range(2, 8))
    # a year counts 365 days and a month 30, as the vendor's page says
    total = timedelta(days=years * 365 + months * 30 + weeks * 7 + days, hours=hours, minutes=minutes)
    total += timedelta(seconds=float(match[8] or 0))
    try:
        moved = instant + sign * total
    except OverflowError as error:
        raise EvaluationError("The result of the template language function 'dateTimeAdd' is no date.") from error
    return format_instant(moved, need_text("dateTimeAdd", form) if form is not None else _form_of(str(base)))


def _form_of(base: str) -> str:
    """The pattern of the base value, which the result takes over where none is given."""
    if _COMPACT.match(base.strip()):
        return "yyyyMMddTHHmmssZ"
    return "yyyy-MM-dd HH:mm:ssZ" if " " in base.strip() else "yyyy-MM-ddTHH:mm:ssZ"


def date_time_from_epoch(seconds: Any) -> str:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=need_int("dateTimeFromEpoch", seconds))
    return format_instant(instant, "yyyy-MM-ddTHH:mm:ssZ")


def date_time_to_epoch(value: Any) -> int:
    return int(read_instant("dateTimeToEpoch", value).timestamp())


FUNCTIONS = {
    "datetimeadd": Builtin(date_time_add, 2, 3),
    "datetimefromepoch": Builtin(date_time_from_epoch, 1, 1),
    "datetimetoepoch": Builtin(date_time_to_epoch, 1, 1),
}
