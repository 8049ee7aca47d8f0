"""A world of one's own for each test, seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim import worlds
from sfcert.sim.host import start_in_thread
from tests.sim.truth.wire import Wire

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def world_of(tmp_path: Path) -> Iterator[Callable[..., Wire]]:
    """Makes a running world by name; options are those of worlds."""
    with ExitStack() as stack:

        def make(name: str = "one-node-type", **options: Any) -> Wire:
            running = stack.enter_context(start_in_thread(start=START, seed=7))
            facts = running.call(lambda azure: worlds.load(azure, name, **options))
            return Wire(running, facts, tmp_path)

        yield make
