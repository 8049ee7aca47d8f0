"""What is carried of a resource, and what never is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.arm import Scope, expand, get_at
from sfcert.model.bundle import RawResource
from sfcert.planning.api_versions import api_version_for
from sfcert.planning.bodies import carried_body, escaped, template_values
from sfcert.planning.expectations import expectation_of, holds
from sfcert.planning.read_only import SCALE_SET, strip
from tests import make

Json = dict[str, Any]
SCALE_SET_ID = make.scale_set_id()


def raw_scale_set(**changes: Any) -> RawResource:
    body = make.document(make.world())["resources"][SCALE_SET_ID]["body"]
    return RawResource(api_version="2024-11-01", body=copy.deepcopy(body) | changes)


def raw_cluster() -> RawResource:
    return RawResource(api_version="2021-06-01", body=make.document(make.world())["resources"][make.CLUSTER_ID]["body"])


def test_capacity_is_left_to_the_live_resource() -> None:
    body = carried_body(SCALE_SET_ID, raw_scale_set())
    assert "sku" not in body.plain
    assert body.without == ("sku",)
    assert {"name": "sku", "value": "[parameters('sku')]"} in template_values(body)["top"]


def test_instance_counts_are_left_to_the_live_cluster() -> None:
    body = carried_body(make.CLUSTER_ID, raw_cluster())
    assert body.without == ("properties.nodeTypes[name='nt0'].vmInstanceCount",)
    assert "vmInstanceCount" not in body.plain["properties"]["nodeTypes"][0]


def test_read_only_and_write_only_properties_are_left_out() -> None:
    raw = raw_scale_set(
        identity={
            "type": "UserAssigned",
            "principalId": "p",
            "userAssignedIdentities": {"/a": {"clientId": "c", "principalId": "p"}},
        }
    )
    raw.body["properties"]["virtualMachineProfile"]["osProfile"]["adminPassword"] = "secret"
    raw.body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["properties"][
        "protectedSettings"
    ] = {}
    plain = strip(SCALE_SET, raw.body)
    assert plain["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {"/a": {}}}
    assert get_at(plain, "properties.uniqueId") is None
    assert get_at(plain, "properties.provisioningState") is None
    assert get_at(plain, "properties.virtualMachineProfile.osProfile.adminPassword") is None
    extension = plain["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["properties"]
    assert "protectedSettings" not in extension
    assert extension["publisher"] == "Microsoft.Azure.ServiceFabric"


def test_stripping_does_not_touch_what_it_was_given() -> None:
    raw = raw_scale_set()
    before = copy.deepcopy(raw.body)
    strip(SCALE_SET, raw.body)
    assert raw.body == before


def test_a_changed_capacity_is_not_stale_and_a_changed_tag_is() -> None:
    raw = raw_scale_set()
    expected = expectation_of(carried_body(SCALE_SET_ID, raw))
    grown = copy.deepcopy(raw.body)
    grown["sku"]["capacity"] = 9
    grown["properties"]["provisioningState"] = "Updating"
    assert holds(expected, grown)
    assert not holds(expected, grown | {"tags": {"owner": "somebody"}})


def test_an_identity_in_another_spelling_is_the_same_one() -> None:
    raw = raw_scale_set(identity={"type": "UserAssigned", "userAssignedIdentities": {make.IDENTITY_ID: {}}})
    expected = expectation_of(carried_body(SCALE_SET_ID, raw))
    spelled = make.IDENTITY_ID.replace("resourceGroups", "resourcegroups")
    assert holds(expected, raw.body | {"identity": {"type": "UserAssigned", "userAssignedIdentities": {spelled: {}}}})
    assert not holds(expected, raw.body | {"identity": {"type": "UserAssigned", "userAssignedIdentities": {}}})


def test_another_extension_makes_it_stale() -> None:
    raw = raw_scale_set()
    expected = expectation_of(carried_body(SCALE_SET_ID, raw))
    moved = copy.deepcopy(raw.body)
    moved["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"].append(
        {"name": "new", "properties": {}}
    )
    assert not holds(expected, moved)


def test_a_further_node_type_makes_the_cluster_stale_and_a_code_version_does_not() -> None:
    raw = raw_cluster()
    expected = expectation_of(carried_body(make.CLUSTER_ID, raw))
    upgraded = copy.deepcopy(raw.body)
    upgraded["properties"]["clusterCodeVersion"] = "11.5.1.1"
    upgraded["properties"]["nodeTypes"][0]["vmInstanceCount"] = 7
    assert holds(expected, upgraded)
    upgraded["properties"]["nodeTypes"].append({"name": "nt1"})
    assert not holds(expected, upgraded)


@pytest.mark.parametrize(
    ("read_with", "wanted"),
    [
        (None, "2024-11-01"),
        ("2023-09-01", "2024-11-01"),
        ("2024-11-01", "2024-11-01"),
        ("2025-04-01", "2025-04-01"),
        ("2025-12-01-preview", "2025-12-01-preview"),
        ("2024-11-01-preview", "2024-11-01"),
    ],
)
def test_one_api_version_never_older_than_the_one_it_was_read_with(read_with: str | None, wanted: str) -> None:
    assert api_version_for("Microsoft.Compute/virtualMachineScaleSets", read_with) == wanted


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("[]'a(){}\\\"", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_a_carried_value_arrives_as_it_was(value: Any) -> None:
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [{"type": "A.B/c", "apiVersion": "2020-01-01", "name": "n", "properties": {"it": escaped(value)}}],
    }
    expanded = expand(template, {}, Scope(subscription_id="s", resource_group="g"))
    assert expanded.resources[0].evaluate()["properties"]["it"] == value


def test_each_live_place_has_a_parameter_of_its_own_type_that_is_read_from_the_live_resource() -> None:
    raw = raw_cluster()
    raw.body["properties"]["nodeTypes"] += [{"name": "nt1", "vmInstanceCount": 3}, {"name": "stateless"}]
    raw.body["properties"]["azureActiveDirectory"] = {"client's key": {"$redacted": "x"}, "tenantId": "t"}
    body = carried_body(make.CLUSTER_ID, raw)
    full = f"reference('{make.CLUSTER_ID}', '{body.api_version}', 'Full')"
    assert template_values(body)["live"] == [
        {
            "parameter": f"vmInstanceCount{at}",
            "type": "int",
            "expression": f"[{full}.properties.nodeTypes[{at}].vmInstanceCount]",
        }
        for at in (0, 1)
    ] + [
        {
            "parameter": "carried0",
            "type": "secureString",
            "expression": f"[{full}.properties.azureActiveDirectory['client''s key']]",
        }
    ]
    sent = template_values(body)["properties"]
    assert [one.get("vmInstanceCount") for one in sent["nodeTypes"]] == [
        "[parameters('vmInstanceCount0')]",
        "[parameters('vmInstanceCount1')]",
        None,
    ]
    assert sent["azureActiveDirectory"] == {"client's key": "[parameters('carried0')]", "tenantId": "t"}


def test_a_scale_set_reads_its_size_and_redacted_values_as_they_are_and_leaves_out_what_is_not_sent() -> None:
    raw = raw_scale_set(tags={"key": {"$redacted": "x"}})
    profile = raw.body["properties"]["virtualMachineProfile"]
    profile["osProfile"]["adminPassword"] = {"$redacted": "x"}
    profile["extensionProfile"]["extensions"][0]["properties"]["settings"]["token"] = {"$redacted": "x"}
    body = carried_body(SCALE_SET_ID, raw)
    assert [(one["parameter"], one["type"]) for one in template_values(body)["live"]] == [
        ("sku", "object"),
        ("carried0", "secureString"),
        ("carried1", "secureString"),
    ]
    paths = [one.path for one in body.live]
    assert paths[0] == "sku"
    assert not any("adminPassword" in one for one in paths)
    assert "$redacted" not in str(template_values(body))
    without_sku = copy.deepcopy(raw_scale_set())
    del without_sku.body["sku"]
    assert carried_body(SCALE_SET_ID, without_sku).live == ()


@pytest.mark.parametrize(
    ("mode", "is_sent"), [("Manual", True), ("manual", True), ("Automatic", False), (None, False), (7, False)]
)
def test_the_code_version_is_sent_only_where_people_choose_it(mode: Any, is_sent: bool) -> None:
    raw = raw_cluster()
    raw.body["properties"]["upgradeMode"] = mode
    body = carried_body(make.CLUSTER_ID, raw)
    assert ("clusterCodeVersion" in body.plain["properties"]) is is_sent
    moved = copy.deepcopy(raw.body)
    moved["properties"]["clusterCodeVersion"] = "11.5.1.1"
    assert holds(expectation_of(body), moved) is not is_sent
    assert holds(expectation_of(body), raw.body)


@pytest.mark.parametrize("part", ["nodeTypes", "properties"])
def test_a_cluster_without_node_types_is_carried_all_the_same(part: str) -> None:
    raw = raw_cluster()
    if part == "properties":
        raw.body["properties"] = {}
    else:
        del raw.body["properties"][part]
    assert carried_body(make.CLUSTER_ID, raw).live == ()


@pytest.mark.parametrize(
    "identity",
    [None, "x", {"type": "SystemAssigned"}, {"type": "UserAssigned", "userAssignedIdentities": {make.IDENTITY_ID: {}}}],
    ids=["null", "no object", "of the system", "of a user"],
)
def test_a_body_with_any_identity_is_compared_whole(identity: Any) -> None:
    raw = raw_scale_set(identity=identity)
    expected = expectation_of(carried_body(SCALE_SET_ID, raw))
    assert holds(expected, copy.deepcopy(raw.body))
    assert not holds(expected, raw.body | {"tags": {"owner": "somebody"}})
    assert not holds(expected, raw.body | {"identity": {"type": "SystemAssigned, UserAssigned"}})
    if isinstance(identity, dict):
        assert not holds(expected, raw.body | {"identity": identity | {"type": "SystemAssigned, UserAssigned"}})
