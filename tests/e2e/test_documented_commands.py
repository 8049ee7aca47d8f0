"""Every command in the tutorial and the how-to pages is run, in order, as a reader would run it.

A page that says nothing of an embedded Azure is read where one is up already: that runs in this process, a reader's
commands in theirs. A line `$ …` of a console block is a command; `# exits with N` on it says which exit code the page
promises (0 if none). A text block that is no command shows output, with `…` for what is left out: it has to come.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sfcert.sim import worlds
from sfcert.sim.host import start_in_thread

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted([*(DOCS / "tutorial").glob("*.md"), *(DOCS / "how-to").glob("*.md")])
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PROMISE = re.compile(r"#\s*exits with (\d+)")


def commands_of(page: str) -> list[tuple[str, int]]:
    """Each command with the exit code that is promised; a here-document belongs to the command that opens it."""
    found: list[tuple[str, int]] = []
    for block in _BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                promise = _PROMISE.search(line)
                found.append((line[2:], int(promise[1]) if promise else 0))
            elif found:
                command, code = found[-1]
                found[-1] = (f"{command}\n{line}", code)
    return found


def script_of(page: str) -> str:
    """One shell script that stops, and says where, at the first command that does not end as promised."""
    lines = ["trap 'sfcert sim down >/dev/null 2>&1' EXIT"] if starts_its_own(page) else []
    for command, code in commands_of(page):
        shown = command.splitlines()[0].replace("'", "'\\''")
        lines.append(
            f"{command}\nended=$?; [ $ended -eq {code} ] || {{ echo \"ended with $ended: \"'{shown}' >&2; exit 99; }}"
        )
    return "\n".join(lines) + "\n"


def starts_its_own(page: str) -> bool:
    return "sfcert sim" in page


def not_printed(page: Path, printed: str) -> list[str]:
    """Lines of the page's text blocks that are part of no printed line, whatever stands for `…`."""
    blocks = [block for block in _SHOWN.findall(page.read_text()) if not block.startswith("sfcert ")]
    shown = [line.strip() for block in blocks for line in block.splitlines()]
    assert shown or page.parent.name != "tutorial", "a tutorial shows what a reader will see"
    return [one for one in shown if not re.search(re.escape(one).replace("…", ".*"), printed)]


@contextmanager
def variables_for(page: str, folder: Path) -> Iterator[dict[str, str]]:
    """What a reader's shell holds when the page begins: what leads to the usual world, unless the page makes one."""
    if starts_its_own(page):
        yield {}
        return
    with start_in_thread(
        folder=folder, seed=7, prepare=lambda azure: worlds.load(azure, "three-node-types")
    ) as running:
        yield running.env()


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_each_command_of_the_page_ends_as_the_page_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    assert commands_of(text), "a page of this kind shows commands"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
    }
    with variables_for(text, tmp_path / "azure") as variables:
        ended = subprocess.run(
            ["bash", "-u"],
            input=script_of(text),
            cwd=tmp_path,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert ended.returncode == 0, ended.stderr[-3000:] + ended.stdout[-2000:]
    assert not_printed(page, ended.stdout) == []
