"""What people read after a rehearsal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from sfcert.model.rehearsal import RefusedConnection, Rehearsal, RehearsalRun, Setback
from sfcert.views.rehearsal import rehearsal_human, rehearsal_json

AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def run(**changes: Any) -> RehearsalRun:
    held = RehearsalRun(seed=4, reading="phases", reached_the_end=True, stages_done=("10-a", "20-b"), hours=1.5)
    return msgspec.structs.replace(held, **changes)


def rehearsal(*runs: RehearsalRun, **changes: Any) -> Rehearsal:
    verdict = "held" if all(one.held for one in runs) else "broke"
    made = Rehearsal(
        digest="sha256:0", cluster_id="/x/clusters/c1", faults="none", stages=2, runs=runs, verdict=verdict
    )
    return msgspec.structs.replace(made, **changes)


def refusal(number: int = 0) -> RefusedConnection:
    return RefusedConnection(
        at_utc=AT, stage="20-b", caller=f"_nt0_{number}", refuser="_nt0_9", presented="AB" * 20, why="not pinned"
    )


def test_a_run_that_held_takes_one_line() -> None:
    lines = rehearsal_human(rehearsal(run())).splitlines()
    assert lines[-1] == "The run reached the end, and no connection was refused."
    assert any(line.split()[:1] == ["4"] and "2 of 2" in line and line.endswith("held") for line in lines)
    assert not any("Seed 4" in line for line in lines)


def test_a_refusal_breaks_a_run_that_reached_the_end_and_is_told_whole() -> None:
    broken = run(refused=(refusal(),))
    text = " ".join(rehearsal_human(rehearsal(run(seed=3), broken)).split())
    assert "in 20-b: _nt0_9 refused _nt0_0, which presented ABAB" in text
    assert "not pinned" in text
    assert text.endswith("1 of 2 broke (seed 4). Do not apply this plan as it is.")


def test_many_refusals_are_counted_after_the_first_few() -> None:
    text = rehearsal_human(rehearsal(run(refused=tuple(refusal(number) for number in range(8)))))
    assert "… and 3 more refused connections" in text


def test_a_lost_quorum_and_open_gates_are_told_and_do_not_hold() -> None:
    stopped = run(reached_the_end=False, open_gates=("out-x: waits",), quorum_lost=True)
    text = rehearsal_human(rehearsal(stopped))
    assert "still open: out-x: waits" in text
    assert "lost its quorum" in text
    assert not stopped.held


def test_equal_setbacks_are_told_once_with_their_number() -> None:
    setback = Setback(at_utc=AT, stage="20-b", token="NotConverged", message="Not yet.")
    text = rehearsal_human(rehearsal(run(setbacks=(setback, setback, setback))))
    assert text.count("Not yet.") == 1
    assert "(3 times)" in text


def test_what_the_twin_left_open_is_listed() -> None:
    assert "- the stores of nt0" in rehearsal_human(rehearsal(run(), left_open=("the stores of nt0",)))


def test_json_comes_back_as_the_same_value() -> None:
    whole = rehearsal(run(refused=(refusal(),)), run(seed=5))
    assert msgspec.json.decode(rehearsal_json(whole), type=Rehearsal) == whole
