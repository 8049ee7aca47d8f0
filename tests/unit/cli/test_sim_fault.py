"""`sfcert sim fault`: the list and the pages need nothing that runs; options are told as they are meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfcert.cli.main import run
from sfcert.sim import faults
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.steering import write_state
from tests.e2e.site import command


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Running]:
    """One that runs with the folder of the test."""
    with start_in_thread(folder=tmp_path, seed=7) as running:
        write_state(tmp_path, {"pid": 0, "control_url": running.control_url})
        yield running


def armed(running: Running) -> Any:
    return running.call(lambda azure: azure.faults.armed())


def test_the_list_and_a_page_need_nothing_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sim", "fault"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == sorted(faults.declared())
    assert run(["sim", "fault", "rate-limits", "--explain"]) == 0
    assert capsys.readouterr().out.startswith("# rate-limits\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gremlins", "--explain"], "No fault is named 'gremlins'. There are: aia-blocked"),
        (["throttling", "often"], "'often' is no option of a fault: write it as OPTION=VALUE."),
    ],
)
def test_what_is_no_fault_and_no_option_is_one_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", "fault", *arguments]) == 1
    assert says in capsys.readouterr().err


def test_options_arrive_as_numbers_and_words_and_the_fault_comes_off_again(sim: Running, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    told = command("sim", "fault", *state, "throttling", "times=3", "chance=0.5", "match=/deployments/", "after_s=60")
    assert (told.code, told.out) == (0, "throttling armed\n")
    options = {"times": 3, "chance": 0.5, "match": "/deployments/", "after_s": 60}
    assert armed(sim) == {"throttling": {**options, "waits": True}}
    assert "waits for its time, times=3" in command("sim", "status", *state).out
    sim.advance(60)
    assert armed(sim) == {"throttling": options}
    assert command("sim", "fault", *state, "throttling", "--off").code == 0
    assert armed(sim) == {}


def test_an_option_that_a_fault_does_not_take_is_refused_with_those_that_it_takes(sim: Running, tmp_path: Path) -> None:
    ended = command("sim", "fault", "--state", str(tmp_path), "throttling", "time=3")
    assert ended.code == 1
    assert "takes no option 'time'; it takes retry_after, times, chance" in ended.err
    assert armed(sim) == {}


def test_the_status_names_the_page(sim: Running, tmp_path: Path) -> None:
    assert f"as a page: {sim.control_url}" in command("sim", "status", "--state", str(tmp_path)).out
