"""The vendor's asynchronous clients, unmodified, through both ways in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.certificates import CertificatePolicy
from azure.keyvault.certificates.aio import CertificateClient
from azure.keyvault.secrets.aio import SecretClient
from azure.mgmt.authorization.aio import AuthorizationManagementClient
from azure.mgmt.compute.aio import ComputeManagementClient
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.msi.aio import ManagedServiceIdentityClient
from azure.mgmt.resource.deployments.aio import DeploymentsMgmtClient
from azure.mgmt.resource.deployments.models import Deployment, DeploymentProperties, DeploymentWhatIf
from azure.mgmt.servicefabric import models as sf
from azure.mgmt.servicefabric.aio import ServiceFabricManagementClient

from sfcert.sim import worlds

GROUP, VAULT = "rg-sf-demo", "kv-sf-demo"
TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [
        {
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
            "apiVersion": "2024-11-30",
            "name": "id-made",
            "location": "[resourceGroup().location]",
        }
    ],
}


class Clients:
    """Makes asynchronous clients of one way in; all of them share its credential."""

    def __init__(self, way: Any, credential: Any) -> None:
        self._way = way
        self._credential = credential

    def management(self, kind: Any) -> Any:
        return kind(self._credential, self._way.subscription, polling_interval=0.05, **self._way.keywords)

    def vault(self, kind: Any, url: str) -> Any:
        more = {name: value for name, value in self._way.keywords.items() if name in ("connection_verify", "proxies")}
        direct = {"verify_challenge_resource": False} if self._way.name == "direct" else {}
        return kind(url, self._credential, **more, **direct)


@pytest.fixture
def run(way: Any) -> Callable[[Callable[[Clients], Awaitable[Any]]], Any]:
    """Runs one coroutine function with the clients of this way in, on a ready-made world."""
    way.running.call(lambda azure: worlds.load(azure, "one-node-type"))
    values = way.running.env()
    tenant, app, secret = (values[f"AZURE_{part}"] for part in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    verify = {"connection_verify": values["REQUESTS_CA_BUNDLE"]}
    given = (
        {"authority": way.running.base_url, "disable_instance_discovery": True}
        if way.name == "direct"
        else {"proxies": {"https": way.running.proxy_url}}
    )

    def go(body: Callable[[Clients], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            async with ClientSecretCredential(tenant, app, secret, **verify, **given) as credential:
                return await body(Clients(way, credential))

        return asyncio.run(whole())

    return go


def test_clusters_and_scale_sets_are_read_and_changed(run: Any) -> None:
    async def body(clients: Clients) -> None:
        async with (
            clients.management(ServiceFabricManagementClient) as fabric,
            clients.management(ComputeManagementClient) as compute,
        ):
            assert [one.name async for one in fabric.clusters.list()] == ["sf-demo"]
            poller = await fabric.clusters.begin_update(
                GROUP, "sf-demo", sf.ClusterUpdateParameters(tags={"made": "async"})
            )
            assert (await poller.result()).tags == {"made": "async"}
            with pytest.raises(ResourceNotFoundError):
                await fabric.clusters.get(GROUP, "none")
            machines = [one async for one in compute.virtual_machine_scale_set_vms.list(GROUP, "nt0")]
            assert [one.latest_model_applied for one in machines] == [True] * 5
            poller = await compute.virtual_machine_scale_sets.begin_restart(GROUP, "nt0", {"instanceIds": ["0"]})
            await poller.result()

    run(body)


def test_a_deployment_is_previewed_and_made(run: Any) -> None:
    async def body(clients: Clients) -> None:
        async with (
            clients.management(DeploymentsMgmtClient) as client,
            clients.management(ManagedServiceIdentityClient) as identities,
            clients.management(AuthorizationManagementClient) as authorization,
        ):
            asked = DeploymentWhatIf(properties=_properties())
            preview = await (await client.deployments.begin_what_if(GROUP, "d1", asked)).result()
            assert "Create" in [change.change_type for change in preview.properties.changes]
            order = Deployment(properties=_properties())
            made = await (await client.deployments.begin_create_or_update(GROUP, "d1", order)).result()
            assert made.properties.provisioning_state == "Succeeded"
            identity = await identities.user_assigned_identities.get(GROUP, "id-made")
            listed = [
                one
                async for one in authorization.role_assignments.list_for_scope(
                    identity.id, filter=f"principalId eq '{identity.principal_id}'"
                )
            ]
            assert listed == []

    run(body)


def _properties() -> DeploymentProperties:
    return DeploymentProperties(mode="Incremental", template=TEMPLATE)


def test_certificates_are_made_and_their_secrets_read(run: Any, way: Any) -> None:
    url = way.running.vault_url(VAULT) if way.name == "direct" else f"https://{VAULT}.vault.azure.net"

    async def body(clients: Clients) -> None:
        async with clients.vault(CertificateClient, url) as certificates, clients.vault(SecretClient, url) as secrets:
            policy = CertificatePolicy(issuer_name="Self", subject="CN=async", validity_in_months=12)
            made = await certificates.create_certificate("of-async", policy, _polling_interval=0.01)
            assert made.properties.x509_thumbprint
            names = {one.name async for one in certificates.list_properties_of_certificates()}
            assert {"of-async", "sf-cluster"} <= names
            secret = await secrets.get_secret("of-async")
            assert secret.properties.content_type == "application/x-pkcs12"
            with pytest.raises(ResourceNotFoundError):
                await certificates.get_certificate("none")

    run(body)


def test_a_name_is_asked_for_before_it_is_taken(run: Any) -> None:
    async def body(clients: Clients) -> None:
        async with clients.management(KeyVaultManagementClient) as client:

            async def asked(name: str) -> tuple[bool, str | None]:
                said = await client.vaults.check_name_availability({"name": name, "type": "Microsoft.KeyVault/vaults"})
                return said.name_available, said.reason

            assert await asked("kv-free") == (True, None)
            assert await asked(VAULT) == (False, "AlreadyExists")
            assert await asked("1-is-no-name") == (False, "AccountNameInvalid")
            await client.vaults.delete(GROUP, VAULT)
            assert await asked(VAULT) == (False, "AlreadyExists")

    run(body)
