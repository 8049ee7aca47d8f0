"""The generation of SDKs that az brings, spoken to directly: a script for az's own interpreter.

Not a test; `test_sdks_of_az.py` runs it. It imports nothing of ours, finds the embedded Azure by the variables of
`sim env` alone, and prints one JSON object: distribution -> what it read or wrote.
"""

from __future__ import annotations

import json
import os
import time
from importlib import metadata
from typing import Any, NamedTuple

import requests

SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
GROUP = os.environ["SFCERT_RESOURCE_GROUP"]
VAULT = "kv-sf-demo"


class Token(NamedTuple):
    token: str
    expires_on: int


class Credential:
    """Client credentials, as the platform documents them; az's own need a person's folder."""

    def get_token(self, *scopes: str, **more: Any) -> Token:
        answer = requests.post(
            f"https://login.microsoftonline.com/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": os.environ["AZURE_CLIENT_ID"],
                "client_secret": os.environ["AZURE_CLIENT_SECRET"],
                "scope": scopes[0],
            },
            timeout=30,
        ).json()
        return Token(answer["access_token"], int(time.time()) + int(answer["expires_in"]))


def compute(credential: Credential) -> Any:
    from azure.mgmt.compute import ComputeManagementClient

    with ComputeManagementClient(credential, SUBSCRIPTION, polling_interval=0) as client:
        changed = client.virtual_machine_scale_sets.begin_update(GROUP, "nt0", {"tags": {"a": "b"}}).result()
        views = list(client.virtual_machine_scale_set_vms.list(GROUP, "nt0", expand="instanceView"))
        return [changed.tags["a"], {one.instance_view.statuses[0].code for one in views}.pop(), len(views)]


def servicefabric(credential: Credential) -> Any:
    from azure.mgmt.servicefabric import ServiceFabricManagementClient

    with ServiceFabricManagementClient(credential, SUBSCRIPTION, polling_interval=0) as client:
        changed = client.clusters.begin_update(GROUP, "sf-demo", {"tags": {"a": "b"}}).result()
        return [changed.tags, client.clusters.get(GROUP, "sf-demo").cluster_state]


def keyvault(credential: Credential) -> Any:
    from azure.mgmt.keyvault import KeyVaultManagementClient

    with KeyVaultManagementClient(credential, SUBSCRIPTION) as client:
        return [client.vaults.get(GROUP, VAULT).name, [one.name for one in client.vaults.list_by_resource_group(GROUP)]]


def msi(credential: Credential) -> Any:
    from azure.mgmt.msi import ManagedServiceIdentityClient

    with ManagedServiceIdentityClient(credential, SUBSCRIPTION) as client:
        made = client.user_assigned_identities.create_or_update(GROUP, "id-old", {"location": "westeurope"})
        return [made.client_id == client.user_assigned_identities.get(GROUP, "id-old").client_id]


def authorization(credential: Credential) -> Any:
    from azure.mgmt.authorization import AuthorizationManagementClient

    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    with AuthorizationManagementClient(credential, SUBSCRIPTION) as client:
        roles = list(client.role_definitions.list(scope, filter="roleName eq 'Owner'"))
        held = [one.role_definition_id for one in client.role_assignments.list_for_scope(scope)]
        return [len(roles), roles[0].id in held]


def deployments(credential: Credential) -> Any:
    from azure.mgmt.resource.deployments import DeploymentsMgmtClient

    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [],
    }
    order = {"properties": {"mode": "Incremental", "template": template}}
    with DeploymentsMgmtClient(credential, SUBSCRIPTION, polling_interval=0) as client:
        made = client.deployments.begin_create_or_update(GROUP, "d-old", order).result()
        return [made.properties.provisioning_state]


def resource(credential: Credential) -> Any:
    from azure.mgmt.resource import ResourceManagementClient

    with ResourceManagementClient(credential, SUBSCRIPTION) as client:
        listed = {one.name for one in client.resources.list_by_resource_group(GROUP)}
        return [client.resource_groups.get(GROUP).name, {"sf-demo", "nt0", VAULT} <= listed]


def certificates(credential: Credential) -> Any:
    from azure.keyvault.certificates import CertificateClient

    with CertificateClient(f"https://{VAULT}.vault.azure.net", credential) as client:
        found = client.get_certificate("sf-cluster")
        return [found.policy.issuer_name, len(list(client.list_properties_of_certificate_versions("sf-cluster")))]


def secrets(credential: Credential) -> Any:
    from azure.keyvault.secrets import SecretClient

    with SecretClient(f"https://{VAULT}.vault.azure.net", credential) as client:
        return [client.set_secret("old", "x").value, client.get_secret("sf-cluster").properties.content_type]


SDKS = {
    "azure-mgmt-compute": compute,
    "azure-mgmt-servicefabric": servicefabric,
    "azure-mgmt-keyvault": keyvault,
    "azure-mgmt-msi": msi,
    "azure-mgmt-authorization": authorization,
    "azure-mgmt-resource-deployments": deployments,
    "azure-mgmt-resource": resource,
    "azure-keyvault-certificates": certificates,
    "azure-keyvault-secrets": secrets,
}


def main() -> None:
    said: dict[str, Any] = {}
    for name, talk in SDKS.items():
        try:
            said[name] = [metadata.version(name), *talk(Credential())]
        except Exception as error:
            # Whatever one SDK stumbles over is the answer; the others are still asked.
            said[name] = [metadata.version(name), f"{type(error).__name__}: {error}"]
    print(json.dumps(said))


if __name__ == "__main__":
    main()
