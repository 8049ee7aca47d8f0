"""Suppressions: what they silence, until when, and what a faulty file is told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.errors import InputError
from sfcert.rules import audit, load_suppressions, read_suppressions
from sfcert.rules.suppressions import Suppression
from tests import make

WORLD = make.observation(make.common_name_world(pins="", state="AutoScale"))
REST = {"rule": "cluster-not-at-rest", "reason": "scaling, by plan"}


def test_a_suppressed_error_no_longer_decides_and_is_listed_with_its_reason() -> None:
    one = Suppression(**REST, until=date(2026, 11, 22))
    found = audit(WORLD, now=make.NOW, suppressions=[one])
    assert found.verdict == "pass"
    assert [finding.rule for finding in found.suppressed] == ["cluster-not-at-rest"]
    assert found.suppressed[0].evidence["suppressed_because"] == "scaling, by plan"
    assert found.passed == audit(WORLD, now=make.NOW).passed, "silenced is not passed"


def test_the_last_day_is_the_whole_day_in_utc() -> None:
    one = Suppression(**REST, until=date(2026, 11, 22))
    late = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    assert audit(WORLD, now=late, suppressions=[one]).suppressed
    assert not audit(WORLD, now=datetime(2026, 11, 23, tzinfo=UTC), suppressions=[one]).suppressed


def test_an_expired_suppression_silences_nothing_and_is_reported() -> None:
    one = Suppression(**REST, until=date(2026, 11, 21))
    found = audit(WORLD, now=make.NOW, suppressions=[one])
    assert found.verdict == "fail"
    assert [finding.severity for finding in found.findings if finding.rule == "suppression-expired"] == ["warning"]


@pytest.mark.parametrize(
    ("subject", "silences"),
    [(make.CLUSTER_ID.upper(), True), ("*/clusters/shop", True), ("*/clusters/other", False), (None, True)],
)
def test_the_subject_is_a_glob_without_regard_to_case(subject: str | None, silences: bool) -> None:
    one = Suppression(**REST, until=date(2027, 1, 1), subject=subject)
    assert bool(audit(WORLD, now=make.NOW, suppressions=[one]).suppressed) == silences


def test_a_file_is_read() -> None:
    text = "- rule: pin-missing\n  reason: moving\n  until: 2027-01-31\n  subject: '*'\n"
    (one,) = read_suppressions(text, "file.yaml")
    assert (one.rule, one.until, one.subject) == ("pin-missing", date(2027, 1, 31), "*")
    assert read_suppressions("suppressions:\n" + "  ".join(["", *text.splitlines(True)]), "f") == (one,)
    assert read_suppressions("", "empty.yaml") == ()


def test_a_suppression_of_a_rule_that_does_not_exist_is_refused_with_its_place_and_what_may_be_meant() -> None:
    """It would silence nothing, and who wrote it would not know."""
    until = date(2099, 1, 31)
    listed = [
        Suppression(rule="pin_missing", reason="x", until=until, where="[0]"),
        Suppression(rule="pin-mising", reason="x", until=until, where="[1]"),
        Suppression(rule="weather", reason="x", until=until, where="[2]"),
    ]
    with pytest.raises(InputError) as caught:
        audit(WORLD, now=make.NOW, suppressions=listed)
    assert caught.value.token == "SuppressionInvalid"
    assert [fault.path for fault in caught.value.faults] == ["[1]", "[2]"]
    assert "Did you mean pin-missing" in str(caught.value)
    found = audit(WORLD, now=make.NOW, suppressions=listed[:1])
    assert "pin-missing" in {finding.rule for finding in found.suppressed}


def test_every_fault_of_a_file_is_told_at_once() -> None:
    text = "- rule: pin-missing\n- reason: x\n  until: soon\n  untill: 2027-01-01\n- just a text\n"
    with pytest.raises(InputError) as caught:
        read_suppressions(text, "file.yaml")
    assert caught.value.token == "SuppressionInvalid"
    said = str(caught.value)
    for words in ("[0]: reason is missing", "[0]: until", "[1]: rule", "[1]: until", "'untill'", "[2]"):
        assert words in said


@pytest.mark.parametrize("text", ["rule: x", "just a text", "- [", "- rule: !!python/object:os.system x", "\t- a"])
def test_what_is_no_list_of_suppressions_is_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_suppressions(text, "file.yaml")
    assert "file.yaml" in str(caught.value)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        read = read_suppressions(text, "file.yaml")
    except InputError:
        return
    assert all(one.rule and one.reason for one in read)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml") as caught:
        load_suppressions(tmp_path / "none.yaml")
    assert caught.value.token == "FileUnreadable"
