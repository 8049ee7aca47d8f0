"""Each SDK speaks each api-version that matters, synchronously and asynchronously, by both ways in.

That is the one that the SDK speaks by default, and those that `az` speaks to the same service.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from inspect import isawaitable
from typing import Any

import pytest

from sfcert.sim import worlds
from sfcert.sim.host import Running, start_in_thread
from tests.sim.clients.api_versions import OF_AZ
from tests.sim.clients.conftest import START

GROUP, VAULT = "rg-sf-demo", "kv-sf-demo"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
NETWORK = {
    "type": "Microsoft.Network/virtualNetworks",
    "apiVersion": "2023-09-01",
    "name": "v-sdk",
    "location": "westeurope",
    "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
}
ORDER = {
    "properties": {
        "mode": "Incremental",
        "template": {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [NETWORK],
        },
    }
}


class Talk:
    """One client, of either kind: every call is awaited to its end, whatever it gave back."""

    def __init__(self, client: Any, way: Any) -> None:
        self.client = client
        self.subscription = f"/subscriptions/{way.subscription}"

    async def done(self, value: Any) -> Any:
        """The result of a call: of a coroutine, a poller, a list in pages, or the value itself."""
        if isawaitable(value):
            value = await value
        if hasattr(value, "__aiter__"):
            return [one async for one in value]
        if hasattr(value, "by_page"):
            return list(value)
        if hasattr(value, "result") and callable(value.result):
            value = value.result()
            return await value if isawaitable(value) else value
        return value


async def clusters(talk: Talk) -> None:
    calls = talk.client.clusters
    assert [one.name for one in await talk.done(calls.list_by_resource_group(GROUP))] == ["sf-demo"]
    changed = await talk.done(calls.begin_update(GROUP, "sf-demo", {"tags": {"a": "b"}}))
    assert changed.tags == {"a": "b"}
    assert (await talk.done(calls.get(GROUP, "sf-demo"))).cluster_state == "Ready"


async def scale_sets(talk: Talk) -> None:
    sets, machines = talk.client.virtual_machine_scale_sets, talk.client.virtual_machine_scale_set_vms
    assert [one.name for one in await talk.done(sets.list(GROUP))] == ["nt0"]
    changed = await talk.done(sets.begin_update(GROUP, "nt0", {"tags": {"a": "b"}}))
    assert changed.tags["a"] == "b"
    views = await talk.done(machines.list(GROUP, "nt0", expand="instanceView"))
    assert {one.instance_view.statuses[0].code for one in views} == {"ProvisioningState/succeeded"}
    await talk.done(sets.begin_update_instances(GROUP, "nt0", {"instanceIds": ["0"]}))
    listed = await talk.done(talk.client.virtual_machine_scale_set_extensions.list(GROUP, "nt0"))
    assert [one.name for one in listed] == ["ServiceFabricNodeVmExt_nt0"]


async def identities(talk: Talk) -> None:
    calls = talk.client.user_assigned_identities
    made = await talk.done(calls.create_or_update(GROUP, "id-sdk", {"location": "westeurope"}))
    assert (await talk.done(calls.get(GROUP, "id-sdk"))).client_id == made.client_id
    assert "id-sdk" in [one.name for one in await talk.done(calls.list_by_resource_group(GROUP))]
    await talk.done(calls.delete(GROUP, "id-sdk"))


async def vaults(talk: Talk) -> None:
    calls = talk.client.vaults
    vault = await talk.done(calls.get(GROUP, VAULT))
    assert vault.properties.enabled_for_deployment is True
    assert VAULT in [one.name for one in await talk.done(calls.list_by_resource_group(GROUP))]
    changed = await talk.done(calls.update(GROUP, VAULT, {"tags": {"a": "b"}}))
    assert changed.tags == {"a": "b"}


async def assignments(talk: Talk) -> None:
    calls = talk.client.role_assignments
    scope = f"{talk.subscription}/resourceGroups/{GROUP}"
    role = f"{talk.subscription}/providers/Microsoft.Authorization/roleDefinitions/{SECRETS_USER}"
    who = "11111111-2222-4333-8444-555555555555"
    given = {"roleDefinitionId": role, "principalId": who, "principalType": "ServicePrincipal"}
    made = await talk.done(calls.create(scope, who, {"properties": given}))
    assert made.role_definition_id == role
    found = await talk.done(calls.list_for_scope(scope, filter=f"principalId eq '{who}'"))
    assert [one.id for one in found] == [made.id]
    await talk.done(calls.delete(scope, who))


async def definitions(talk: Talk) -> None:
    scope = f"{talk.subscription}/resourceGroups/{GROUP}"
    calls = talk.client.role_definitions
    found = await talk.done(calls.list(scope, filter="roleName eq 'Key Vault Secrets User'"))
    wanted = f"{talk.subscription}/providers/Microsoft.Authorization/roleDefinitions/{SECRETS_USER}"
    assert [one.id for one in found] == [wanted], "an assignment names its role by this very id"


async def deployments(talk: Talk) -> None:
    calls = talk.client.deployments
    preview = await talk.done(calls.begin_what_if(GROUP, "d-sdk", ORDER))
    assert {one.change_type for one in preview.properties.changes} <= {"Create", "NoChange", "Ignore"}
    made = await talk.done(calls.begin_create_or_update(GROUP, "d-sdk", ORDER))
    assert made.properties.provisioning_state == "Succeeded"
    steps = await talk.done(talk.client.deployment_operations.list(GROUP, "d-sdk"))
    assert "v-sdk" in [one.properties.target_resource.resource_name for one in steps]


async def zones(talk: Talk) -> None:
    made = await talk.done(talk.client.zones.create_or_update(GROUP, "sdk.example", {"location": "global"}))
    assert len(made.name_servers) == 4
    assert "sdk.example" in [one.name for one in await talk.done(talk.client.zones.list_by_resource_group(GROUP))]
    await talk.done(talk.client.zones.begin_delete(GROUP, "sdk.example"))


async def certificates(talk: Talk) -> None:
    certificate = await talk.done(talk.client.get_certificate("sf-cluster"))
    assert certificate.policy.issuer_name == "ContosoCA"
    version = certificate.properties.version
    listed = await talk.done(talk.client.list_properties_of_certificate_versions("sf-cluster"))
    assert [one.version for one in listed] == [version]
    changed = await talk.done(talk.client.update_certificate_properties("sf-cluster", version, tags={"a": "b"}))
    assert changed.properties.tags == {"a": "b"}


async def secrets(talk: Talk) -> None:
    await talk.done(talk.client.set_secret("plain", "x"))
    assert (await talk.done(talk.client.get_secret("plain"))).value == "x"
    managed = await talk.done(talk.client.get_secret("sf-cluster"))
    assert managed.properties.content_type == "application/x-pkcs12"
    assert {"plain", "sf-cluster"} <= {one.name for one in await talk.done(talk.client.list_properties_of_secrets())}


@dataclass(frozen=True)
class Sdk:
    """A client by its package and class, what is said with it, and the type whose versions of az it speaks too."""

    package: str
    client: str
    says: Callable[[Talk], Awaitable[None]]
    as_az: str = ""

    @property
    def is_data_plane(self) -> bool:
        return "keyvault" in self.package and ".mgmt." not in self.package


SDKS = (
    Sdk("azure.mgmt.servicefabric", "ServiceFabricManagementClient", clusters, "microsoft.servicefabric/clusters"),
    Sdk("azure.mgmt.compute", "ComputeManagementClient", scale_sets, "microsoft.compute/virtualmachinescalesets"),
    Sdk(
        "azure.mgmt.msi",
        "ManagedServiceIdentityClient",
        identities,
        "microsoft.managedidentity/userassignedidentities",
    ),
    Sdk("azure.mgmt.keyvault", "KeyVaultManagementClient", vaults, "microsoft.keyvault/vaults"),
    Sdk(
        "azure.mgmt.authorization",
        "AuthorizationManagementClient",
        assignments,
        "microsoft.authorization/roleassignments",
    ),
    Sdk(
        "azure.mgmt.authorization",
        "AuthorizationManagementClient",
        definitions,
        "microsoft.authorization/roledefinitions",
    ),
    Sdk("azure.mgmt.resource.deployments", "DeploymentsMgmtClient", deployments, "microsoft.resources/deployments"),
    Sdk("azure.mgmt.dns", "DnsManagementClient", zones),
    Sdk("azure.keyvault.certificates", "CertificateClient", certificates, "vault/certificates"),
    Sdk("azure.keyvault.secrets", "SecretClient", secrets, "vault/secrets"),
)
#: None is the client's own default.
CASES = [(sdk, version) for sdk in SDKS for version in (None, *OF_AZ.get(sdk.as_az, ()))]
_ASKED = re.compile(r"(?<=[?&]api-version=)[^&]+")


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    """One world for all of this file: no row leaves anything that another one sees."""
    with start_in_thread(start=START, seed=7) as running:
        running.call(lambda azure: worlds.load(azure, "one-node-type"))
        yield running


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("sdk", "version"), CASES, ids=[f"{sdk.says.__name__}-{version or 'default'}" for sdk, version in CASES]
)
def test_a_client_and_the_embedded_azure_understand_each_other(
    way: Any, sdk: Sdk, version: str | None, kind: str
) -> None:
    where = ".aio" if kind == "async" else ""
    client_class = getattr(import_module(f"{sdk.package}{where}"), sdk.client)
    credential_class: Any = import_module(f"azure.identity{where}").ClientSecretCredential
    values = way.running.env()
    asked: set[str] = set()

    def speak(request: Any) -> None:
        """Some clients know no version but their own: what a request asks for is put in where it is sent."""
        sent = request.http_request
        if version is not None:
            sent.url = _ASKED.sub(version, sent.url)
        asked.update(_ASKED.findall(sent.url))

    async def whole() -> None:
        async with AsyncExitStack() as stack:
            tenant, app, secret = (values[f"AZURE_{part}"] for part in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
            direct = {"authority": way.running.base_url, "disable_instance_discovery": True}
            given = direct if way.name == "direct" else {"proxies": way.keywords["proxies"]}
            trust = {"connection_verify": values["REQUESTS_CA_BUNDLE"]}
            credential = await _entered(stack, credential_class(tenant, app, secret, **trust, **given))
            more: dict[str, Any] = {"raw_request_hook": speak}
            if sdk.is_data_plane:
                more.update(trust)
                if way.name == "direct":
                    url, more["verify_challenge_resource"] = way.running.vault_url(VAULT), False
                else:
                    url, more["proxies"] = f"https://{VAULT}.vault.azure.net", way.keywords["proxies"]
                client = await _entered(stack, client_class(url, credential, **more))
            else:
                more.update({"polling_interval": 0.01, **way.keywords})
                client = await _entered(stack, client_class(credential, way.subscription, **more))
            await sdk.says(Talk(client, way))

    asyncio.run(whole())
    assert asked, "the hook saw every request"
    assert version is None or asked == {version}


async def _entered(stack: AsyncExitStack, made: Any) -> Any:
    if hasattr(made, "__aenter__"):
        return await stack.enter_async_context(made)
    return stack.enter_context(made)
