"""`sim load --as` only publishes: a linked template finds the file, and nothing is deployed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sfcert.cli.main import run
from sfcert.sim.deployments import Content
from sfcert.sim.host import start_in_thread
from sfcert.sim.steering import write_state


def test_a_file_is_published_under_the_address_that_it_is_given(tmp_path: Path) -> None:
    file, place = tmp_path / "nested.json", "https://files.example/nested.json"
    file.write_text('{"resources": []}')
    with start_in_thread(start=datetime(2026, 11, 22, tzinfo=UTC), seed=3, tempo="manual") as running:
        write_state(tmp_path, {"pid": 0, "control_url": running.control_url})
        assert run(["sim", "load", str(file), "--as", place, "--state", str(tmp_path)]) == 0
        assert running.call(lambda azure: azure.service("content", Content).read(place)) == '{"resources": []}'
        assert run(["sim", "load", str(file), "--as", "nested.json", "--state", str(tmp_path)]) != 0
