"""What does an installed sfcert hold, that has no checkout beside it?"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling import build

from sfcert.sources.bundle import bundle_text
from tests import make
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        wheel = build.build_wheel(str(folder))
    with zipfile.ZipFile(folder / wheel) as opened:
        opened.extractall(folder / "site")
    return folder / "site"


def files_below(folder: Path) -> set[str]:
    return {
        one.relative_to(folder).as_posix()
        for one in folder.rglob("*")
        if one.is_file() and "__pycache__" not in one.parts
    }


def test_it_holds_every_file_of_the_package_and_the_data_folders(installed: Path) -> None:
    shipped = installed / "sfcert" / "shipped"
    assert files_below(shipped / "templates") == files_below(ROOT / "templates")
    assert files_below(shipped / "playbooks") == files_below(ROOT / "playbooks")
    own = {one for one in files_below(installed / "sfcert") if not one.startswith("shipped/")}
    assert own == files_below(ROOT / "sfcert")


def test_it_plans_with_the_playbooks_and_templates_that_it_brings(installed: Path, tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text(bundle_text(make.bundle()))
    begin = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sfcert.cli.main import main; main()"
    command = [sys.executable, "-c", begin, str(installed), "plan", "--bundle", str(world), "--format", "json"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    plan = json.loads(ended.stdout)
    assert plan["status"] == "ready"
    assert any(stage["deployment"] for stage in plan["stages"])
