"""The law of lives to come: the public schedule to the second, what a policy asks, and the dates that bear on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.enrol.lifetime import Authority, Lifetime, lifetime_of, marks_for, public_authority, schedule
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from tests import make

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
STEP = datetime(2027, 3, 15, tzinfo=UTC)
PUBLIC = Authority(name="Example Public", client_usage_ends=date(2027, 1, 10), source="a page")
LEAF = make.leaf().facts
LAW = Lifetime(wanted_s=300 * 86400, steps=((STEP - 100 * DAY, 200 * 86400), (STEP, 100 * 86400)))
ENDS = datetime(2027, 1, 10, tzinfo=UTC)


def test_a_step_holds_from_its_first_second() -> None:
    assert LAW.of(STEP) == 100 * DAY
    assert LAW.of(STEP - SECOND) == 200 * DAY
    assert LAW.of(STEP - 100 * DAY - SECOND) == 300 * DAY


def test_a_policy_of_months_bounds_the_life_and_none_or_nothing_does_not() -> None:
    assert lifetime_of(300 * DAY, 1, None).wanted_s == int((timedelta(days=365) / 12).total_seconds())
    for months in (None, 0, -1, 1200):
        assert lifetime_of(300 * DAY, months, None).wanted_s == 300 * 86400
    assert lifetime_of(300 * DAY, None, None).steps == ()
    assert [begins for begins, _ in lifetime_of(300 * DAY, None, PUBLIC).steps] == [one for one, _ in schedule()]


@given(st.integers(-200 * 86400, 100 * 86400), st.integers(0, 200 * 86400), st.integers(0, 10**9))
def test_no_instant_of_a_span_has_a_longer_or_a_shorter_life_than_those_where_it_turns(
    begins: int, length: int, at: int
) -> None:
    earliest = STEP + begins * SECOND
    latest = earliest + length * SECOND
    turns = LAW.turns(earliest, latest)
    assert {earliest, latest} <= set(turns)
    assert all(earliest <= one <= latest for one in turns)
    between = LAW.of(earliest + (at % (length + 1)) * SECOND)
    assert min(map(LAW.of, turns)) <= between <= max(map(LAW.of, turns))


def kinds(now: datetime, horizon: datetime, *, law: Lifetime = LAW, ekus: tuple[str, ...] | None = ()) -> list[str]:
    leaf = LEAF if ekus == () else msgspec.structs.replace(LEAF, ekus=ekus)
    return [one.kind for one in marks_for(leaf, PUBLIC, law, now, horizon)]


def test_a_step_is_told_while_it_is_ahead_and_within_the_horizon() -> None:
    none = {"ekus": (SERVER_AUTH,)}
    assert kinds(STEP - SECOND, STEP, **none) == ["validity-step"]
    assert kinds(STEP, STEP + DAY, **none) == []
    assert kinds(STEP - DAY, STEP - SECOND, **none) == []
    assert kinds(STEP - 101 * DAY, STEP, **none) == ["validity-step", "validity-step"]


def test_a_step_that_shortens_nothing_is_not_told() -> None:
    short = Lifetime(wanted_s=100 * 86400, steps=LAW.steps)
    assert kinds(STEP - 101 * DAY, STEP, law=short, ekus=(SERVER_AUTH,)) == []


@pytest.mark.parametrize(
    ("ekus", "is_told"),
    [((SERVER_AUTH, CLIENT_AUTH), True), ((SERVER_AUTH,), False), (None, True), (("2.5.29.37.0",), True)],
    ids=["both usages", "server alone", "no usages stated", "any usage"],
)
def test_the_end_of_client_authentication_bears_on_those_that_have_it(
    ekus: tuple[str, ...] | None, is_told: bool
) -> None:
    assert ("eku-sunset" in kinds(ENDS - DAY, ENDS, ekus=ekus)) is is_told
    assert "eku-sunset" not in kinds(ENDS - DAY, ENDS - SECOND, ekus=ekus)


def test_marks_stand_by_date_and_an_end_that_is_past_is_told_as_past() -> None:
    now, horizon = STEP - 101 * DAY, STEP
    found = marks_for(LEAF, PUBLIC, LAW, now, horizon)
    assert [one.kind for one in found] == ["validity-step", "eku-sunset", "validity-step"]
    assert [one.at_utc for one in found] == sorted(one.at_utc for one in found)
    for moment, says in ((ENDS - SECOND, "stops granting"), (ENDS, "no longer grants")):
        told = next(one for one in marks_for(LEAF, PUBLIC, LAW, moment, horizon) if one.kind == "eku-sunset")
        assert (told.at_utc, says in told.says) == (ENDS, True)


def test_a_private_authority_has_no_dates() -> None:
    assert public_authority(LEAF) is None
    assert marks_for(LEAF, None, LAW, STEP - 101 * DAY, STEP) == ()
