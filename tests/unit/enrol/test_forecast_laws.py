"""Laws of windows and spans that hold for every life, trigger and authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.enrol.lifetime import Lifetime, lifetime_of, schedule
from sfcert.enrol.renewal_window import left_after_trigger, renewal_window
from sfcert.enrol.rotations import Course, rotations
from sfcert.enrol.timespan import LONGEST_S, timespan_s
from sfcert.model.forecast import Span, Summand
from sfcert.model.observation import LifetimeAction

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
LIVES = st.integers(min_value=3600, max_value=400 * 86400).map(lambda seconds: timedelta(seconds=seconds))
AGES = st.integers(min_value=0, max_value=400 * 86400).map(lambda seconds: timedelta(seconds=seconds))
NEEDS = st.integers(min_value=0, max_value=30 * 86400)
PERCENTAGES = st.integers(min_value=1, max_value=99)


def percentage(value: int) -> LifetimeAction:
    return LifetimeAction(action="AutoRenew", percentage=value, days_before_expiry=None)


ACTIONS = st.one_of(
    PERCENTAGES.map(percentage),
    st.integers(min_value=1, max_value=300).map(
        lambda days: LifetimeAction(action="AutoRenew", percentage=None, days_before_expiry=days)
    ),
)


@given(life=LIVES, action=ACTIONS, needed=NEEDS)
def test_a_window_lies_in_the_validity_period(life: timedelta, action: LifetimeAction, needed: int) -> None:
    left = left_after_trigger(action, life)
    assert left is not None
    window = renewal_window(NOW, NOW + life, left, needed)
    assert window.opens_utc <= window.closes_utc
    assert window.opens_utc >= NOW
    assert window.closes_utc <= NOW + life


@given(life=LIVES, earlier=PERCENTAGES, later=PERCENTAGES, needed=NEEDS)
def test_a_later_renewal_never_gives_more_slack(life: timedelta, earlier: int, later: int, needed: int) -> None:
    earlier, later = sorted((earlier, later))
    slacks = [
        renewal_window(NOW, NOW + life, left_after_trigger(percentage(one), life) or timedelta(), needed).slack_s
        for one in (earlier, later)
    ]
    assert slacks[0] >= slacks[1]


def needs_of(issue: int, bring: int, let_go: int) -> tuple[Summand, ...]:
    return (
        Summand(step="issue", what="", seconds=issue, source=""),
        Summand(step="bring", what="", seconds=bring, source=""),
        Summand(step="let-go", what="", seconds=let_go, source=""),
    )


@given(
    life=LIVES,
    age=AGES,
    action=ACTIONS,
    parts=st.tuples(NEEDS, NEEDS, NEEDS),
    is_public=st.booleans(),
    days=st.integers(min_value=1, max_value=1500),
)
def test_spans_are_ordered_and_numbers_run_on(
    life: timedelta,
    age: timedelta,
    action: LifetimeAction,
    parts: tuple[int, int, int],
    is_public: bool,
    days: int,
) -> None:
    steps = tuple((begins, int(most.total_seconds())) for begins, most in schedule()) if is_public else ()
    course = Course(
        thumbprint="A" * 40,
        begins_utc=NOW - age,
        ends_utc=NOW - age + life,
        action=action,
        needs=needs_of(*parts),
        law=Lifetime(wanted_s=int(life.total_seconds()), steps=steps),
        margin=None,
    )
    told = list(rotations(course, NOW, NOW + timedelta(days=days)))
    assert [one.number for one in told] == list(range(1, len(told) + 1))
    before: Span | None = None
    for one in told:
        assert one.due is not None
        assert one.on_nodes is not None
        for span in (one.begins, one.expires, one.due, one.on_nodes):
            assert span.earliest_utc <= span.latest_utc
        assert one.due.earliest_utc >= NOW
        assert one.on_nodes.latest_utc <= (one.sessions_until_utc or NOW)
        assert one.deadline_utc <= one.expires.latest_utc
        if before is not None:
            # a successor begins when it was asked for, or as much later as the authority takes
            assert one.begins.earliest_utc == before.earliest_utc
            assert one.begins.latest_utc == before.latest_utc + timedelta(seconds=parts[0])
        before = one.due


@given(issued=st.integers(min_value=0, max_value=1500), width=st.integers(min_value=0, max_value=200 * 86400))
def test_no_instant_of_a_span_gives_a_longer_or_shorter_life_than_its_turns(issued: int, width: int) -> None:
    law = Lifetime(
        wanted_s=398 * 86400, steps=tuple((begins, int(most.total_seconds())) for begins, most in schedule())
    )
    first = NOW + timedelta(days=issued)
    last = first + timedelta(seconds=width)
    ends = [born + law.of(born) for born in law.turns(first, last)]
    for share in range(11):
        born = first + (last - first) * share / 10
        assert min(ends) <= born + law.of(born) <= max(ends)


@pytest.mark.parametrize(("months", "days"), [(None, 90), (12, 90), (2, 60)])
def test_the_next_life_is_the_shorter_of_asked_and_granted(months: int | None, days: int) -> None:
    law = lifetime_of(timedelta(days=90), months, None)
    assert law.of(NOW).days == days


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:05:00", 300),
        ("1.00:00:00", 86400),
        ("12:00:00.5", 43200),
        ("PT1H30M", 5400),
        ("P2DT1S", 172801),
        ("10675199.02:48:05.4775807", LONGEST_S),
        ("", None),
        ("P", None),
        ("PT", None),
        ("soon", None),
        ("3600", None),
    ],
)
def test_durations_are_read_as_azure_writes_them(text: str, seconds: int | None) -> None:
    assert timespan_s(text) == seconds
