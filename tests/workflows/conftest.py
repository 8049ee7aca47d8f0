"""What the tests of `apply` against fakes share: each world is its test's own, because tests break it."""

from __future__ import annotations

import pytest

from tests.workflows.three_stages import World, new_world


@pytest.fixture
def world() -> World:
    return new_world()
