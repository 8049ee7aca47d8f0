"""When does a fault strike? At once, after looks, by the clock; and what it refuses to be told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sfcert.sim.assemble import build
from sfcert.sim.front.unkind import UNKINDNESS
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.faults import OptionRefused
from sfcert.sim.kernel.strikes import Asked, Strikes

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
READ = Asked("arm", "GET", "/subscriptions/x/resourceGroups/rg")
OF_THE_WORLD = "aia-blocked"


@pytest.fixture
def azure() -> Azure:
    return build(start=START, seed=3, tempo="manual")


def struck(azure: Azure, times: int, asked: Asked = READ, name: str = "server-error") -> list[bool]:
    strikes = Strikes(azure)
    return [strikes.strikes(name, asked) for _ in range(times)]


def test_a_fault_of_requests_strikes_at_once_or_after_so_many_that_fit(azure: Azure) -> None:
    azure.faults.arm("server-error", {"times": 2})
    assert struck(azure, 4) == [True, True, False, False]
    azure.faults.arm("server-error", {"after": 2, "times": 1, "match": "/resourcegroups/"})
    assert struck(azure, 2, Asked("arm", "GET", "/subscriptions")) == [False, False]
    assert struck(azure, 4) == [False, False, True, False]
    assert azure.faults.struck["server-error"] == 3


@pytest.mark.parametrize("name", ["server-error", OF_THE_WORLD])
def test_by_the_clock_it_begins_and_ends(azure: Azure, name: str) -> None:
    azure.faults.arm(name, {"after_s": 60, "for_s": 120})
    seen = []
    for _ in range(4):
        seen.append((name in azure.switches, name in azure.faults.armed()))
        azure.clock.advance(59)
    assert seen == [(False, True), (False, True), (True, True), (True, True)]
    azure.clock.advance(59)
    assert azure.faults.armed() == {}


def test_what_is_disarmed_before_its_time_never_begins(azure: Azure) -> None:
    azure.faults.arm("server-error", {"after_s": 60})
    azure.faults.disarm("server-error")
    azure.clock.advance(3600)
    assert azure.faults.armed() == {}


def test_what_is_armed_again_forgets_the_end_that_was_set_before(azure: Azure) -> None:
    azure.faults.arm("server-error", {"for_s": 60})
    azure.faults.arm("server-error", {})
    azure.clock.advance(3600)
    assert azure.faults.armed() == {"server-error": {}}


def test_a_fault_of_the_world_waits_for_looks_and_then_for_none(azure: Azure) -> None:
    azure.faults.arm(OF_THE_WORLD, {"after": 2})
    on = []
    for _ in range(3):
        on.append(OF_THE_WORLD in azure.switches)
        azure.faults.looked()
    assert on == [False, False, True]


def test_looks_count_only_once_its_time_has_come(azure: Azure) -> None:
    azure.faults.arm(OF_THE_WORLD, {"after": 1, "after_s": 60})
    azure.faults.looked()
    azure.clock.advance(60)
    assert OF_THE_WORLD not in azure.switches
    azure.faults.looked()
    assert OF_THE_WORLD in azure.switches


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timess": 2}, "takes no option 'timess'; it takes retry_after, times"),
        ({"chance": "often"}, "chance of the fault throttling must be a number"),
        ({"times": -1}, "must be a number that is not negative"),
        ({"for_s": True}, "for_s of the fault throttling must be a number"),
        ({"door": "back"}, "door must be one of arm, vault, nodes, sign-in"),
    ],
    ids=["an option that it has not", "a word for a number", "a negative number", "a truth for a number", "no door"],
)
def test_what_it_cannot_be_told_is_refused_and_leaves_it_as_it_was(
    azure: Azure, options: dict[str, Any], said: str
) -> None:
    azure.faults.arm("throttling", {"times": 1})
    with pytest.raises(OptionRefused, match=said):
        azure.faults.arm("throttling", options)
    assert azure.faults.armed() == {"throttling": {"times": 1}}


def test_a_door_and_a_method_narrow_it(azure: Azure) -> None:
    azure.faults.arm("server-error", {"door": "vault", "method": "patch"})
    vault = "kv.vault.azure.net/certificates/c/policy"
    assert struck(azure, 1) == [False]
    assert struck(azure, 1, Asked("vault", "GET", vault)) == [False]
    assert struck(azure, 1, Asked("vault", "PATCH", vault)) == [True]


def test_every_unkindness_strikes_requests_and_the_others_do_not(azure: Azure) -> None:
    assert {fault.name for fault in azure.faults.declared() if fault.of_requests} == set(UNKINDNESS)
