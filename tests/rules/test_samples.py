"""Every sample on disk, judged by its rule. The folder is the list of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcert.rules.engine import judge
from sfcert.rules.registry import rule_named
from tests import make
from tests.rules.case import FOLDER, case_files, read_case


@pytest.mark.parametrize("path", case_files(), ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))
def test_the_rule_says_of_the_sample_what_the_sample_expects(path: Path) -> None:
    case = read_case(path)
    found = judge(rule_named(case.rule), case.observation, make.NOW)
    seen = [(one.verdict, one.reason, one.subject) for one in found]
    if case.verdict == "pass":
        assert seen == [], case.says
        return
    assert case.reason is not None, f"{path.name} must say which reason it expects"
    assert case.subject is not None, f"{path.name} must say which subject it expects"
    assert (case.verdict, case.reason, case.subject) in seen, case.says
