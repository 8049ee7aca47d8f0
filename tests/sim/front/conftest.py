"""What the tests of the front door share: a world each, because tests write to it."""

from __future__ import annotations

import pytest

from tests.sim.front.widgets import Client, make


@pytest.fixture
def arm() -> Client:
    return make()
