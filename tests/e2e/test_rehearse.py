"""`sfcert rehearse` as a user runs it: a plan and its bundle in files, no Azure anywhere."""

from __future__ import annotations

import contextlib
import io
import json
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sfcert.cli.main import run
from sfcert.model.codec import pretty, read_plan, sealed
from sfcert.sim.worlds.specs import THREE, NodeType, Spec
from sfcert.sources.bundle import bundle_text
from tests import make
from tests.lives import UNCHECKED, made, mutated, planned

Json = dict[str, Any]


@dataclass(frozen=True)
class Files:
    plan: Path
    bundle: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Eleven nodes of three types, captured and planned once: every test only reads."""
    folder = tmp_path_factory.mktemp("rehearse")
    found = planned(made(Spec("Three node types.", THREE), 7).captured())
    files = Files(folder / "plan.json", folder / "world.json")
    files.plan.write_text(pretty(found.plan))
    files.bundle.write_text(bundle_text(found.bundle))
    return files


@pytest.fixture(autouse=True)
def _no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal that asked for the network would fail here."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "SFCERT_SIM"):
        monkeypatch.delenv(name, raising=False)


def rehearsed(files: Files, *more: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["rehearse", str(files.plan), "--bundle", str(files.bundle), *more])
    return code, out.getvalue(), err.getvalue()


def told(files: Files, *more: str) -> tuple[int, Json]:
    code, out, _ = rehearsed(files, *more, "--format", "json")
    value: Json = json.loads(out)
    return code, value


def test_a_plan_comes_through_on_a_quiet_twin(files: Files) -> None:
    code, found = told(files)
    [only] = found["runs"]
    assert code == 0
    assert (found["format"], found["verdict"], found["left_open"]) == ("sfcert.rehearsal/1", "held", [])
    assert only["reached_the_end"]
    assert len(only["stages_done"]) == found["stages"]
    assert (only["refused"], only["retries"], only["setbacks"], only["hardships"]) == ([], [], [], [])
    assert only["hours"] > 0.5


def test_a_thumbprint_that_is_added_first_comes_through_every_hardship(files: Files, tmp_path: Path) -> None:
    """The plan rests on the vendor's phases for this change (assumption thumbprint-walks), and so does every run."""
    bundle = make.bundle(
        current=make.leaf("old", not_before=make.NOW - timedelta(days=60)),
        goal=make.leaf("new", not_before=make.NOW - timedelta(days=5)),
    )
    here = Files(tmp_path / "plan.json", tmp_path / "world.json")
    here.bundle.write_text(bundle_text(bundle))
    with contextlib.redirect_stdout(io.StringIO()):
        assert run(["plan", "--bundle", str(here.bundle), "-o", str(here.plan)]) == 2
    code, found = told(here, "--faults", "hostile", "--seed", "1", "--runs", "4")
    assert {one["reading"] for one in found["runs"]} == {"phases", "single"}
    assert (code, found["verdict"]) == (0, "held")


def test_the_same_seed_gives_the_same_run_and_another_one_another(files: Files) -> None:
    _, first = told(files, "--faults", "hostile", "--seed", "3", "--runs", "2")
    _, again = told(files, "--faults", "hostile", "--seed", "3", "--runs", "2")
    assert first == again
    assert [one["seed"] for one in first["runs"]] == [3, 4]
    assert first["runs"][0]["hardships"] != first["runs"][1]["hardships"]


def test_what_every_client_meets_is_met_and_told(files: Files) -> None:
    code, found = told(files, "--faults", "usual", "--runs", "2")
    assert code == 0
    retries = [retry for one in found["runs"] for retry in one["retries"]]
    assert any(": 429, again in 7 s" in retry for retry in retries)
    assert any("PUT" in retry and ": 409, again in" in retry for retry in retries)


def test_people_read_a_table_and_a_verdict(files: Files) -> None:
    code, out, _ = rehearsed(files, "--faults", "hostile", "--runs", "2")
    assert code == 0
    assert out.splitlines()[0] == "Rehearsal on a twin of sf-demo, faults: hostile"
    assert out.splitlines()[-1] == "All 2 runs reached the end, and no connection was refused."


def test_a_plan_that_breaks_the_cluster_ends_with_three_and_says_who_refused_whom_in_which_stage(
    tmp_path: Path,
) -> None:
    """The plan pins an issuer that did not sign; its own proof is left as it was, to see what the twin says."""
    world = made(Spec("Plain.", (NodeType("nt0", 5, primary=True),), cluster_settings=UNCHECKED), 7)
    found = planned(world.captured())
    assert found.plan.goal is not None
    pins, other = found.plan.goal.issuer_thumbprints, world.facts["other_issuer_thumbprint"]
    wrong = mutated(found.deeds(), "forget", random.Random(1), other, pins)
    stages = tuple(stage for deed in wrong for stage in deed.stages)
    files = Files(tmp_path / "plan.json", tmp_path / "world.json")
    files.plan.write_text(pretty(sealed(msgspec.structs.replace(found.plan, stages=stages))))
    files.bundle.write_text(bundle_text(found.bundle))
    code, broken = told(files)
    refused = broken["runs"][0]["refused"]
    assert (code, broken["verdict"]) == (3, "broke")
    assert {one["stage"] for one in refused} == {"60-declare-common-name"}
    assert all(other not in one["why"] and pins[0] in one["why"] for one in refused if one["caller"] == "_nt0_0")
    code, out, _ = rehearsed(files)
    assert code == 3
    assert "in 60-declare-common-name: " in out
    assert "Do not apply this plan as it is." in out


def test_a_bundle_of_another_cluster_is_refused_in_one_sentence(files: Files, tmp_path: Path) -> None:
    other = Files(files.plan, tmp_path / "other.json")
    other.bundle.write_text(files.bundle.read_text().replace("clusters/sf-demo", "clusters/sf-other"))
    code, out, err = rehearsed(other)
    assert (code, out) == (1, "")
    assert "The plan is for" in err
    assert "Give the bundle that the plan was made from." in err


def test_a_bundle_that_has_moved_since_is_stale(files: Files, tmp_path: Path) -> None:
    moved = json.loads(files.bundle.read_text())
    for key, raw in moved["resources"].items():
        if key.endswith("/clusters/sf-demo"):
            raw["body"]["properties"]["reliabilityLevel"] = "Gold"
    other = Files(files.plan, tmp_path / "moved.json")
    other.bundle.write_text(json.dumps(moved))
    code, _, err = rehearsed(other)
    assert code == 4
    assert "shows another world" in err


def test_a_blocked_plan_is_not_rehearsed(files: Files, tmp_path: Path) -> None:
    plan = msgspec.structs.replace(planned_again(files), status="blocked", blocked_by=("because",))
    blocked = Files(tmp_path / "plan.json", files.bundle)
    blocked.plan.write_text(pretty(sealed(plan)))
    code, _, err = rehearsed(blocked)
    assert code == 3
    assert "blocked" in err


def planned_again(files: Files) -> Any:
    return read_plan(files.plan.read_bytes(), "plan.json")
