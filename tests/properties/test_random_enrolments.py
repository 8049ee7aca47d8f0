"""Enrolments under random faults: a certificate comes of it, or a clear stop, and nothing is left behind.

The laws are in `tests/enrolments/laws.py`. Here a few dozen; `python -m tests.soak_enrolments` runs hundreds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.enrolments.authority import Whim
from tests.enrolments.cases import WAYS, Way, drawn, quiet
from tests.enrolments.course import run_case

FIRST, COUNT = 20261130, 20
#: With a CA, a kill and a second process among them.
AGAIN = (15, 28)
_TELLS = """
import sys, tempfile
from pathlib import Path
from tests.enrolments.cases import drawn
from tests.enrolments.course import run_case
for seed in map(int, sys.argv[1:]):
    with tempfile.TemporaryDirectory() as folder:
        told = run_case(drawn(seed), Path(folder))
        print(told.case, told.trace, sorted(told.struck))
"""


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_it_ends_as_the_policy_asks_or_stops_clearly_and_goes_on(seed: int, tmp_path: Path) -> None:
    told = run_case(drawn(seed), tmp_path)
    assert told.broken == [], str(told.case)


@pytest.mark.parametrize("way", sorted(set(WAYS)))
def test_where_nothing_goes_wrong_the_first_command_is_enough(way: Way, tmp_path: Path) -> None:
    told = run_case(quiet(way), tmp_path)
    assert told.broken == []
    assert all(one.code == 0 for one in told.runs)


def test_a_seed_tells_the_same_in_another_process(tmp_path: Path) -> None:
    """Whatever Python hashes strings to, and whatever keys were drawn."""
    command = [sys.executable, "-c", _TELLS, *map(str, AGAIN)]
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    elsewhere = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    here = [run_case(drawn(seed), tmp_path / str(seed)) for seed in AGAIN]
    assert elsewhere == "".join(f"{told.case} {told.trace} {sorted(told.struck)}\n" for told in here)


# -- the laws can be broken --------------------------------------------------------------------------------------------


def test_a_client_that_forgets_its_orders_breaks_the_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sfcert.workflows.enrolment.notebook import Notebook

    monkeypatch.setattr(Notebook, "has_order", lambda self, order: None)
    told = run_case(quiet("acme-webroot", faults={"answer-lost": {"match": "/create", "times": 1}}), tmp_path)
    assert told.broken == []
    whims = (Whim("busy-for-long", 1, path="/finalize"),)
    told = run_case(quiet("acme-webroot", whims=whims), tmp_path / "again")
    assert any("could be used" in one for one in told.broken)
