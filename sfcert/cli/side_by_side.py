"""How are many certificates worked on at once? By a few threads, told in the order in which they were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sfcert.errors import SfcertError

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(items: Sequence[T], work: Callable[[T], R], at_once: int) -> Iterator[tuple[T, R | SfcertError]]:
    """What became of each, in the order of `items`; an error of ours stops none of the others.

    Args:
        at_once: how many threads at most; with one item, or one thread, all is done in the caller's own.

    Effects: those of `work`. Left early, what has begun is waited for and the rest is not begun.
    """

    def caught(item: T) -> R | SfcertError:
        try:
            return work(item)
        except SfcertError as error:
            return error

    threads = min(len(items), at_once)
    if threads <= 1:
        for item in items:
            yield item, caught(item)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for item, future in [(item, pool.submit(caught, item)) for item in items]:
            yield item, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
