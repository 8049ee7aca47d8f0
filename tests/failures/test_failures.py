"""Every known way in which a cluster died, as a bundle, with its healthy twin: found in the one, silence in the other.

A file is a world in the words of `tests.rules.case`, of which `fault` turns further knobs (instead of those of the
same name), makes further edits, or shows other nodes. The twin is the same file without `fault`, and of it no rule
reports anything at all, and a plan can be made for it: the migration, or the `playbook` that is named. Files begin
with the number of their failure in the reference's catalogue.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sfcert.model.bundle import Bundle
from sfcert.model.finding import Audit
from sfcert.planning.inputs import Inputs
from sfcert.rules import audit
from sfcert.sources.observe import observe
from tests import make
from tests.planning.worlds import plan_of
from tests.rules.case import SUBJECTS, bundle_of

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.yaml"))
#: Rows of the catalogue that no look at a cluster can judge, and why.
NOT_JUDGED = {
    22: "What application manifests name stands inside application packages, and a capture holds none.",
    24: "A copy of a certificate inside a system service of the runtime; nothing that can be read shows it.",
    28: "A fault of one request and not of a state: the refusal is tested in tests/unit/trust/test_refusals.py.",
}


@cache
def _read(path: Path) -> dict[str, Any]:
    raw = yaml.safe_load(path.read_text("utf-8"))
    assert set(raw) <= {"says", "world", "knobs", "edits", "nodes", "playbook", "fault", "expect"}, path.name
    assert set(raw["fault"]) <= {"knobs", "edits", "nodes"}, path.name
    assert raw["fault"], path.name
    return dict(raw)


def _bundle(path: Path, *, faulty: bool) -> Bundle:
    raw = _read(path)
    fault = raw["fault"] if faulty else {}
    told = {"world": raw["world"]}
    for part in ("knobs", "edits"):
        told[part] = (raw.get(part) or {}) | (fault.get(part) or {})
    return bundle_of(told | {"nodes": fault.get("nodes") or raw.get("nodes")}, path.name)


def _audit(bundle: Bundle) -> Audit:
    return audit(observe(bundle), now=make.NOW)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_failure_is_found(path: Path) -> None:
    expect = _read(path)["expect"]
    found = _audit(_bundle(path, faulty=True)).findings
    seen = [(one.rule, one.verdict, one.reason, one.subject) for one in found]
    subject = SUBJECTS.get(expect["subject"], expect["subject"])
    assert (expect["rule"], "fail", expect["reason"], subject) in seen, _read(path)["says"]
    assert [one for one in found if one.reason == "RuleCrashed"] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_reported_of_the_healthy_twin(path: Path) -> None:
    found = _audit(_bundle(path, faulty=False))
    assert [(one.rule, one.reason, one.message) for one in found.findings] == []
    assert found.verdict == "pass"


@pytest.mark.parametrize("path", [path for path in FILES if "blocks" in _read(path)["expect"]], ids=lambda p: p.stem)
def test_no_rollover_starts_from_the_failure(path: Path) -> None:
    bundle = _bundle(path, faulty=True)
    plan = plan_of(bundle, findings=_audit(bundle).findings)
    assert plan.status == "blocked"
    assert any(_read(path)["expect"]["blocks"] in one for one in plan.blocked_by)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_healthy_twin_blocks_no_rollover(path: Path) -> None:
    bundle = _bundle(path, faulty=False)
    named = _read(path).get("playbook")
    inputs = Inputs(playbook=named) if named else Inputs()
    plan = plan_of(bundle, inputs, findings=_audit(bundle).findings)
    assert (plan.status, plan.blocked_by) in (("ready", ()), ("nothing-to-do", ()))


def test_every_row_of_the_catalogue_has_a_bundle_or_a_reason_why_not() -> None:
    shown = {int(path.name[:2]) for path in FILES}
    assert not shown & set(NOT_JUDGED)
    assert shown | set(NOT_JUDGED) == set(range(1, 33))
