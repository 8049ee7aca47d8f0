"""`capture`, `apply` and `watch` under every fault that the embedded Azure knows, alone and in pairs.

The laws are those of `tests.unkindness`, judged by what the simulator counted. Here each fault in one way and a few
pairs; `python -m tests.soak_unkind` runs hundreds.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from sfcert.ports import Ports
from tests import unkindness
from tests.unkindness import Case, run_case
from tests.unkindness_cases import WAYS, alone, pairs

SEED = 20261129
CASES = list(alone(SEED))
#: Each fault in one way, the next fault in the next way.
ALONE = [CASES[number * WAYS + number % WAYS] for number in range(len(CASES) // WAYS)]


@pytest.mark.parametrize("case", ALONE, ids=str)
def test_alone_it_ends_the_same_or_stops_clearly_and_goes_on(case: Case) -> None:
    assert run_case(case).broken == []


@pytest.mark.parametrize("case", list(pairs(8, SEED)), ids=str)
def test_in_a_pair_it_ends_the_same_or_stops_clearly_and_goes_on(case: Case) -> None:
    assert run_case(case).broken == []


def test_the_faults_of_requests_do_strike() -> None:
    """What never strikes would prove nothing."""
    struck = run_case(Case({"server-error": {"chance": 0.1}, "answer-lost": {"times": 2, "match": "/deployments/"}}))
    assert struck.broken == []
    assert struck.struck["server-error"] >= 5
    assert struck.struck["answer-lost"] == 2


class _Hasty:
    """A client without a memory: what it is not sure of it sends again."""

    def __init__(self, arm: Any) -> None:
        self._arm = arm

    def __getattr__(self, name: str) -> Any:
        return getattr(self._arm, name)

    def start_deployment(self, scope: str, name: str, template: Any, parameters: Any) -> None:
        self._arm.start_deployment(scope, name, template, parameters)
        while (self._arm.fetch_deployment(scope, name) or {})["properties"]["provisioningState"] != "Succeeded":
            self._clock.sleep(60)
        self._arm.start_deployment(scope, name, template, parameters)


def test_a_client_that_sends_twice_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    unkindness.friendly()
    straight = unkindness.ports_over

    def hasty(*arguments: Any) -> Ports:
        ports = straight(*arguments)
        arm = _Hasty(ports.arm)
        arm._clock = ports.clock
        return Ports(arm, ports.vaults, ports.nodes, ports.clock, reads_at_once=1)

    monkeypatch.setattr(unkindness, "ports_over", hasty)
    broken = run_case(Case({})).broken
    assert any("written more often than by a friendly run" in law for law in broken), broken


def test_an_end_state_that_differs_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = unkindness.friendly()
    other = deepcopy(wanted.state)
    other["tags"] = [{"left": "behind"}]
    monkeypatch.setattr(unkindness, "friendly", lambda: unkindness.Friendly(**{**vars(wanted), "state": other}))
    assert any("another end state: /tags" in law for law in run_case(Case({})).broken)
