"""Raw Resource Manager calls with the vendor's own pipeline: groups, opaque resources, polling, errors."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline.policies import ProxyPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ClientSecretCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from sfcert.sim.host import Running


def arm_client(way: Any) -> Any:
    keywords = dict(way.keywords)
    base = keywords.pop("base_url", "https://management.azure.com")
    scopes = keywords.pop("credential_scopes", ["https://management.azure.com/.default"])
    policies = [ProxyPolicy(keywords.get("proxies")), ARMChallengeAuthenticationPolicy(way.credential, *scopes)]
    return ARMPipelineClient(base_url=base, policies=policies, **keywords)


def send(client: Any, method: str, path: str, body: Any = None) -> HttpResponse:
    return client.send_request(HttpRequest(method, client.format_url(f"{path}?api-version=2021-04-01"), json=body))


def test_a_group_and_an_unknown_type_live_through_their_whole_life(way: Any) -> None:
    group = f"/subscriptions/{way.subscription}/resourceGroups/rg1"
    disk = f"{group}/providers/Microsoft.Compute/disks/d1"
    with arm_client(way) as client:
        assert send(client, "HEAD", group).status_code == 404
        assert send(client, "PUT", group, {"location": "West Europe"}).status_code == 201
        assert send(client, "HEAD", group).status_code == 204
        made = send(client, "PUT", disk, {"location": "westeurope", "properties": {"x-unknown": [1, None]}})
        assert made.status_code == 201
        assert made.json()["properties"] == {"x-unknown": [1, None], "provisioningState": "Succeeded"}
        listed = send(client, "GET", f"/SUBSCRIPTIONS/{way.subscription}/resourcegroups/RG1/resources/").json()
        assert [item["id"] for item in listed["value"]] == [disk]
        assert send(client, "DELETE", disk).status_code == 200
        assert send(client, "DELETE", disk).status_code == 204
        gone = send(client, "GET", disk)
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "ResourceNotFound")


def test_a_group_s_deletion_is_polled_to_its_end_in_no_wall_time(way: Any) -> None:
    group = f"/subscriptions/{way.subscription}/resourceGroups/rg1"
    with arm_client(way) as client:
        send(client, "PUT", group, {"location": "westeurope"})
        answer = send(client, "DELETE", group)
        assert answer.status_code == 202
        looks = 0
        while answer.status_code == 202:
            answer = client.send_request(HttpRequest("GET", answer.headers["Location"]))
            looks += 1
        assert looks < 20
        assert send(client, "GET", group).json()["error"]["code"] == "ResourceGroupNotFound"


def test_refusals_are_worded_as_the_vendor_does(way: Any) -> None:
    with arm_client(way) as client:
        path = client.format_url(f"/subscriptions/{way.subscription}/resourceGroups")
        nothing = client.send_request(HttpRequest("GET", path))
        assert nothing.json()["error"]["code"] == "MissingApiVersionParameter"
        other = send(client, "GET", "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups")
        assert other.json()["error"]["code"] == "SubscriptionNotFound"


def test_a_wrong_secret_gets_no_token(sim: Running) -> None:
    values = sim.env()
    with (
        ClientSecretCredential(
            values["AZURE_TENANT_ID"],
            values["AZURE_CLIENT_ID"],
            "wrong",
            connection_verify=values["REQUESTS_CA_BUNDLE"],
            proxies={"https": sim.proxy_url},
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token("https://management.azure.com/.default")


def test_the_proxy_refuses_every_other_host(sim: Running) -> None:
    client: Any = ARMPipelineClient(base_url="https://example.org", policies=[ProxyPolicy({"https": sim.proxy_url})])
    with client, pytest.raises(ServiceRequestError, match="403 Forbidden"):
        client.send_request(HttpRequest("GET", "https://example.org/"))
    assert sim.server.proxy is not None
    assert [refused.target for refused in sim.server.proxy.refused] == ["example.org:443"]
