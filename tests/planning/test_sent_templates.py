"""What a plan sends: valid for the vendor's schemas and types, only what the stage owns, nothing secret, nothing twice.

Every case of the folder that comes out ready is a sample.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from sfcert.arm import covers, diff
from sfcert.model.codec import canonical
from sfcert.model.ids import parse_resource_id, same_id
from sfcert.model.plan import Plan
from sfcert.planning.inputs import Inputs
from sfcert.planning.read_only import CLUSTER, READ_ONLY, SCALE_SET, strip
from tests import make
from tests.planning import vendor
from tests.planning.applied import NoSuchResource, applied, revealed, sent_bodies
from tests.planning.test_cases import CASES, filled, planned
from tests.planning.worlds import edited, plan_of, world_of

Json = dict[str, Any]


def read_case(path: Path) -> Json:
    """One case file with its thumbprints filled in."""
    case: Json = yaml.safe_load(filled(path.read_text("utf-8")))
    return case


READY = [path for path in CASES if read_case(path)["expect"]["status"] == "ready"]
ready_cases = pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)


def world_and_plan(path: Path) -> tuple[Json, Plan]:
    """The bundle document of a case, and its plan."""
    case = read_case(path)
    return edited(make.document(world_of(case.get("world") or {})), case.get("edits") or []), planned(case)


@ready_cases
def test_planning_the_result_of_a_plan_gives_nothing_to_do(path: Path) -> None:
    case = read_case(path)
    document, plan = world_and_plan(path)
    after = plan_of(make.from_document(applied(document, plan)), inputs_of(case))
    assert [stage.id for stage in after.stages] == []
    assert after.status == "nothing-to-do", after.blocked_by


@ready_cases
def test_changes_only_what_the_stage_owns(path: Path) -> None:
    document, plan = world_and_plan(path)
    now = copy.deepcopy(document)
    for stage in plan.stages:
        if stage.deployment is None:
            continue
        before = copy.deepcopy(now)
        now = applied(now, _only(plan, stage.id))
        for key, raw in before["resources"].items():
            kind = parse_resource_id(key).type.lower()
            if kind not in (CLUSTER, SCALE_SET):
                continue
            owned = [one.rpartition(":")[2] for one in stage.owned_paths if ":" not in one or one.startswith(key)]
            for change in diff(
                strip(kind, revealed(raw["body"])), strip(kind, revealed(now["resources"][key]["body"]))
            ):
                assert covers(owned, change.path), f"{stage.id} changes {change.path}"


@ready_cases
def test_every_template_is_valid_for_the_vendors_schemas_and_types(path: Path, shared: Path) -> None:
    document, plan = world_and_plan(path)
    now = copy.deepcopy(document)
    for stage in plan.stages:
        if stage.deployment is not None:
            errors = [
                error.message for error in vendor.template_validator(shared).iter_errors(stage.deployment.template)
            ]
            assert errors == [], stage.id
            for resource_id, body in sent_bodies(stage.deployment, stage.scope, copy.deepcopy(now)):
                kind = parse_resource_id(resource_id).type
                version = _sent_version(stage.deployment.template, kind)
                whole = {"type": kind, "apiVersion": version, "name": parse_resource_id(resource_id).name, **body}
                schema = [
                    error.message for error in vendor.resource_validator(shared, kind, version).iter_errors(whole)
                ]
                assert schema == [], f"{stage.id} {kind}"
                assert vendor.problems(shared, kind, version, body) == [], f"{stage.id} {kind}"
        now = applied(now, _only(plan, stage.id))


@ready_cases
def test_updates_fail_on_an_absent_resource(path: Path) -> None:
    document, plan = world_and_plan(path)
    for stage in plan.stages:
        if stage.deployment is None or stage.kind != "deployment" or not stage.expects:
            continue
        without = copy.deepcopy(document)
        for expected in stage.expects:
            for key in [key for key in without["resources"] if same_id(key, expected.resource)]:
                del without["resources"][key]
        with pytest.raises(NoSuchResource):
            list(sent_bodies(stage.deployment, stage.scope, without))


@ready_cases
def test_names_fit_and_carry_no_secret(path: Path) -> None:
    _, plan = world_and_plan(path)
    names = [stage.deployment.name for stage in plan.stages if stage.deployment is not None]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"sfcert-[A-Za-z0-9_-]{1,57}", name)
    text = canonical(plan).decode().lower()
    for word in ("protectedsettings", "adminpassword", "$redacted", "-----begin"):
        assert word not in text


@pytest.mark.parametrize(
    ("kind", "version"), [(CLUSTER, "2021-06-01"), (SCALE_SET, "2024-11-01"), (SCALE_SET, "2026-04-01")]
)
def test_the_table_of_read_only_properties_is_the_vendors(kind: str, version: str, shared: Path) -> None:
    known = vendor.flagged(shared, kind, version, vendor.READ_ONLY)
    ours = {one for one in READ_ONLY[kind] if one != ("name",)}
    assert ours | {("etag",), ("systemdata",)} == known | {("etag",), ("systemdata",)}


def _only(plan: Plan, stage_id: str) -> Plan:
    return replace(plan, stages=tuple(one for one in plan.stages if one.id == stage_id))


def inputs_of(case: Json) -> Inputs:
    return msgspec.convert(case.get("inputs") or {}, Inputs)


def _sent_version(template: Json, kind: str) -> str:
    for resource in template["resources"]:
        if str(resource["type"]).lower() == kind.lower():
            return str(resource["apiVersion"])
        nested = (resource.get("properties") or {}).get("template")
        if nested:
            for inner in nested["resources"]:
                if str(inner["type"]).lower() == kind.lower():
                    return str(inner["apiVersion"])
    raise AssertionError(f"no {kind} in the template")
