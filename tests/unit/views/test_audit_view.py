"""An audit as terminal text, JSON, Markdown and SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sfcert.model.finding import Audit
from sfcert.rules import Suppression, audit, catalogue
from sfcert.sources.observe import observe
from sfcert.views.audit import AuditHuman, audit_view
from sfcert.views.sarif import sarif
from sfcert.views.text import Page
from tests import make

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json").read_text("utf-8"))
BROKEN = make.common_name_world(pins="", state="AutoScale", runtime="8.2.1486.9590")


def _audit(world: make.World = BROKEN, **more: Any) -> Audit:
    return audit(make.observation(world), now=make.NOW, **more)


def _unread() -> Audit:
    plain = make.document(make.common_name_world())
    plain["vaults"] = {}
    return audit(observe(make.from_document(plain)), now=make.NOW)


def _template() -> Audit:
    plain = make.document(make.common_name_world()) | {"source": "template", "vaults": {}, "vm_instances": None}
    return audit(observe(make.from_document(plain)), now=make.NOW)


def _suppressed() -> Audit:
    until = make.NOW.date()
    return _audit(suppressions=[Suppression(rule="cluster-not-at-rest", reason="scaling | by plan", until=until)])


AUDITS = {
    "healthy": lambda: _audit(make.world()),
    "broken": _audit,
    "unread": _unread,
    "template": _template,
    "suppressed": _suppressed,
}


@pytest.mark.parametrize("name", AUDITS)
def test_sarif_is_valid_by_the_published_schema(name: str) -> None:
    log = json.loads(audit_view(AUDITS[name](), "sarif"))
    validator = jsonschema.Draft4Validator(SCHEMA)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(log)] == []


def test_the_schema_would_notice_a_fault() -> None:
    log = sarif(_audit())
    log["runs"][0]["results"][0]["level"] = "critical"
    assert not jsonschema.Draft4Validator(SCHEMA).is_valid(log)


def test_sarif_carries_every_rule_with_its_page_and_points_each_result_at_its_rule() -> None:
    (run,) = sarif(_audit())["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == {*(info.id for info in catalogue()), "suppression-expired"}
    assert all(rule["help"]["markdown"].startswith("# ") for rule in rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_tells_unknown_from_failed_and_keeps_suppressed_results() -> None:
    kinds = {(one["kind"], one["level"]) for one in sarif(_unread())["runs"][0]["results"]}
    assert kinds == {("review", "none")}
    results = sarif(_suppressed())["runs"][0]["results"]
    silenced = [one for one in results if "suppressions" in one]
    assert [one["ruleId"] for one in silenced] == ["cluster-not-at-rest"]
    assert silenced[0]["suppressions"][0]["justification"] == "scaling | by plan"


def test_a_fingerprint_outlives_a_reworded_message_and_differs_between_findings() -> None:
    prints = [one["partialFingerprints"]["sfcertFinding/v1"] for one in sarif(_audit())["runs"][0]["results"]]
    assert len(set(prints)) == len(prints)
    assert prints == [one["partialFingerprints"]["sfcertFinding/v1"] for one in sarif(_audit())["runs"][0]["results"]]


def test_json_has_the_keys_of_the_contract() -> None:
    plain = json.loads(audit_view(_audit(), "json"))
    assert plain["format"] == "sfcert.audit/1"
    assert {"cluster_id", "observed_at_utc", "verdict", "findings", "rules_run", "passed"} <= set(plain)
    assert set(plain["findings"][0]) == {
        *("rule", "verdict", "severity", "blocks_plan", "subject", "reason", "message", "remedy", "evidence"),
    }


@pytest.mark.parametrize("width", [60, 80, 120])
def test_sentences_for_people_keep_to_the_width(width: int) -> None:
    text = AuditHuman(Page(width)).render(_audit())
    # an id without blanks cannot be broken, and is not
    long = [line for line in text.splitlines() if len(line) > width and " " in line.strip().removeprefix("on: ")]
    assert long == []


def test_people_see_verdict_rule_reason_and_what_to_do() -> None:
    text = audit_view(_audit(), "human")
    assert text.startswith("fail: ")
    for finding in _audit().findings:
        assert f"{finding.rule} · {finding.reason}" in text
    assert "blocks a plan" in text
    assert "\x1b" not in text


def test_rules_before_one_closed_door_are_shown_together() -> None:
    text = audit_view(_unread(), "human")
    assert text.count("Let the reader list and get certificates") < len(_unread().findings)
    for finding in _unread().findings:
        assert finding.rule in text


def test_what_a_template_cannot_say_is_one_paragraph() -> None:
    text = audit_view(_template(), "human")
    assert text.count("a template cannot say all that these rules ask") == 1
    assert "NotInTemplate" not in text


def test_colour_comes_only_when_asked_for() -> None:
    assert "\x1b[31m" in AuditHuman(Page(colour=True)).render(_audit())


def test_markdown_is_stable_and_its_table_holds() -> None:
    first, second = audit_view(_suppressed(), "markdown"), audit_view(_suppressed(), "markdown")
    assert first == second
    rows = [line for line in first.splitlines() if line.startswith("| ")]
    unescaped = [line.replace("\\|", "").count("|") for line in rows]
    assert set(unescaped) == {6}
    assert first.count("<details>") == first.count("</details>") == len(_suppressed().findings)
    assert "scaling \\| by plan" in first
