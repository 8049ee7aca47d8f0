"""Where an answer goes: a file is written whole or not at all, and what is no file is left what it is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sfcert.cli.output import write_whole
from sfcert.errors import InputError


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old")
    write_whole(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link_and_its_file_is_written(tmp_path: Path) -> None:
    file, link = tmp_path / "plan.json", tmp_path / "newest.json"
    file.write_text("old")
    link.symlink_to(file)
    write_whole(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_a_pipe_takes_the_text_and_stays_a_pipe(tmp_path: Path) -> None:
    """A device is the same case: as root, a file in the place of /dev/null would be everybody's."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "the plan")
    reader.join(timeout=10)
    assert read == ["the plan"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", ["taken", "taken/plan.json", "nowhere/plan.json"])
def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_left(tmp_path: Path, place: str) -> None:
    (tmp_path / "taken").mkdir()
    if place == "taken/plan.json":
        (tmp_path / "taken").rmdir()
        (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="cannot be written") as refused:
        write_whole(tmp_path / place, "text")
    assert refused.value.token == "FileUnreadable"
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]
