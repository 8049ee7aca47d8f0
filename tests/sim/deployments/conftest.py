"""What the tests of deployments share: each world is its test's own, because tests write to it."""

from __future__ import annotations

import pytest

from tests.sim.deployments.things import World


@pytest.fixture
def world() -> World:
    return World()
