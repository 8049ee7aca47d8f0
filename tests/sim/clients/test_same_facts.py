"""What `make bench` times side by side shows the same: `sfcert inspect --cluster`, and the vendor's commands for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from sfcert.sim import worlds
from sfcert.sim.host import start_in_thread
from tests.az import Desk, needs_az
from tests.bench_az import commands, shown_by_az, shown_by_sfcert


@needs_az
def test_inspect_shows_what_the_commands_beside_it_show(tmp_path: Path) -> None:
    with start_in_thread(start=datetime(2026, 11, 22, 10, tzinfo=UTC), seed=7) as running:
        facts = running.call(lambda azure: worlds.load(azure, "three-node-types"))
        desk = Desk(running.env(), tmp_path)
        desk.sign_in()
        by_az = shown_by_az([desk.az(*words) for words in commands(facts)])
        inspected = desk.run(f"sfcert inspect --cluster {facts['cluster_id']} --format json")
    assert inspected.returncode == 0, inspected.stderr
    assert shown_by_sfcert(json.loads(inspected.stdout)) == by_az
    assert set(by_az["node types"]) == {"system", "front", "back"}
