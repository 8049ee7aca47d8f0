"""Sites for the tests of the whole thing: each test has a world of its own, because tests break them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.site import Ended, Site, command, opened


@pytest.fixture
def site_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Opens sites; the newest is the one that commands reach. All close with the test."""
    with contextlib.ExitStack() as stack:
        count = iter(range(100))

        def make(world: str = "one-node-type", **options: Any) -> Site:
            return stack.enter_context(opened(tmp_path / f"site{next(count)}", monkeypatch, world, **options))

        yield make


@pytest.fixture
def site(site_of: Callable[..., Site]) -> Site:
    """One node type of five, thumbprint and vm secrets, a policy vault."""
    return site_of()


@pytest.fixture
def sfcert(site: Site, tmp_path: Path) -> Callable[..., Ended]:
    """Runs a command on the site's vault, with a memory of the test's own."""

    def run(*arguments: str) -> Ended:
        more = [] if arguments[0] in ("import", "export") else ["--state", str(tmp_path / "state")]
        return command(*arguments, "--vault", str(site.facts["vault_url"]), *more)

    return run
