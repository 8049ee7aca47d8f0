"""The engine: verdicts, crashes, order, levels, the choice of rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from sfcert.errors import InputError
from sfcert.model.codec import canonical
from sfcert.model.finding import Audit
from sfcert.model.observation import Observation
from sfcert.rules import audit, catalogue, explain
from sfcert.rules.engine import Check, Judgement, Rule, fail, judge, run, unknown
from sfcert.rules.registry import rule_named
from tests import make


def _rule(check: Check, severity: str = "error", **more: object) -> Rule:
    return Rule(id="made-up", severity=severity, reasons={"Bad": "Bad.", "Meh": "Meh."}, check=check, **more)  # type: ignore[arg-type]  # words of the test's own table


def _fails(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield fail("b", "Bad", "b is bad.", "mend it")
    yield fail("a", "Bad", "a is bad.", "mend it")
    yield fail("a", "Bad", "a is bad.", "mend it")


def _does_not_know(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield unknown("a", "VaultUnread", "not known", "read it")


def _crashes_after_one(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield fail("a", "Bad", "a is bad.", "mend it")
    raise KeyError("surprise")


def _says_what_it_may_not(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield fail("a", "Unheard", "?", "?")


def _passes(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from ()


OBSERVATION = make.observation()


def _run(*rules: Rule) -> Audit:
    return run(rules, OBSERVATION, now=make.NOW)


def test_a_subject_is_reported_once_and_in_order() -> None:
    assert [one.subject for one in judge(_rule(_fails), OBSERVATION, make.NOW)] == ["a", "b"]


def test_a_rule_that_crashes_is_unknown_and_keeps_what_it_had_said() -> None:
    found = judge(_rule(_crashes_after_one), OBSERVATION, make.NOW)
    assert {(one.verdict, one.reason) for one in found} == {("fail", "Bad"), ("unknown", "RuleCrashed")}
    (crashed,) = (one for one in found if one.reason == "RuleCrashed")
    assert "KeyError" in crashed.evidence["traceback"]
    assert _run(_rule(_crashes_after_one)).passed == 0


def test_a_reason_outside_the_list_counts_as_a_crash() -> None:
    assert [one.reason for one in judge(_rule(_says_what_it_may_not), OBSERVATION, make.NOW)] == ["RuleCrashed"]


@pytest.mark.parametrize(
    ("checks", "severity", "verdict"),
    [
        pytest.param([_passes], "error", "pass", id="nothing found"),
        pytest.param([_fails], "error", "fail", id="an error"),
        pytest.param([_does_not_know], "error", "unknown", id="an error that could not be judged"),
        pytest.param([_fails, _does_not_know], "error", "fail", id="both"),
        pytest.param([_fails, _does_not_know], "warning", "pass", id="warnings decide nothing"),
    ],
)
def test_the_verdict_rests_on_error_level_alone(checks: list[Check], severity: str, verdict: str) -> None:
    assert _run(*(_rule(check, severity) for check in checks)).verdict == verdict


def test_a_milder_reason_has_its_own_level_and_blocks_nothing() -> None:
    rule = _rule(_fails, blocks_plan=True, severity_of={"Bad": "warning"})
    found = judge(rule, OBSERVATION, make.NOW)
    assert {(one.severity, one.blocks_plan) for one in found} == {("warning", False)}
    assert all(one.blocks_plan for one in judge(_rule(_fails, blocks_plan=True), OBSERVATION, make.NOW))


def test_the_least_severity_hides_findings_and_not_the_verdict() -> None:
    world = make.observation(make.common_name_world(pins="", state="AutoScale"))
    everything = audit(world, now=make.NOW)
    errors = audit(world, now=make.NOW, min_severity="error")
    assert {one.severity for one in everything.findings} == {"error", "warning"}
    assert {one.severity for one in errors.findings} == {"error"}
    assert (errors.verdict, errors.passed) == (everything.verdict, everything.passed)


def test_only_the_rules_that_were_asked_for_run() -> None:
    found = audit(OBSERVATION, now=make.NOW, only=["pin-missing", "linking_on", "pin-missing"])
    assert found.rules_run == 2


def test_an_unknown_rule_is_refused_with_the_ids_that_are_alike() -> None:
    with pytest.raises(InputError, match="issuer-not-pinned") as caught:
        rule_named("issuer-unpinned")
    assert caught.value.token == "Misuse"
    with pytest.raises(InputError):
        audit(OBSERVATION, now=make.NOW, only=["no-such-rule"])


def test_explain_prints_the_page_of_the_rule() -> None:
    for info in catalogue():
        assert explain(info.id).startswith(f"# {info.title}\n")


def test_equal_worlds_give_equal_audits() -> None:
    world = make.common_name_world(pins="", runtime="8.2.1486.9590")
    first, second = (audit(make.observation(world), now=make.NOW) for _ in range(2))
    assert canonical(first) == canonical(second)


def test_errors_come_first() -> None:
    world = make.observation(make.common_name_world(pins="", runtime="8.2.1486.9590"))
    levels = [one.severity for one in audit(world, now=make.NOW).findings]
    assert levels == sorted(levels, key=["error", "warning", "info"].index)
    assert levels[0] == "error"
