"""Fixtures that many tests share; each says why it exists."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import search

#: Servers that tests of several folders share.
pytest_plugins = ("tests.servers.fixtures",)

search.prepare()

ROOT = Path(__file__).resolve().parent.parent

#: `make contract` names a folder here: every exchange with the embedded Azure is written there, to be judged.
RECORD = os.environ.get("SFCERT_TEST_RECORD")


@pytest.fixture(scope="session", autouse=RECORD is not None)
def _recorded() -> Iterator[None]:
    """Nothing but a recording run keeps bodies: they hold the secrets of their worlds."""
    assert RECORD is not None
    from tests.contract.record import recording

    with recording(Path(RECORD)):
        yield


@pytest.fixture(autouse=True)
def _no_world_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may meet the credentials or the proxy of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "SFCERT_")) or name.lower() in ("https_proxy", "http_proxy", "no_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_memory_of_other_worlds() -> None:
    """The vendor's vault clients remember for the whole process which tenant a vault belongs to, and so did a world."""
    for name, module in list(sys.modules.items()):
        if name.endswith("._shared.http_challenge_cache"):
            module.clear()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of examples, corpus and schemas beside the checkout; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder with examples, corpus and schemas is not beside this checkout")
    return folder
