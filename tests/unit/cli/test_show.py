"""One stage of a saved plan: for the eyes, for machines, and its template for those who deploy by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sfcert.cli.main import run
from sfcert.sources.bundle import bundle_text
from tests import make


@pytest.fixture
def plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    world, file = tmp_path / "world.json", tmp_path / "plan.json"
    world.write_text(bundle_text(make.bundle(policy=make.policy(action="AutoRenew", issuer="ExampleCA"))))
    assert run(["plan", "--bundle", str(world), "-o", str(file)]) == 2
    capsys.readouterr()
    return file


def stage_of(plan: Path, kind: str) -> dict[str, object]:
    return next(stage for stage in json.loads(plan.read_text())["stages"] if stage["kind"] == kind)


def test_the_template_is_what_is_sent_to_the_letter(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = stage_of(plan, "deployment")
    assert run(["show", str(plan), "--stage", str(stage["id"]), "--format", "template"]) == 0
    deployment = stage["deployment"]
    assert isinstance(deployment, dict)
    assert json.loads(capsys.readouterr().out) == deployment["template"]


def test_one_stage_is_shown_alone_and_its_lines_are_not_wrapped(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = stage_of(plan, "deployment")
    assert run(["show", str(plan), "--stage", str(stage["id"])]) == 0
    shown = capsys.readouterr().out
    az = stage["az"]
    assert isinstance(az, list)
    assert set(az) <= set(shown.splitlines())
    assert "99-watch" not in shown

    assert run(["show", str(plan), "--stage", str(stage["id"]), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == stage


def test_a_stage_that_is_not_there_is_refused_with_those_that_are(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(plan), "--stage", "no-such-stage"]) == 1
    said = capsys.readouterr().err
    assert "no stage 'no-such-stage'" in said
    assert "99-watch-rotation" in said


def test_a_stage_without_a_template_says_so(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(plan), "--stage", str(stage_of(plan, "vault")["id"]), "--format", "template"]) == 1
    assert "deploys no template" in capsys.readouterr().err


def test_a_plan_that_enrols_nothing_is_shown_without_reading_certificates(plan: Path) -> None:
    code = (
        f"import sys; from sfcert.cli.main import run; run(['show', {str(plan)!r}]); "
        "print([name for name in ('azure', 'cryptography', 'jinja2') if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"


def test_a_stage_that_a_plan_has_not_is_told_before_anybody_signs_in(
    plan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, "made up, and of no use")
    for line in (["show", str(plan), "--stage", "nope"], ["watch", str(plan), "--stage", "nope"]):
        assert run(line) == 1
        assert "The plan has no stage 'nope'. It has: " in capsys.readouterr().err
