"""In what two plans differ."""

from __future__ import annotations

from msgspec.structs import replace

from sfcert.planning.differences import diff_plans
from tests import make
from tests.planning.worlds import plan_of


def test_equal_plans_do_not_differ() -> None:
    assert diff_plans(plan_of(make.bundle()), plan_of(make.bundle())) == ()


def test_a_stage_that_only_one_plan_has_is_told() -> None:
    without, with_it = plan_of(make.bundle()), plan_of(make.bundle(policy=make.policy(action="AutoRenew")))
    found = {(one.stage, one.kind) for one in diff_plans(without, with_it) if one.path == ""}
    assert found == {("10-freeze-shop-cluster", "Create"), ("90-resume-renewal-shop-cluster", "Create")}
    assert {(one.stage, one.kind) for one in diff_plans(with_it, without) if one.path == ""} == {
        ("10-freeze-shop-cluster", "Delete"),
        ("90-resume-renewal-shop-cluster", "Delete"),
    }


def test_a_changed_place_of_a_template_is_told_by_its_path() -> None:
    document = make.document(make.world())
    document["resources"][make.scale_set_id()]["body"]["tags"] = {"owner": "us"}
    found = diff_plans(plan_of(make.bundle()), plan_of(make.from_document(document)))
    places = [one.path for one in found if one.stage == "40-provision-nt0"]
    assert any(one.endswith("tags") and one.startswith("deployment.template") for one in places)


def test_another_order_alone_is_told() -> None:
    plan = plan_of(make.bundle())
    turned = replace(plan, stages=tuple(reversed(plan.stages)))
    assert [(one.stage, one.path) for one in diff_plans(plan, turned)] == [(None, "stages")]
