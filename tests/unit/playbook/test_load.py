"""A playbook is read as it stands, or refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcert.cli.commands.plan import SHIPPED_PLAYBOOKS
from sfcert.errors import InputError
from sfcert.planning.questions import check_playbook
from sfcert.playbook import load_playbook, parse_playbook, playbook_names

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
TEXT = (PLAYBOOKS / "thumbprint-to-common-name.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", playbook_names(PLAYBOOKS))
def test_every_shipped_playbook_is_whole_and_on_the_closed_lists(name: str) -> None:
    playbook = load_playbook(PLAYBOOKS, name)
    check_playbook(playbook)
    assert playbook.title
    assert playbook.definitions()[-1].does == "watch"


def test_the_help_of_plan_names_the_shipped_playbooks() -> None:
    assert sorted(playbook_names(PLAYBOOKS)) == sorted(SHIPPED_PLAYBOOKS)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("kind: wait", "kind: weit", "Invalid enum value 'weit'"),
        ("per: vault", "perr: vault", "unknown field `perr`"),
        ("id: 99-watch-rotation", "id: watch-rotation", "not of the form"),
        ("id: 90-resume-renewal-{certificate}", "id: 99-watch-rotation", "stands twice"),
        ("    template: create-identity/main.json.j2\n", "", "a deployment names a template"),
        ("format: sfcert.playbook/1", "format: sfcert.playbook/9", "this sfcert reads"),
        ("name: thumbprint-to-common-name\n", "name: other\n", "the file is called"),
        ("[60-declare-common-name,", "[61-nothing,", "which is no stage"),
    ],
)
def test_a_fault_names_file_line_and_what(before: str, after: str, told: str) -> None:
    assert before in TEXT
    with pytest.raises(InputError) as caught:
        parse_playbook(TEXT.replace(before, after, 1), "mine.yaml", "thumbprint-to-common-name")
    assert caught.value.token == "PlaybookInvalid"
    fault = caught.value.faults[0]
    assert told in str(caught.value)
    assert (fault.file, fault.line is not None) == ("mine.yaml", True)


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- 1",
        "",
        "plain",
        "format: sfcert.playbook/1\n",
        "\x00",
        "a: 2026-13-45",
        "a: !!bool x",
        "a: &a [*a]",
        "name: a\nname: b",
    ],
)
def test_what_is_no_playbook_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_playbook(text, "mine.yaml", "mine")
    assert caught.value.token == "PlaybookInvalid"


def test_stages_of_another_playbook_are_taken_as_they_are() -> None:
    added, whole = load_playbook(PLAYBOOKS, "add-certificate"), load_playbook(PLAYBOOKS, "thumbprint-to-common-name")
    assert (added.stages, added.alternatives) == (whole.stages, whole.alternatives)
    assert added.name == "add-certificate"


@pytest.mark.parametrize("other", ["mine", "nowhere"])
def test_stages_of_itself_or_of_nothing_are_refused(other: str, tmp_path: Path) -> None:
    text = f"format: sfcert.playbook/1\nname: mine\ntitle: t\nexplains: e\nstages_of: {other}\n"
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load_playbook(tmp_path, "mine")
    assert caught.value.token == "PlaybookInvalid"
