"""When does a long operation end, and what moves time meanwhile?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfcert.sim.front import Tempo
from sfcert.sim.front.tempo import Mode
from tests.sim.front.widgets import START, FakeWidgets, make


def test_manual_waits_in_whole_seconds_and_never_moves_by_itself() -> None:
    arm = make("manual")
    arm.azure.register(FakeWidgets(arm.azure))
    link = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {}).headers["Azure-AsyncOperation"]
    for _ in range(3):
        look = arm("GET", link)
        assert (look.body["status"], look.headers["Retry-After"]) == ("InProgress", "15")
    assert arm.azure.clock.now == START
    arm.azure.clock.advance(3600)
    assert arm("GET", link).body["status"] == "Succeeded"


def test_auto_reaches_the_end_in_a_few_looks_and_stops_there() -> None:
    arm = make("auto")
    arm.azure.register(FakeWidgets(arm.azure))
    answer = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {})
    assert answer.status == 201
    assert "Location" not in answer.headers
    looks = 0
    while arm("GET", answer.headers["Azure-AsyncOperation"]).body["status"] == "InProgress":
        looks += 1
    assert 3 < looks < 30
    assert arm.azure.clock.now == START + timedelta(hours=1)


def test_auto_runs_events_in_their_order_on_the_way() -> None:
    arm = make("auto")
    seen: list[int] = []
    for second in (9, 3, 6):
        arm.azure.clock.after(second, lambda second=second: seen.append(second), "event")
    arm.azure.service("tempo", Tempo).looked_since(START)
    assert (seen, arm.azure.clock.now) == ([3, 6, 9], START + timedelta(seconds=15))


def test_fast_tempos_ask_for_milliseconds_and_never_for_none() -> None:
    """Typed clients parse Retry-After as an integer, and read 0 as no advice: then they wait 30 s of wall time."""
    azure = make().azure
    assert Tempo(azure, "factor", 60.0).wait_headers(15) == {"x-ms-retry-after-ms": "250"}
    assert int(Tempo(azure, "factor", 1e9).wait_headers(15)["x-ms-retry-after-ms"]) > 0
    assert int(Tempo(azure, "auto").wait_headers(15)["x-ms-retry-after-ms"]) > 0


@pytest.mark.parametrize(("mode", "looks"), [("at-once", 1), ("looks", 3)])
def test_an_operation_has_ended_at_the_look_that_was_asked_for(mode: Mode, looks: int) -> None:
    arm = make(mode)
    arm.azure.register(FakeWidgets(arm.azure))
    link = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {}).headers["Azure-AsyncOperation"]
    seen = [arm("GET", link).body["status"] for _ in range(looks)]
    assert seen == ["InProgress"] * (looks - 1) + ["Succeeded"]
    assert arm.azure.clock.now == START + timedelta(hours=1)
