"""What is never sent back: what Azure alone sets, and secrets that a copy has from elsewhere."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sfcert.planning.read_only import CLUSTER, READ_ONLY, SCALE_SET, WRITE_ONLY, has_what_is_stripped, strip
from tests import make

Json = dict[str, Any]
PROFILE = "virtualMachineProfile"
CLEAN: Json = {
    "location": "westeurope",
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/a": {}}},
    "properties": {
        PROFILE: {
            "osProfile": {
                "adminUsername": "me",
                "windowsConfiguration": {"additionalUnattendContent": [{"settingName": "AutoLogon"}]},
            },
            "storageProfile": {"imageReference": {"sku": "22"}},
            "extensionProfile": {"extensions": [{"name": "one", "properties": {"settings": {"id": 1}}}]},
        }
    },
}
EXTENSION = ("properties", PROFILE, "extensionProfile", "extensions", 0)
NEVER = [
    ("id",),
    ("name",),
    ("type",),
    ("apiVersion",),
    ("etag",),
    ("systemData",),
    ("properties", "provisioningState"),
    ("properties", "uniqueId"),
    ("properties", "timeCreated"),
    ("properties", PROFILE, "timeCreated"),
    ("properties", PROFILE, "osProfile", "windowsConfiguration", "enableVMAgentPlatformUpdates"),
    ("properties", PROFILE, "storageProfile", "imageReference", "exactVersion"),
    (*EXTENSION, "id"),
    (*EXTENSION, "type"),
    (*EXTENSION, "properties", "provisioningState"),
    ("identity", "principalId"),
    ("identity", "tenantId"),
    ("identity", "userAssignedIdentities", "/a", "principalId"),
    ("identity", "userAssignedIdentities", "/a", "clientId"),
    ("properties", PROFILE, "osProfile", "adminPassword"),
    ("properties", PROFILE, "osProfile", "customData"),
    ("properties", PROFILE, "userData"),
    (
        *("properties", PROFILE, "osProfile", "windowsConfiguration", "additionalUnattendContent"),
        *(0, "content"),
    ),
    (*EXTENSION, "properties", "protectedSettings"),
]


def with_one(steps: tuple[str | int, ...], key: str) -> Json:
    body = copy.deepcopy(CLEAN)
    here: Any = body
    for step in steps:
        here = here[step]
    here[key] = {"any": "thing"}
    return body


@pytest.mark.parametrize("spell", [str, str.upper, str.lower], ids=["as Azure spells it", "upper", "lower"])
@pytest.mark.parametrize("path", NEVER, ids=lambda path: ".".join(map(str, path)))
def test_it_is_taken_out_wherever_it_stands_and_nothing_beside_it(path: tuple[Any, ...], spell: Any) -> None:
    body = with_one(path[:-1], spell(path[-1]))
    assert has_what_is_stripped(SCALE_SET, body)
    assert strip(SCALE_SET, body) == CLEAN


def test_a_body_without_such_a_property_stays_as_it_is() -> None:
    assert not has_what_is_stripped(SCALE_SET, CLEAN)
    assert strip(SCALE_SET, CLEAN) == CLEAN


def test_every_secret_that_a_scale_set_may_hold_is_on_this_page() -> None:
    ours = {tuple("*" if step in (0, "/a") else str(step).lower() for step in path) for path in NEVER}
    assert ours == {*READ_ONLY[SCALE_SET], *WRITE_ONLY[SCALE_SET]}


def test_what_the_provider_says_of_a_cluster_is_not_sent_back_to_it() -> None:
    body = make.document(make.world())["resources"][make.CLUSTER_ID]["body"]
    body["properties"]["availableClusterVersions"] = []
    sent = strip(CLUSTER, body)
    assert set(sent) == {"location", "properties"}
    gone = set(body["properties"]) - set(sent["properties"])
    assert gone == {"availableClusterVersions", "clusterEndpoint", "clusterId", "clusterState", "provisioningState"}


@pytest.mark.parametrize("kind", [CLUSTER, SCALE_SET])
def test_no_rule_has_a_name_beside_the_star_of_another(kind: str) -> None:
    """They are looked up one or the other: a rule by name would hide the one by star."""
    below: dict[tuple[str, ...], set[str]] = {}
    for pattern in (*READ_ONLY[kind], *WRITE_ONLY[kind]):
        for at, step in enumerate(pattern):
            below.setdefault(pattern[:at], set()).add(step)
    assert all(steps == {"*"} for steps in below.values() if "*" in steps)
