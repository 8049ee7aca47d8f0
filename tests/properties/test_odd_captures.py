"""Odd captures: whatever is planned from them comes through or is blocked in words, and nothing of them is a crash."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest

from sfcert.cli.main import run
from sfcert.cli.rehearsal import rehearse
from tests import odd_captures
from tests.lives import planned

COMMANDS = (
    ["audit"],
    ["inspect"],
    ["forecast"],
    ["plan"],
    ["plan", "--playbook", "rotate-by-thumbprint"],
    ["plan", "--playbook", "change-issuer"],
    ["plan", "--playbook", "cleanup"],
)


@pytest.mark.parametrize("seed", range(24))
def test_a_plan_from_an_odd_capture_comes_through_or_says_why_there_is_none(seed: int) -> None:
    odd = odd_captures.drawn(seed)
    plan = planned(odd.bundle, odd.inputs).plan
    if plan.status == "blocked":
        assert all(one.strip() for one in plan.blocked_by), odd.told
    if plan.status == "ready":
        rehearsal = rehearse(plan, odd.bundle, faults=odd_captures.hardship_for(plan), seed=seed)
        assert rehearsal.verdict == "held", (odd.told, rehearsal.runs)


@pytest.mark.parametrize("seed", range(40))
def test_no_edit_by_hand_is_a_crash(seed: int, tmp_path: Path) -> None:
    document, told = odd_captures.edited(seed)
    file = tmp_path / "world.json"
    file.write_text(json.dumps(document))
    out, err = io.StringIO(), io.StringIO()
    command = COMMANDS[seed % len(COMMANDS)]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*command, "--bundle", str(file)])
    assert code in (0, 1, 2, 3), (told, err.getvalue())
    assert "RuleCrashed" not in out.getvalue(), told
