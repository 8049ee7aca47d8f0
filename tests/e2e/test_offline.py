"""What is captured once answers as the live cluster does: the same facts, the same plan, to the digest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.site import Site, command

NOW = ("--now", "2026-11-22T12:00:00Z")
WORLDS = ["one-node-type", "rbac-vault", "three-node-types", "existing-extension", "reverse-proxy", "self-signed"]


@pytest.mark.parametrize("world", WORLDS)
def test_a_bundle_and_the_live_cluster_give_the_same_plan(
    world: str, site_of: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(world)
    bundle, offline = tmp_path / "bundle.json", tmp_path / "offline.json"
    assert command("capture", "--cluster", site.cluster_id, "-o", str(bundle), *NOW).code == 0
    live = site.plan(*NOW)
    for name in site.running.env():
        monkeypatch.delenv(name)  # nothing but the file is left to answer

    from_file = command("plan", "--bundle", str(bundle), "-o", str(offline), *NOW)

    assert from_file.code == live.code
    assert json.loads(offline.read_text())["digest"] == site.planned["digest"]
    assert offline.read_text() == site.plan_file.read_text()


def test_inspect_and_audit_say_the_same_of_a_bundle(site: Site, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    assert command("capture", "--cluster", site.cluster_id, "-o", str(bundle), *NOW).code == 0
    for name in ("inspect", "audit"):
        live = command(name, "--cluster", site.cluster_id, "--format", "json", *NOW)
        from_file = command(name, "--bundle", str(bundle), "--format", "json", *NOW)
        assert (live.code, live.json) == (from_file.code, from_file.json)


def test_a_plan_from_a_bundle_is_applied_to_the_live_cluster(site: Site, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    assert command("capture", "--cluster", site.cluster_id, "-o", str(bundle)).code == 0
    assert command("plan", "--bundle", str(bundle), "-o", str(site.plan_file)).code == 2
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert site.declares() == {site.facts["common_name"]: site.facts["issuer_thumbprint"]}
    assert site.refusals() == []


def test_neither_bundle_nor_plan_nor_output_holds_a_secret(site: Site, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    assert command("capture", "--cluster", site.cluster_id, "-o", str(bundle)).code == 0
    site.plan("--html", str(tmp_path / "plan.html"), "--markdown", str(tmp_path / "plan.md"))
    applied = site.apply()
    secret = site.running.env()["AZURE_CLIENT_SECRET"]
    written = [bundle, site.plan_file, tmp_path / "plan.html", tmp_path / "plan.md"]
    for text in [*(file.read_text() for file in written), applied.out, applied.err]:
        assert secret not in text
        assert "PRIVATE KEY" not in text
        assert "Bearer " not in text
        assert '"adminPassword": "' not in text


def test_the_result_of_an_apply_passes_the_audit_and_leaves_nothing_to_plan(site: Site) -> None:
    assert site.plan().code == 2
    assert site.apply().code == 0
    after = site.audit()
    assert (after.code, after.json["verdict"]) == (0, "pass")
    assert site.plan().code == 0
    assert (site.planned["status"], site.planned["stages"]) == ("nothing-to-do", [])
    sent = site.writes()
    assert site.apply().code == 0
    assert site.writes() == sent
