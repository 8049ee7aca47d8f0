"""A span in a sentence of the gate reads as a person would say it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfcert.enrol.checks import spelled


@pytest.mark.parametrize(
    ("span", "says"),
    [
        (timedelta(days=36, minutes=3), "36 d 3 min"),
        (timedelta(hours=2, seconds=60), "2 h 1 min"),
        (timedelta(minutes=11), "11 min"),
        (timedelta(seconds=5), "less than a minute"),
        (timedelta(days=-1), "less than a minute"),
    ],
)
def test_a_span_is_spelled_to_the_minute(span: timedelta, says: str) -> None:
    assert spelled(span) == says
