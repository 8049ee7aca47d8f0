"""A run that is killed, wherever it stands, and started again ends as one that was not; nothing is sent twice.

What is sent is the simulator's own count of writes, not the run's.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.killing import Effects, Killed, KilledAt, Moments, run_plan
from tests.e2e.site import Site, opened

SEED = 20261122


@dataclass(frozen=True)
class Unbroken:
    """One run that nobody killed: what it left, what it sent, and how many moments and effects it had."""

    state: dict[str, Any]
    writes: dict[str, int]
    stages: tuple[str, ...]
    effects: int
    moments: int


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unbroken]:
    """The run that all others are compared with."""
    with pytest.MonkeyPatch.context() as patch, opened(tmp_path_factory.mktemp("unbroken"), patch) as site:
        assert site.plan().code == 2
        effects, moments = Effects(), Moments()
        outcome = run_plan(site, effects=effects, moments=moments)
        assert outcome.complete
        yield Unbroken(site.end_state(), site.plain_writes(), tuple(site.stages), len(effects.keys), moments.count)


def test_an_unbroken_run_sends_everything_once(unbroken: Unbroken) -> None:
    assert set(unbroken.writes.values()) <= {1, 2, 3}, unbroken.writes
    assert unbroken.effects >= 8
    assert unbroken.moments > 200


def _assert_same(site: Site, unbroken: Unbroken) -> None:
    assert site.end_state() == unbroken.state
    assert site.plain_writes() == unbroken.writes
    assert site.refusals() == []


def test_killed_before_every_effect_in_turn_it_ends_the_same(unbroken: Unbroken, site: Site) -> None:
    assert site.plan().code == 2
    with pytest.raises(Killed):
        run_plan(site, effects=Effects(before=0))
    assert not site.writes()
    for _ in range(unbroken.effects - 1):
        # Each run finds everything before done, carries out one effect, and dies where the next one is to come.
        with pytest.raises(Killed):
            run_plan(site, effects=Effects(before=1))
    assert run_plan(site).complete
    _assert_same(site, unbroken)


def test_killed_after_every_effect_before_anything_is_noted_it_ends_the_same(unbroken: Unbroken, site: Site) -> None:
    assert site.plan().code == 2
    for _ in range(unbroken.effects):
        with pytest.raises(Killed):
            run_plan(site, effects=Effects(after=0))
    effects = Effects()
    assert run_plan(site, effects=effects).complete
    assert effects.keys == []
    _assert_same(site, unbroken)


def test_killed_after_every_stage_it_ends_the_same(unbroken: Unbroken, site: Site) -> None:
    assert site.plan().code == 2
    for stage in site.stages:
        with pytest.raises(Killed):
            run_plan(site, emit=KilledAt("stage-done", stage))
    assert run_plan(site).complete
    _assert_same(site, unbroken)


def test_killed_while_every_stage_waits_for_azure_it_ends_the_same(unbroken: Unbroken, site: Site) -> None:
    """A deployment and the one nested in it go on running behind the dead run's back: that is no stranger's run."""
    assert site.plan().code == 2
    for stage in [one for one in site.stages if one[:2] in {"30", "40", "60", "70", "80"}]:
        with pytest.raises(Killed):
            run_plan(site, emit=KilledAt("waiting", stage))
    assert run_plan(site).complete
    _assert_same(site, unbroken)


def moments_of(count: int, of: int) -> list[int]:
    """Seeded moments, spread over the whole of a run: one in each of `count` equal parts."""
    chosen = random.Random(SEED)
    return [int((part + chosen.random()) * of / count) for part in range(count)]


@pytest.mark.parametrize("part", range(20))
def test_killed_at_a_seeded_moment_it_ends_the_same(
    part: int, unbroken: Unbroken, site_of: Callable[..., Site]
) -> None:
    moment = moments_of(20, unbroken.moments)[part]
    site = site_of()
    assert site.plan().code == 2
    with pytest.raises(Killed):
        run_plan(site, moments=Moments(at=moment))
    assert run_plan(site).complete, f"killed at moment {moment} of {unbroken.moments}, seed {SEED}"
    _assert_same(site, unbroken)


def start_and_signal(site: Site, stage: str, number: signal.Signals) -> tuple[int, list[dict[str, Any]], str]:
    """Start `apply` as a process of its own and signal it once this stage was sent.

    Returns:
        Its exit code, the events that it told afterwards, and its standard error.
    """
    arguments = [sys.executable, "-c", "from sfcert.cli.main import main; main()"]
    arguments += ["apply", str(site.plan_file), "--yes", "--json"]
    # The stage's own deployment is told slowly, so that the signal comes in its middle on a busy machine too.
    slowly = {"match": f"deployments/sfcert-{stage}", "delay_s": 0.5}
    site.running.call(lambda azure: azure.faults.arm("slow-answer", slowly))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told: list[dict[str, Any]] = []
        for line in process.stdout:
            # What was killed in the middle of a line leaves half of one.
            event = json.loads(line) if line.endswith("\n") else {"type": "half a line"}
            if (event["type"], event.get("stage")) == ("stage-sent", stage):
                process.send_signal(number)
                told.clear()
            else:
                told.append(event)
        err = process.stderr.read()
        code = process.wait(timeout=60)
    site.running.call(lambda azure: azure.faults.disarm("slow-answer"))
    return code, told, err


def test_a_process_killed_outright_goes_on_by_the_same_command(unbroken: Unbroken, site: Site) -> None:
    """A real process, a real SIGKILL, in the middle of the scale set's own stage."""
    assert site.plan().code == 2
    code, _, _ = start_and_signal(site, site.stage_like("40-provision"), signal.SIGKILL)
    assert code == -signal.SIGKILL
    resumed = site.apply()
    assert resumed.code == 0, resumed.err
    _assert_same(site, unbroken)


def test_a_process_interrupted_at_the_keyboard_says_how_to_go_on(unbroken: Unbroken, site: Site) -> None:
    """A real SIGINT while the cluster walks its upgrade domains."""
    assert site.plan().code == 2
    code, told, err = start_and_signal(site, site.stage_like("60-declare"), signal.SIGINT)
    assert code == 130, err
    assert told[-1]["error"]["token"] == "Interrupted"
    assert "The same command goes on from there." in err
    assert "Traceback" not in err
    stopped = next(one for one in told if one["type"] == "run-stopped")
    assert stopped["go_on"] == f"sfcert apply {site.plan_file}"
    resumed = site.apply()
    assert resumed.code == 0, resumed.err
    _assert_same(site, unbroken)


def test_killed_after_every_batch_of_a_manual_scale_set_it_tells_no_machine_twice(site_of: Callable[..., Site]) -> None:
    whole = site_of("manual-mode")
    assert whole.plan().code == 2
    effects = Effects()
    assert run_plan(whole, effects=effects).complete
    site = site_of("manual-mode")
    assert site.plan().code == 2
    for _ in effects.keys:
        with pytest.raises(Killed):
            run_plan(site, effects=Effects(after=0))
    assert run_plan(site).complete
    assert site.plain_writes() == whole.plain_writes()
    assert site.end_state() == whole.end_state()
    assert site.refusals() == []
