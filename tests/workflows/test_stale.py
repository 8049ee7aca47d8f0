"""Is a stage's change there already, and what did a write change beside it? On bodies alone, without a run."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from sfcert.model.plan import Expectation, PropertyChange, Stage
from sfcert.workflows.stale import foreign_changes, is_already_so, writable
from tests import make

Json = dict[str, Any]
EXTENSIONS = "properties.virtualMachineProfile.extensionProfile.extensions"
SET = make.scale_set_id()


def scale_set(**changes: Any) -> Json:
    world = make.world(has_extension=True, has_identity=True, **changes)
    body: Json = copy.deepcopy(make.document(world)["resources"][SET]["body"])
    return body


def cluster() -> Json:
    body: Json = copy.deepcopy(make.document(make.world())["resources"][make.CLUSTER_ID]["body"])
    return body


def change(path: str, kind: Any, after: Any = None) -> PropertyChange:
    return PropertyChange(path=path, kind=kind, before=None, after=after)


def stage(*changes: PropertyChange, resource: str = SET, owned: tuple[str, ...] = (), **more: Any) -> Stage:
    return Stage(
        id="40",
        action="",
        reason="",
        kind="deployment",
        scope=make.GROUP_SCOPE,
        resource=resource,
        changes=changes,
        owned_paths=owned,
        **more,
    )


GONE = change("tags.old", "Delete")
SET_TO = change("tags.new", "Modify", "b")


@pytest.mark.parametrize(
    ("tags", "so"),
    [
        ({"new": "b"}, True),
        ({"NEW": "b"}, True),
        ({"new": "b", "old": None}, False),
        ({"new": "B"}, False),
        ({"new": None}, False),
        ({}, False),
    ],
    ids=["both", "in another spelling", "one is not gone", "another value", "null", "neither"],
)
def test_a_stage_is_done_only_where_every_one_of_its_changes_is_there(tags: Json, so: bool) -> None:
    assert is_already_so(stage(SET_TO, GONE), SET, scale_set() | {"tags": tags}) is so
    assert is_already_so(stage(GONE, SET_TO), SET, scale_set() | {"tags": tags}) is so


def test_a_stage_that_names_no_change_and_a_resource_that_is_not_there_are_never_done() -> None:
    assert not is_already_so(stage(), SET, scale_set())
    assert not is_already_so(stage(SET_TO), SET, None)


def test_null_is_there_only_where_it_stands() -> None:
    to_null = stage(change("tags.new", "Modify", None))
    assert is_already_so(to_null, SET, scale_set() | {"tags": {"new": None}})
    assert not is_already_so(to_null, SET, scale_set() | {"tags": {}})


def test_a_path_that_does_not_lie_in_the_body_is_not_taken_for_done() -> None:
    assert not is_already_so(stage(change("a..b", "Delete")), SET, scale_set())


CLIENT = f"{EXTENSIONS}[name='KVVMExtension'].properties.settings.authenticationSettings.msiClientId"
ASKED = f"[reference('{make.IDENTITY_ID}', '2024-11-30').clientId]"


def test_a_client_id_that_is_known_at_run_time_only_is_compared_with_the_live_identitys() -> None:
    body = scale_set()
    whole = copy.deepcopy(body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][0])
    del whole["properties"]["settings"]["authenticationSettings"]["msiClientId"]
    wanted = stage(change(f"{EXTENSIONS}[name='KVVMExtension']", "Create", whole), change(CLIENT, "Create", ASKED))
    assert is_already_so(wanted, SET, body)
    spelt = copy.deepcopy(body)
    spelt["identity"]["userAssignedIdentities"] = {
        make.IDENTITY_ID.lower(): next(iter(body["identity"]["userAssignedIdentities"].values()))
    }
    assert is_already_so(wanted, SET, spelt)
    for assigned in ({}, None, {make.IDENTITY_ID: {"clientId": "another"}}, {make.IDENTITY_ID: None}):
        other = copy.deepcopy(body)
        other["identity"]["userAssignedIdentities"] = assigned
        assert not is_already_so(wanted, SET, other)
    nobody = copy.deepcopy(body)
    del nobody["identity"]
    assert not is_already_so(wanted, SET, nobody)
    moved = copy.deepcopy(body)
    extension = moved["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][0]
    extension["properties"]["settings"]["secretsManagementSettings"]["linkOnRenewal"] = True
    assert not is_already_so(wanted, SET, moved)


def test_an_expression_that_nobody_here_evaluates_equals_nothing() -> None:
    unknown = stage(change("tags.new", "Modify", "[parameters('x')]"))
    assert not is_already_so(unknown, SET, scale_set() | {"tags": {"new": "b"}})
    literal = stage(change("tags.new", "Modify", "[[x]"))
    assert is_already_so(literal, SET, scale_set() | {"tags": {"new": "[[x]"}})


def test_each_resource_of_a_stage_is_asked_for_its_own_changes_alone() -> None:
    level = msgspec.structs.replace(change("properties.reliabilityLevel", "Modify", "Gold"), resource=make.CLUSTER_ID)
    both = stage(level, msgspec.structs.replace(SET_TO, resource=SET), resource=make.CLUSTER_ID)
    assert both.touched == (make.CLUSTER_ID, SET)
    assert is_already_so(both, SET, scale_set() | {"tags": {"new": "b"}})
    assert not is_already_so(both, make.CLUSTER_ID, cluster() | {"tags": {"new": "b"}})
    assert is_already_so(both, make.CLUSTER_ID, moved(cluster(), reliabilityLevel="Gold"))
    assert not is_already_so(stage(SET_TO), make.CLUSTER_ID, cluster() | {"tags": {"new": "b"}})


def moved(body: Json, **changes: Any) -> Json:
    after = copy.deepcopy(body)
    after["properties"] |= changes
    return after


def test_what_a_write_changes_beside_its_own_paths_is_told_and_what_appears_is_only_noted() -> None:
    before = cluster()
    after = moved(before, reliabilityLevel="Gold", addOnFeatures=["DnsService"])
    del after["properties"]["managementEndpoint"]
    harmful, noted = foreign_changes(stage(resource=make.CLUSTER_ID), make.CLUSTER_ID, before, after)
    assert sorted(one.split(" ")[0] for one in harmful) == [
        "properties.managementEndpoint",
        "properties.reliabilityLevel",
    ]
    assert [one.split(" ")[0] for one in noted] == ["properties.addOnFeatures"]
    own = stage(resource=make.CLUSTER_ID, owned=("properties.reliabilityLevel", "properties.managementEndpoint"))
    assert foreign_changes(own, make.CLUSTER_ID, before, after)[0] == []
    of_another = stage(resource=make.CLUSTER_ID, owned=(f"{SET}:properties.reliabilityLevel",))
    assert len(foreign_changes(of_another, make.CLUSTER_ID, before, after)[0]) == 2
    of_this = stage(resource=make.CLUSTER_ID, owned=(f"{make.CLUSTER_ID.upper()}:properties.reliabilityLevel",))
    assert len(foreign_changes(of_this, make.CLUSTER_ID, before, after)[0]) == 1


def test_what_azure_and_its_scaling_move_by_themselves_is_nobodys_change() -> None:
    before = cluster()
    node_types = copy.deepcopy(before["properties"]["nodeTypes"])
    node_types[0]["vmInstanceCount"] = 9
    states = {"provisioningState": "Updating", "clusterState": "UpdatingUserCertificate"}
    after = moved(before, nodeTypes=node_types, clusterCodeVersion="11.5.1.1", **states)
    assert foreign_changes(stage(resource=make.CLUSTER_ID), make.CLUSTER_ID, before, after | {"etag": "x"}) == ([], [])
    machines = scale_set()
    grown = copy.deepcopy(machines)
    grown["sku"]["capacity"] = 9
    assert foreign_changes(stage(), SET, machines, grown) == ([], [])
    grown["sku"]["name"] = "Standard_D4ds_v5"
    assert len(foreign_changes(stage(), SET, machines, grown)[0]) == 1


def test_what_the_plan_leaves_to_the_live_resource_is_spared_for_that_resource_alone() -> None:
    machines = scale_set()
    other = copy.deepcopy(machines)
    other["sku"]["name"] = "Standard_D4ds_v5"
    spared = Expectation(resource=SET.upper(), api_version="2024-11-01", paths_sha256="", without=("sku",))
    assert foreign_changes(stage(expects=(spared,)), SET, machines, other) == ([], [])
    elsewhere = msgspec.structs.replace(spared, resource=make.CLUSTER_ID)
    assert len(foreign_changes(stage(expects=(elsewhere,)), SET, machines, other)[0]) == 1


def test_of_any_other_resource_what_every_resource_has_is_left_out() -> None:
    body = {
        "id": make.VAULT_ID,
        "etag": "x",
        "systemData": {},
        "tags": {"a": "b"},
        "properties": {"provisioningState": "Succeeded", "uniqueId": "1", "timeCreated": "x", "sku": {}},
    }
    assert writable(make.VAULT_ID, body) == {"id": make.VAULT_ID, "tags": {"a": "b"}, "properties": {"sku": {}}}
