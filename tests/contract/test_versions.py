"""A client of an older api-version is not shown what that version did not know; every version is answered.

`make contract` records this tour and has each answer judged by the definition of its own version.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from sfcert.sim.direct import Direct
from sfcert.sim.front.as_of import as_of
from sfcert.sim.worlds.specs import THREE, Spec
from tests.lives import World, made

Json = dict[str, Any]
CLUSTER = "Microsoft.ServiceFabric/clusters"
#: Published stable versions of each provider, from 2018 on.
CLUSTERS = ("2018-02-01", "2019-03-01", "2020-03-01", "2021-06-01")
COMPUTE = (
    "2018-06-01",
    "2018-10-01",
    "2019-03-01",
    "2019-07-01",
    "2019-12-01",
    "2020-06-01",
    "2020-12-01",
    "2021-03-01",
)
COMPUTE += (
    "2021-07-01",
    "2021-11-01",
    "2022-03-01",
    "2022-08-01",
    "2022-11-01",
    "2023-03-01",
    "2023-07-01",
    "2023-09-01",
)
COMPUTE += ("2024-03-01", "2024-07-01")
VAULTS = ("2018-02-14", "2019-09-01", "2021-10-01", "2022-07-01", "2022-11-01", "2023-02-01", "2023-07-01")
RESOURCES = (
    "2019-05-01",
    "2019-10-01",
    "2020-06-01",
    "2020-10-01",
    "2021-04-01",
    "2022-09-01",
    "2023-07-01",
    "2024-03-01",
)
DATA = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5")


@cache
def _world() -> tuple[World, Direct]:
    world = made(Spec("One node type.", THREE[:1], existing_extension="3.0"), 7)
    return world, Direct(world.azure)


def get(path: str, version: str, host: str = "management.azure.com") -> Json:
    _, direct = _world()
    audience = "https://management.azure.com" if host.startswith("management") else "https://vault.azure.net"
    sign = "&" if "?" in path else "?"
    url = f"https://{host}{path}{sign}api-version={version}"
    answer = direct.send("GET", url, {"Authorization": f"Bearer {direct.token(audience)}"}, b"")
    assert answer.status == 200, url
    body: Json = json.loads(answer.body)
    return body


@pytest.fixture(scope="module")
def facts() -> Json:
    return _world()[0].facts


@pytest.fixture(scope="module")
def group(facts: Json) -> str:
    return str(facts["cluster_id"]).split("/providers/")[0]


@pytest.mark.parametrize("version", CLUSTERS)
def test_clusters_of_a_version(version: str, facts: Json, group: str) -> None:
    assert ("etag" in get(facts["cluster_id"], version)) == (version >= "2019-03-01")
    [listed] = get(f"{group}/providers/{CLUSTER}", version)["value"]
    assert ("etag" in listed) == (version >= "2019-03-01")


@pytest.mark.parametrize("version", COMPUTE)
def test_scale_sets_of_a_version(version: str, facts: Json) -> None:
    [scale_set] = facts["scale_set_ids"]
    body = get(scale_set, version)
    assert ("timeCreated" in body["properties"]) == (version >= "2021-11-01")
    assert ("etag" in body) == (version >= "2023-09-01")
    for machine in get(f"{scale_set}/virtualMachines?$expand=instanceView", version)["value"]:
        assert ("timeCreated" in machine["properties"]) == (version >= "2023-07-01")
        assert ("computerName" in machine["properties"]["instanceView"]) == (version >= "2022-11-01")
    assert ("computerName" in get(f"{scale_set}/virtualMachines/0/instanceView", version)) == (version >= "2022-11-01")
    for extension in get(f"{scale_set}/extensions", version)["value"]:
        assert ("type" in extension) == (version >= "2019-07-01")
    get(f"{scale_set}/instanceView", version)


@pytest.mark.parametrize("version", VAULTS)
def test_vaults_of_a_version(version: str, facts: Json) -> None:
    properties = get(facts["vault_id"], version)["properties"]
    assert ("enableRbacAuthorization" in properties) == (version >= "2019-09-01")
    assert ("publicNetworkAccess" in properties) == (version >= "2021-06-01")


@pytest.mark.parametrize("version", RESOURCES)
def test_deployments_and_groups_of_a_version(version: str, group: str) -> None:
    listed = get(f"{group}/providers/Microsoft.Resources/deployments", version)["value"]
    assert listed
    for deployment in listed:
        assert ("templateHash" in get(deployment["id"], version)["properties"]) == (version >= "2019-10-01")
        get(f"{deployment['id']}/operations", version)
    for path in (group, f"{group}/resources", f"{group.split('/resourceGroups/')[0]}/resourcegroups"):
        get(path, version)


@pytest.mark.parametrize("version", ["2021-01-01", "2022-12-01"])
def test_subscriptions_and_tenants_of_a_version(version: str, group: str) -> None:
    subscription = group.split("/resourceGroups/")[0]
    for path in (subscription, f"{subscription}/locations", "/subscriptions", "/tenants"):
        get(path, version)


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "2018-11-30"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "2023-01-31"),
        ("Microsoft.Authorization/roleAssignments", "2018-09-01-preview"),
        ("Microsoft.Authorization/roleAssignments", "2022-04-01"),
        ("Microsoft.Authorization/roleDefinitions", "2018-01-01-preview"),
        ("Microsoft.Authorization/roleDefinitions", "2022-04-01"),
    ],
)
def test_identities_and_roles_of_a_version(kind: str, version: str, group: str) -> None:
    for listed in get(f"{group}/providers/{kind}", version)["value"]:
        if kind.startswith("Microsoft.Authorization"):
            assert ("createdOn" in listed["properties"]) == (version >= "2020")


@pytest.mark.parametrize("version", DATA)
def test_a_vaults_own_data_of_a_version(version: str, facts: Json) -> None:
    host = f"{facts['vault_name']}.vault.azure.net"
    for kind in ("certificates", "secrets", "keys"):
        shown = get(f"/{kind}/sf-cluster", version, host)
        assert ("recoverableDays" in shown["attributes"]) == (version >= "7.1")
        get(f"/{kind}", version, host)
        get(f"/{kind}/sf-cluster/versions", version, host)
    assert "preserveCertOrder" not in get("/certificates/sf-cluster", version, host)
    assert "preserveCertOrder" in get("/certificates/sf-cluster", "2026-04-01", host)
    for path in ("/certificates/sf-cluster/policy", "/certificates/issuers", "/deletedcertificates", "/deletedsecrets"):
        get(path, version, host)


@pytest.mark.parametrize(
    ("version", "is_kept"),
    [("2019-02-28", False), ("2019-03-01", True), ("2019-03-01-preview", True), ("", True), ("7.4", True)],
)
def test_nothing_is_taken_from_what_is_kept(version: str, is_kept: bool) -> None:
    body = {"etag": "x", "properties": {}}
    assert ("etag" in as_of(CLUSTER, version, body)) == is_kept
    assert body == {"etag": "x", "properties": {}}
