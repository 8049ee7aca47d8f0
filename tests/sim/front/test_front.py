"""What does the front door of Resource Manager say to a request? Tokens, permissions, pages, etags, lists."""

from __future__ import annotations

import pytest

from sfcert.sim.entra import Entra
from sfcert.sim.front import ArmFront, Request
from tests.sim.front.widgets import Client, FakeRoles, FakeWidgets


def test_an_unknown_group_is_named_before_its_resources(arm: Client) -> None:
    answer = arm("GET", f"{arm.sub}/resourceGroups/none/providers/Microsoft.Compute/disks/d")
    assert (answer.status, answer.body["error"]["code"]) == (404, "ResourceGroupNotFound")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "AuthenticationFailed"),
        ("Bearer a.b.c", "InvalidAuthenticationToken"),
        ("Basic abc", "InvalidAuthenticationToken"),
    ],
    ids=["no token", "a forged token", "another scheme"],
)
def test_refuses_what_is_not_its_own_token(arm: Client, header: str | None, code: str) -> None:
    front = arm.azure.service("arm", ArmFront)
    answer = front.handle(Request("GET", arm.sub, headers={"authorization": header} if header else {}))
    assert (answer.status, answer.body["error"]["code"]) == (401, code)


def test_refuses_a_vault_s_token(arm: Client) -> None:
    entra = arm.azure.service("entra", Entra)
    token = entra.token_for(entra.default.caller, "https://vault.azure.net")
    answer = arm("GET", arm.sub, headers={"authorization": f"Bearer {token}"})
    assert answer.body["error"]["code"] == "InvalidAuthenticationTokenAudience"


def test_a_permission_is_checked_with_the_action_s_own_name(arm: Client) -> None:
    roles = FakeRoles("Microsoft.Compute/disks/read")
    arm.azure.add_service("authorization", roles)
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    assert arm("GET", disk).status == 404
    refused = arm("PUT", disk, {})
    assert (refused.status, refused.body["error"]["code"]) == (403, "AuthorizationFailed")
    assert "Microsoft.Compute/disks/write" in refused.body["error"]["message"]
    assert roles.asked == [("Microsoft.Compute/disks/read", disk), ("Microsoft.Compute/disks/write", disk)]


def test_pages_follow_their_links_and_hold_each_item_once(arm: Client) -> None:
    arm.azure.register(FakeWidgets(arm.azure))
    arm.azure.faults.arm("shuffled-lists")
    link = f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets"
    names: list[str] = []
    pages = 0
    while link:
        page = arm("GET", link.replace("%24", "$")).body
        names += [item["name"] for item in page["value"]]
        link = page.get("nextLink", "")
        pages += 1
    assert (sorted(names), pages) == (["n0", "n1", "n2", "n3", "n4"], 3)


def test_what_follows_a_known_type_is_an_action_or_a_child_list(arm: Client) -> None:
    widgets = FakeWidgets(arm.azure)
    arm.azure.register(widgets)
    one = f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w"
    assert arm("GET", f"{one}/PARTS/").body["value"][0]["id"] == f"{one}/Sim.Test/widgets/PARTS/0"
    assert arm("POST", f"{one}/restart").body == {"did": "restart"}
    assert arm("GET", f"{one}/rollingUpgrades/latest").body == {"did": "rollingUpgrades/latest"}
    assert widgets.actions == [("POST", "restart"), ("GET", "rollingUpgrades/latest")]


def test_an_etag_that_moved_stops_a_write(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "1"}})
    etag = arm("GET", disk).headers["ETag"]
    assert arm("PUT", disk, {"tags": {"a": "2"}}, headers={"if-match": etag}).status == 200
    assert arm("PUT", disk, {"tags": {"a": "3"}}, headers={"if-match": etag}).status == 412
    assert arm("GET", disk).body["tags"] == {"a": "2"}


def test_everything_in_a_group_can_be_listed_by_type(arm: Client) -> None:
    group = f"{arm.sub}/resourceGroups/rg/providers"
    arm("PUT", f"{group}/Microsoft.Compute/disks/d", {"location": "x", "properties": {"secret": 1}})
    arm("PUT", f"{group}/Microsoft.Network/virtualNetworks/v", {"location": "x"})
    query = {"$filter": "resourceType eq 'Microsoft.compute/Disks'"}
    listed = arm("GET", f"{arm.sub}/resources", None, **query).body["value"]
    assert [(item["name"], "properties" in item) for item in listed] == [("d", False)]
    wrong = arm("GET", f"{arm.sub}/resources", None, **{"$filter": "tagName eq 'x'"})
    assert wrong.body["error"]["code"] == "InvalidFilterInQueryString"


def test_a_few_types_carry_what_cluster_templates_read_of_them(arm: Client) -> None:
    group = f"{arm.sub}/resourceGroups/rg/providers"
    arm("PUT", f"{group}/Microsoft.Storage/storageAccounts/Sa1", {"location": "westeurope"})
    storage = arm("GET", f"{group}/Microsoft.Storage/storageAccounts/sa1").body["properties"]
    assert storage["primaryEndpoints"]["blob"] == "https://sa1.blob.core.windows.net/"
    address = {"location": "West Europe", "properties": {"dnsSettings": {"domainNameLabel": "Sf1"}}}
    made = arm("PUT", f"{group}/Microsoft.Network/publicIPAddresses/ip", address).body["properties"]
    assert made["dnsSettings"]["fqdn"] == "sf1.westeurope.cloudapp.azure.com"
    network = {"properties": {"subnets": [{"name": "s", "properties": {"addressPrefix": "10.0.0.0/24"}}]}}
    made = arm("PUT", f"{group}/Microsoft.Network/virtualNetworks/v", network).body["properties"]
    assert made["subnets"][0]["id"] == f"{group}/Microsoft.Network/virtualNetworks/v/subnets/s"


def test_namespaces_are_listed_with_their_types_also_those_that_are_only_kept(arm: Client) -> None:
    arm.azure.register(FakeWidgets(arm.azure))
    arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v", {})
    shown = arm("GET", f"{arm.sub}/providers/microsoft.network").body
    assert [one["resourceType"] for one in shown["resourceTypes"]] == ["virtualNetworks"]
    listed = arm("GET", f"{arm.sub}/providers").body["value"]
    assert [one["namespace"] for one in listed] == ["Microsoft.Network", "Sim.Test"]
    assert arm("POST", f"{arm.sub}/providers/Sim.Test/register").body["registrationState"] == "Registered"
    assert arm("GET", f"{arm.sub}/providers/No.Such").body["error"]["code"] == "InvalidResourceNamespace"
