"""When a certificate is renewed: by share, by days, by advice, in windows, after failures; never too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sfcert.enrol.renewal import next_attempt, renewal_timing
from sfcert.enrol.windows import next_opening
from sfcert.model.enrolment import Failure, Renewal, Window

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=100)


def failed(at: datetime) -> Failure:
    return Failure(at_utc=at, token="EnrolmentFailed", message="no")


def test_three_quarters_of_the_life_by_default() -> None:
    assert renewal_timing(BEGIN, END, Renewal(), now=BEGIN).due_utc == BEGIN + timedelta(days=75)


def test_days_before_expiry() -> None:
    assert renewal_timing(BEGIN, END, Renewal(days_before_expiry=30), now=BEGIN).due_utc == END - timedelta(days=30)


def test_a_life_shorter_than_the_days_before_its_end_is_not_due_from_its_first_moment_on() -> None:
    """A CA's short-lived profile gave six days where thirty before the end were asked for: each run renewed it."""
    for days in (6, 30):
        end = BEGIN + timedelta(days=days)
        found = renewal_timing(BEGIN, end, Renewal(days_before_expiry=30), now=BEGIN)
        assert found.due_utc == BEGIN + timedelta(days=days) * 3 / 4
        assert not found.is_due(BEGIN + timedelta(days=days / 2))
        assert "does not live for 30 days" in found.notes[0]


def test_the_instant_is_cut_to_the_second_as_cert_manager_cuts_it() -> None:
    end = BEGIN + timedelta(days=90, seconds=1)
    third = renewal_timing(BEGIN, end, Renewal(lifetime_percentage=67), now=BEGIN)
    assert third.due_utc == (end - timedelta(days=90, seconds=1) * 33 / 100).replace(microsecond=0)
    assert third.due_utc.microsecond == 0


def test_the_authoritys_advice_wins_and_is_the_same_each_time() -> None:
    window = (BEGIN + timedelta(days=40), BEGIN + timedelta(days=42))
    first = renewal_timing(BEGIN, END, Renewal(), now=BEGIN, advice=window, identity="AB")
    assert window[0] <= first.due_utc <= window[1]
    assert first == renewal_timing(BEGIN, END, Renewal(), now=BEGIN, advice=window, identity="AB")


def test_advice_outside_the_validity_is_named_and_not_followed() -> None:
    found = renewal_timing(BEGIN, END, Renewal(), now=BEGIN, advice=(END, END + timedelta(days=1)))
    assert found.due_utc == BEGIN + timedelta(days=75)
    assert "not followed" in found.notes[0]


def test_a_renewal_waits_for_its_window() -> None:
    saturday = Renewal(windows=(Window(cron="0 2 * * 6", minutes=120),))
    found = renewal_timing(BEGIN, END, saturday, now=BEGIN)
    assert found.renewal_utc > found.due_utc
    assert (found.renewal_utc.isoweekday(), found.renewal_utc.hour) == (6, 2)


def test_a_renewal_that_missed_its_window_waits_for_the_next_one() -> None:
    """A machine that was off in its window, and one that tries again after a failure, keep to windows all the same."""
    saturday = Renewal(windows=(Window(cron="0 2 * * 6", minutes=120),))
    first = renewal_timing(BEGIN, END, saturday, now=BEGIN).renewal_utc
    for minutes in (0, 119):
        now = first + timedelta(minutes=minutes)
        found = renewal_timing(BEGIN, END, saturday, now=now)
        assert (found.renewal_utc, found.is_due(now)) == (first, True)
    for late in (timedelta(hours=2), timedelta(days=3)):
        found = renewal_timing(BEGIN, END, saturday, now=first + late)
        assert (found.renewal_utc, found.is_due(first + late)) == (first + timedelta(days=7), False)
    at = first + timedelta(minutes=90)
    again = renewal_timing(BEGIN, END, saturday, now=at + timedelta(hours=2), failures=[failed(at)])
    assert again.renewal_utc == first + timedelta(days=7)


def test_a_window_that_opens_too_late_never_lets_a_certificate_expire() -> None:
    once_a_year = Renewal(windows=(Window(cron="0 2 1 12 *", minutes=60),))
    assert renewal_timing(BEGIN, END, once_a_year, now=BEGIN).renewal_utc < END


def test_an_open_window_is_now() -> None:
    at = datetime(2026, 11, 21, 3, 59, tzinfo=UTC)
    assert next_opening((Window(cron="0 2 * * 6", minutes=120),), at) == at
    later = at + timedelta(minutes=1)
    assert next_opening((Window(cron="0 2 * * 6", minutes=120),), later) == datetime(2026, 11, 28, 2, tzinfo=UTC)


def test_each_failure_doubles_the_wait_up_to_a_limit() -> None:
    waits = [next_attempt([failed(BEGIN)] * count) for count in range(1, 8)]
    hours = [(one - BEGIN).total_seconds() / 3600 for one in waits if one is not None]
    assert hours == [1, 2, 4, 8, 16, 32, 32]
    assert next_attempt([]) is None


@given(
    days=st.integers(1, 400),
    percentage=st.integers(1, 99),
    hour=st.integers(0, 23),
    weekday=st.integers(0, 6),
    failures=st.integers(0, 12),
    last_failure_h=st.integers(0, 24 * 400),
    now_h=st.integers(0, 24 * 400),
)
def test_a_renewal_lies_inside_the_validity_whatever_windows_and_failures(
    days: int, percentage: int, hour: int, weekday: int, failures: int, last_failure_h: int, now_h: int
) -> None:
    end = BEGIN + timedelta(days=days)
    renewal = Renewal(lifetime_percentage=percentage, windows=(Window(cron=f"0 {hour} * * {weekday}", minutes=60),))
    seen = [failed(BEGIN + timedelta(hours=last_failure_h))] * failures
    found = renewal_timing(BEGIN, end, renewal, now=BEGIN + timedelta(hours=now_h), failures=seen)
    assert BEGIN <= found.due_utc <= found.renewal_utc
    assert found.renewal_utc < end
    late = end - timedelta(minutes=1)
    assert renewal_timing(BEGIN, end, renewal, now=late, failures=seen).is_due(late)
