"""The small CA, which speaks what no Pebble does when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.acme.small_customer import Customer
from tests.servers.small_acme import running_small_acme


@pytest.fixture
def customer(tmp_path: Path) -> Iterator[Customer]:
    """A server of one test's own, so that its settings are nobody else's."""
    with running_small_acme(tmp_path) as ca:
        yield Customer(ca)
