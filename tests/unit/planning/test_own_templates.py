"""A template of the user's own that sends what must not be sent gets one clear message, never a traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sfcert.cli.main import run
from sfcert.cli.shipped import templates_folder
from sfcert.sources.bundle import bundle_text
from tests import make


def test_a_read_only_property_in_an_own_template_is_named_with_its_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "templates"
    shutil.copytree(templates_folder(), own)
    template = own / "update-scale-set" / "main.json.j2"
    text = template.read_text("utf-8")
    marked = text.replace('"type": {{ type | json }},', '"type": {{ type | json }}, "id": "mine",')
    assert marked != text
    template.write_text(marked, "utf-8")
    world = tmp_path / "world.json"
    world.write_text(bundle_text(make.bundle()))
    assert run(["plan", "--bundle", str(world), "--templates", str(own)]) == 1
    said = capsys.readouterr().err
    assert "40-provision-nt0" in said
    assert "read-only or write-only" in said
    assert "Traceback" not in said
