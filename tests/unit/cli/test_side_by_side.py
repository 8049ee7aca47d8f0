"""Many items at once: told in order, errors of ours kept beside results, what is left early is not begun."""

from __future__ import annotations

import threading
import time

import pytest

from sfcert.cli.side_by_side import side_by_side
from sfcert.errors import InputError, SfcertError


def test_results_come_in_the_order_of_the_items_whoever_is_ready_first() -> None:
    def work(item: int) -> int:
        time.sleep(0.01 * (5 - item))
        return item * item

    assert list(side_by_side(range(5), work, 5)) == [(at, at * at) for at in range(5)]


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_error_of_ours_stops_none_of_the_others(at_once: int) -> None:
    def work(item: int) -> int:
        if item == 1:
            raise InputError("Misuse", "one is refused")
        return item

    found = dict(side_by_side(range(3), work, at_once))
    assert (found[0], found[2]) == (0, 2)
    assert isinstance(found[1], SfcertError)


def test_no_more_than_asked_for_are_worked_on_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(item: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    list(side_by_side(range(12), work, 3))
    assert most == 3


def test_one_item_is_worked_on_by_the_callers_own_thread() -> None:
    found = list(side_by_side(["x"], lambda item: threading.current_thread(), 8))
    assert found == [("x", threading.main_thread())]


def test_a_bug_is_no_result() -> None:
    def work(item: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(range(3), work, 2))
