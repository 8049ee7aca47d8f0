"""The embedded Azure as a process of its own: up, status, env, down; one at a time for a folder."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sfcert.sim.host import VARIABLES, SimFailed, control, down, env, status, up


def test_one_comes_up_answers_and_goes_down_without_a_trace(tmp_path: Path) -> None:
    found = up(tmp_path, seed=4, load={"world": "one-node-type"})
    try:
        assert tuple(found) == VARIABLES
        assert env(tmp_path) == found
        assert status(tmp_path)["seed"] == 4
        assert Path(found["REQUESTS_CA_BUNDLE"]).exists()
        assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
        with pytest.raises(SimFailed, match="already runs"):
            up(tmp_path)
        before = control(tmp_path, "GET", "/now")["now"]
        assert control(tmp_path, "POST", "/advance", {"seconds": 3600})["now"] > before
        control(tmp_path, "POST", "/reset")
        assert env(tmp_path)["SFCERT_CLUSTER_ID"] == found["SFCERT_CLUSTER_ID"]
    finally:
        assert down(tmp_path)
    assert not (tmp_path / "state.json").exists()
    assert not down(tmp_path)
    with pytest.raises(SimFailed, match="sim up"):
        env(tmp_path)


def test_a_state_that_nobody_answers_for_does_not_block_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"pid": 1, "control_url": "http://127.0.0.1:9/t/x"}))
    up(tmp_path)
    assert down(tmp_path)


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(SimFailed, match="atlantis"):
        up(tmp_path, load={"world": "atlantis"})
