"""The catalogue as a whole: every rule has its page, its samples, its reasons, and an id of its own."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import sfcert.rules
from sfcert.model.finding import SEVERITIES
from sfcert.rules import catalogue, explain
from sfcert.rules.engine import SHARED_REASONS, Rule, judge
from sfcert.rules.registry import RULE_MODULES, rules
from tests import make
from tests.rules.case import FOLDER, case_files, read_case

PACKAGE = Path(sfcert.rules.__file__).parent
PARTS = ["What it checks", "Why", "Faulty", "Right", "How to fix a running cluster"]
MODULES = [pytest.param(name, id=name) for name in RULE_MODULES]


def _rule(module: str) -> Rule:
    rule = import_module(f"sfcert.rules.{module}").RULE
    assert isinstance(rule, Rule)
    return rule


def _samples(module: str) -> list[Path]:
    return sorted((FOLDER / module).glob("*.yaml"))


def test_every_rule_on_disk_is_listed_in_order() -> None:
    on_disk = sorted(path.stem for path in PACKAGE.glob("*.py") if "\nRULE = Rule(" in path.read_text())
    assert list(RULE_MODULES) == on_disk


def test_every_page_belongs_to_a_rule() -> None:
    pages = {path.stem for path in PACKAGE.glob("*.md")}
    assert pages == {*RULE_MODULES, "suppression_expired"}


def test_every_folder_of_samples_belongs_to_a_rule() -> None:
    assert {path.parent.name for path in case_files()} == set(RULE_MODULES)


def test_an_id_is_used_once_also_as_an_old_id() -> None:
    used = Counter(name for rule in rules() for name in (rule.id, *rule.aliases))
    assert [name for name, count in used.items() if count > 1] == []


@pytest.mark.parametrize("module", MODULES)
def test_the_id_is_the_module_in_kebab_case(module: str) -> None:
    assert _rule(module).id == module.replace("_", "-")


@pytest.mark.parametrize("module", MODULES)
def test_severities_and_reasons_come_from_closed_lists(module: str) -> None:
    rule = _rule(module)
    assert rule.severity in SEVERITIES
    assert rule.reasons, "a rule that gives no reason cannot fail"
    assert set(rule.severity_of) <= set(rule.reasons)
    assert set(rule.severity_of.values()) <= set(SEVERITIES)
    assert not set(rule.reasons) & set(SHARED_REASONS)
    for token, sentence in rule.reasons.items():
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", token)
        assert sentence.endswith(".")


@pytest.mark.parametrize("module", MODULES)
def test_each_listed_reason_is_given_by_the_code(module: str) -> None:
    rule, source = _rule(module), inspect.getsource(import_module(f"sfcert.rules.{module}"))
    body = source[: source.index("\nRULE = Rule(")]
    for token in rule.reasons:
        assert f'"{token}"' in body, f"{token} is listed and never given"


@pytest.mark.parametrize("module", MODULES)
def test_each_reason_is_shown_by_a_sample(module: str) -> None:
    shown = {yaml.safe_load(path.read_text())["expect"]["reason"] for path in _samples(module) if "fail-" in path.name}
    assert set(_rule(module).reasons) - shown == set()


@pytest.mark.parametrize("module", MODULES)
def test_a_rule_has_a_sample_that_passes_and_one_that_fails(module: str) -> None:
    kinds = Counter(path.name.split("-")[0] for path in _samples(module))
    assert kinds["pass"] >= 1
    assert kinds["fail"] >= 1
    assert set(kinds) <= {"pass", "fail", "unknown"}


@pytest.mark.parametrize("module", MODULES)
def test_a_rule_has_a_sample_of_what_it_cannot_know(module: str) -> None:
    """Every rule of the catalogue can meet something that it does not know."""
    assert any(path.name.startswith("unknown-") for path in _samples(module))


@pytest.mark.parametrize("module", [*MODULES, pytest.param("suppression_expired", id="suppression_expired")])
def test_the_page_has_its_five_parts_and_names_its_sources(module: str) -> None:
    page = explain(module)
    lines = page.splitlines()
    assert lines[0].startswith("# ")
    assert [line[3:] for line in lines if line.startswith("## ")] == PARTS
    faulty = page[page.index("## Faulty") : page.index("## Right")]
    assert "// <--" in faulty or "# <--" in faulty, "the faulty line is marked"
    assert lines[-1].startswith("Sources: ")


@pytest.mark.parametrize("module", MODULES)
def test_the_page_has_one_sentence_a_line(module: str) -> None:
    page = explain(module)
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    for line in prose.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        assert line.endswith("."), line
        assert not re.search(r"[a-z]{2}\. [A-Z]", line), line


def test_titles_are_obligations_and_differ() -> None:
    titles = [info.title for info in catalogue()]
    assert len(set(titles)) == len(titles)
    assert all(title and title[0].isupper() and not title.endswith(".") for title in titles)


def test_no_rule_crashes_on_the_world_of_any_sample() -> None:
    """Every rule meets every world on disk, healthy, broken and half read."""
    for path in case_files():
        observation = read_case(path).observation
        for rule in rules():
            crashed = [one for one in judge(rule, observation, make.NOW) if one.reason == "RuleCrashed"]
            assert not crashed, (rule.id, path.parent.name, path.name, crashed[0].evidence)


def test_only_these_rules_keep_a_rollover_from_starting() -> None:
    """Adding to this list stops plans; each entry has its reason in the page of its rule."""
    assert [rule.id for rule in rules() if rule.blocks_plan] == [
        "cluster-not-at-rest",
        "extension-four-unsupported",
        "issuer-not-pinned",
        "node-type-without-scale-set",
        "runtime-known-fault",
    ]
