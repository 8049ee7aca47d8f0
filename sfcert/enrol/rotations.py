"""When does one certificate rotate, again and again, until a horizon? Floor 3.

A generation is a certificate, known or foretold. It begins in a span [a, b]; its end and its trigger follow from its
beginning and the law of lives, so that their spans are taken over the instants at which that law turns. The successor
begins between the earliest trigger and the latest trigger plus the authority's time:

    known ──trigger──▶ [due] ──issue──▶ [begins] ──bring, notice──▶ [on nodes] ──let go──▶ sessions end
                                            └───────── the next generation ──trigger──▶ …

Leaves out: who acts, and what the dates mean (`forecast`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sfcert.enrol.expiry_warning import Margin, warning_span
from sfcert.enrol.instants import later
from sfcert.enrol.lifetime import Lifetime
from sfcert.enrol.renewal_window import Window, left_after_trigger, renewal_window, trigger_says
from sfcert.enrol.way_to_nodes import seconds_until
from sfcert.model.base import Value
from sfcert.model.forecast import Rotation, Span, Summand
from sfcert.model.observation import LifetimeAction

#: A chain is cut here: lives of a few days would fill pages.
MOST_ROTATIONS = 40


class Course(Value):
    """All that the rotations of one certificate follow from. `action` is the trigger by which the vault renews, None
    where nobody does. `margin` None: nobody can say when Service Fabric warns, or it does not look at this one."""

    thumbprint: str
    begins_utc: datetime
    ends_utc: datetime
    action: LifetimeAction | None
    needs: tuple[Summand, ...]
    law: Lifetime
    margin: Margin | None


class _Generation(Value):
    thumbprint: str | None
    lives: tuple[tuple[datetime, datetime], ...]

    @property
    def begins(self) -> Span:
        return _span([begins for begins, _ in self.lives])

    @property
    def ends(self) -> Span:
        return _span([ends for _, ends in self.lives])


def _span(instants: list[datetime]) -> Span:
    return Span(earliest_utc=min(instants), latest_utc=max(instants))


def _windows(
    generation: _Generation, action: LifetimeAction, needs: tuple[Summand, ...]
) -> list[tuple[datetime, Window]]:
    """For each possible life: its trigger, unclipped, and its window."""
    found = []
    for begins, ends in generation.lives:
        left = left_after_trigger(action, ends - begins) or timedelta()
        found.append((ends - left, renewal_window(begins, ends, left, seconds_until(needs))))
    return found


def _warns(course: Course, generation: _Generation) -> Span | None:
    return warning_span(course.margin, generation.begins, generation.ends) if course.margin else None


def by_hand(course: Course, number: int) -> Rotation:
    """The one rotation that can be told of where nobody renews: its deadline."""
    known = _Generation(thumbprint=course.thumbprint, lives=((course.begins_utc, course.ends_utc),))
    window = renewal_window(course.begins_utc, course.ends_utc, timedelta(), seconds_until(course.needs))
    return Rotation(
        number=number,
        state="by-person",
        replaces=course.thumbprint,
        begins=known.begins,
        expires=known.ends,
        trigger="nothing: a person has to ask",
        due=None,
        on_nodes=None,
        sessions_until_utc=None,
        warns=_warns(course, known),
        slack_s=None,
        deadline_utc=window.closes_utc,
    )


def under_way(course: Course, created: datetime) -> Rotation:
    """The rotation to a version that is in the vault since `created` and may not be everywhere yet.

    `course` is of the certificate that goes. Its deadline is that of bringing: the version is there.
    """
    known = _Generation(thumbprint=course.thumbprint, lives=((course.begins_utc, course.ends_utc),))
    bringing = seconds_until(course.needs, without=("issue",))
    shown = later(created, timedelta(seconds=seconds_until(course.needs, without=("issue", "let-go"))))
    gone = later(created, timedelta(seconds=bringing))
    deadline = min(max(course.ends_utc - timedelta(seconds=bringing), course.begins_utc), course.ends_utc)
    return Rotation(
        number=1,
        state="under-way",
        replaces=course.thumbprint,
        begins=known.begins,
        expires=known.ends,
        trigger="a new version is in the vault",
        due=Span(earliest_utc=created, latest_utc=created),
        on_nodes=Span(earliest_utc=created, latest_utc=shown),
        sessions_until_utc=gone,
        warns=_warns(course, known),
        slack_s=int((course.ends_utc - gone).total_seconds()),
        deadline_utc=deadline,
    )


def rotations(course: Course, now: datetime, horizon: datetime, first: int = 1) -> Iterator[Rotation]:
    """The rotations whose trigger may come until the horizon, in order, at most `MOST_ROTATIONS`; the next one always.

    A trigger that is past counts from now. Later generations widen: each adds the authority's time.

    Effects: none.
    """
    if course.action is None or left_after_trigger(course.action, timedelta()) is None:
        yield by_hand(course, first)
        return
    issue = timedelta(seconds=seconds_until(course.needs, without=("bring", "declare", "notice", "let-go")))
    shown = timedelta(seconds=seconds_until(course.needs, without=("let-go",)))
    whole = timedelta(seconds=seconds_until(course.needs))
    generation = _Generation(thumbprint=course.thumbprint, lives=((course.begins_utc, course.ends_utc),))
    for number in range(first, first + MOST_ROTATIONS):
        told = _windows(generation, course.action, course.needs)
        planned = _span([trigger for trigger, _ in told])
        due = Span(earliest_utc=max(planned.earliest_utc, now), latest_utc=max(planned.latest_utc, now))
        if number > first and due.earliest_utc > horizon:
            return
        # a trigger in the past has used up of its slack what has gone by since
        lost = int((due.earliest_utc - planned.earliest_utc).total_seconds())
        yield Rotation(
            number=number,
            state="overdue" if number == first and later(planned.latest_utc, issue) < now else "expected",
            replaces=generation.thumbprint,
            begins=generation.begins,
            expires=generation.ends,
            trigger=trigger_says(course.action),
            due=due,
            on_nodes=Span(earliest_utc=due.earliest_utc, latest_utc=later(due.latest_utc, shown)),
            sessions_until_utc=later(due.latest_utc, whole),
            warns=_warns(course, generation),
            slack_s=min(window.slack_s for _, window in told) - lost,
            deadline_utc=min(window.closes_utc for _, window in told),
        )
        births = course.law.turns(due.earliest_utc, later(due.latest_utc, issue))
        generation = _Generation(
            thumbprint=None, lives=tuple((born, later(born, course.law.of(born))) for born in births)
        )
