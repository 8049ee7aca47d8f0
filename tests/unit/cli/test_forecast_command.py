"""`sfcert forecast`, and the forecast that a plan carries for its review."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from sfcert.cli.main import run
from sfcert.cli.planned import plan_for
from sfcert.cli.shipped import playbooks_folder, templates_folder
from sfcert.model.codec import canonical, digest_of, pretty, read_plan
from sfcert.model.plan import Plan
from sfcert.planning.inputs import Inputs
from sfcert.views.plan_page import plan_html
from tests import make

DAY = timedelta(days=1)
RENEWING = make.policy(action="AutoRenew", issuer="ExampleCA")


def saved(world: make.World, folder: Path) -> str:
    path = folder / "world.json"
    path.write_text(json.dumps(make.document(world)), "utf-8")
    return str(path)


def planned(world: make.World) -> Plan:
    inputs = Inputs(certificates={"*": f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"})
    return plan_for(
        make.observation(world),
        inputs,
        now=make.NOW,
        playbooks=playbooks_folder(None),
        templates=templates_folder(None),
        version="0",
    )


def test_ends_with_0_while_there_is_time_and_with_2_when_it_is_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = saved(make.common_name_world(), tmp_path)
    assert run(["forecast", "--bundle", bundle]) == 0
    assert run(["forecast", "--bundle", bundle, "--now", "2027-04-11T07:58:59Z"]) == 0
    assert run(["forecast", "--bundle", bundle, "--now", "2027-04-11T07:59:00Z"]) == 2
    assert "the last moment has passed" in capsys.readouterr().out


def test_an_unread_vault_alone_is_no_passed_deadline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = make.document(make.common_name_world())
    plain["vaults"] = {}
    path = tmp_path / "world.json"
    path.write_text(json.dumps(plain), "utf-8")
    assert run(["forecast", "--bundle", str(path), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["certificates"] == []
    assert "VaultUnread" in {one["reason"] for one in told["unknown"]}


def test_writes_the_picture_where_it_is_asked_to(tmp_path: Path) -> None:
    picture = tmp_path / "line.svg"
    assert run(["forecast", "--bundle", saved(make.world(), tmp_path), "--svg", str(picture)]) == 0
    assert picture.read_text("utf-8").startswith("<svg ")


def test_a_plan_tells_what_follows_once_it_has_been_applied() -> None:
    plan = planned(make.world(policy=RENEWING))
    assert plan.status == "ready"
    assert plan.forecast is not None
    assert plan.forecast.supposes == "plan-applied"
    (one,) = plan.forecast.certificates
    assert (one.selected, one.arrives, one.renews) == ("name", "extension", "vault")
    assert len(one.rotations) > 1


def test_a_blocked_plan_tells_of_the_world_that_was_seen() -> None:
    plan = planned(make.world(policy=RENEWING, state="UpdatingUserConfiguration"))
    assert plan.status == "blocked"
    assert plan.forecast is not None
    assert plan.forecast.supposes == "what-was-seen"
    assert [one.selected for one in plan.forecast.certificates] == ["thumbprint"]


def test_a_plan_with_its_forecast_is_sealed_deterministic_and_survives_the_file() -> None:
    plan, again = (planned(make.world(policy=RENEWING)) for _ in range(2))
    assert canonical(plan) == canonical(again)
    assert plan.digest == digest_of(plan)
    assert read_plan(pretty(plan).encode(), "plan.json") == plan


def test_the_page_of_a_plan_shows_the_picture_and_each_rotation() -> None:
    plan = planned(make.world(policy=RENEWING))
    page = plan_html(plan)
    assert page.count("<svg ") == 1
    assert "once the plan has been applied" in page
    assert plan.forecast is not None
    for rotation in plan.forecast.certificates[0].rotations:
        assert f'<td data-label="act by">{rotation.deadline_utc:%Y-%m-%d}</td>' in page
