"""What does a world's template have that the authored one has not? Edits of the template by a world's declaration.

Pure: values in, template out. Leaves out certificates and vaults, which are there before (see `worlds.build`).
"""

from __future__ import annotations

import copy
from typing import Any

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.worlds.specs import Spec

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
METADATA = "http://169.254.169.254/metadata/identity"
Json = dict[str, Any]


def shaped(template: Json, spec: Spec, facts: Json) -> Json:
    """The authored template, edited in place for this world, and returned.

    Raises:
        AzureFailure: 400 for a declaration that contradicts itself.
    """
    by_type = {resource["type"]: resource for resource in template["resources"]}
    cluster = by_type["Microsoft.ServiceFabric/clusters"]["properties"]
    scale_set = by_type["Microsoft.Compute/virtualMachineScaleSets"]
    if spec.linux:
        _on_linux(cluster, scale_set)
    if spec.mode == "Rolling":
        scale_set["properties"]["upgradePolicy"]["rollingUpgradePolicy"] = {
            "maxBatchInstancePercent": 20,
            "maxUnhealthyInstancePercent": 20,
            "maxUnhealthyUpgradedInstancePercent": 20,
            "pauseTimeBetweenBatches": "PT0S",
        }
    if spec.secondary:
        _with_secondary(cluster, scale_set, facts)
    if spec.reverse_proxy or spec.proxy_name is not None:
        for entry in template["variables"]["copy"]:
            if entry["name"] == "clusterNodeTypes":
                entry["input"]["reverseProxyEndpointPort"] = 19081
    if spec.reverse_proxy:
        _with_reverse_proxy(cluster, scale_set, copy.deepcopy(cluster["certificate"]))
    if spec.operator_client:
        cluster["clientCertificateThumbprints"] = [
            {"isAdmin": True, "certificateThumbprint": facts["client_thumbprint"]}
        ]
    if spec.reader_client:
        cluster.setdefault("clientCertificateThumbprints", []).append(
            {"isAdmin": False, "certificateThumbprint": facts["reader_thumbprint"]}
        )
    if spec.system_identity:
        scale_set["identity"] = {"type": "SystemAssigned"}
    if spec.by_name:
        _by_name(cluster, scale_set, spec, facts)
    if spec.proxy_name is not None:
        _with_own_proxy(cluster, scale_set, facts)
    if spec.by_name or spec.existing_extension is not None:
        _with_extension(template, scale_set, spec, facts)
    cluster.update(copy.deepcopy(spec.cluster_settings))
    return template


def _extensions(scale_set: Json) -> list[Json]:
    found: list[Json] = scale_set["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
    return found


def _node_settings(scale_set: Json) -> Json:
    settings: Json = _extensions(scale_set)[0]["properties"]["settings"]
    return settings


def _on_linux(cluster: Json, scale_set: Json) -> None:
    cluster["vmImage"] = "Linux"
    _extensions(scale_set)[0]["properties"]["type"] = "ServiceFabricLinuxNode"
    del _node_settings(scale_set)["dataPath"]
    profile = scale_set["properties"]["virtualMachineProfile"]
    del profile["osProfile"]["windowsConfiguration"]
    profile["osProfile"]["linuxConfiguration"] = {"disablePasswordAuthentication": False}
    for entry in profile["osProfile"]["secrets"][0]["vaultCertificates"]:
        # On Linux there is no store to name: the agent puts the files where Service Fabric looks.
        del entry["certificateStore"]
    profile["storageProfile"]["imageReference"] = {
        "publisher": "Canonical",
        "offer": "0001-com-ubuntu-server-jammy",
        "sku": "22_04-lts-gen2",
        "version": "latest",
    }


def _with_secondary(cluster: Json, scale_set: Json, facts: Json) -> None:
    cluster["certificate"]["thumbprintSecondary"] = facts["secondary_thumbprint"]
    _node_settings(scale_set)["certificateSecondary"] = {
        "thumbprint": facts["secondary_thumbprint"],
        "x509StoreName": "My",
    }
    secrets = scale_set["properties"]["virtualMachineProfile"]["osProfile"]["secrets"]
    secrets[0]["vaultCertificates"].append({"certificateUrl": facts["secondary_url"], "certificateStore": "My"})


def _with_reverse_proxy(cluster: Json, scale_set: Json, declared: Json) -> None:
    cluster["reverseProxyCertificate"] = declared
    _node_settings(scale_set)["reverseProxyCertificate"] = copy.deepcopy(declared)


def _with_own_proxy(cluster: Json, scale_set: Json, facts: Json) -> None:
    """The reverse proxy by the thumbprint of a certificate of its own, which a vm secret brings."""
    _with_reverse_proxy(cluster, scale_set, {"thumbprint": facts["proxy_thumbprint"], "x509StoreName": "My"})
    secrets = scale_set["properties"]["virtualMachineProfile"]["osProfile"]["secrets"]
    if not secrets:
        secrets.append({"sourceVault": {"id": facts["vault_id"]}, "vaultCertificates": []})
    secrets[0]["vaultCertificates"].append({"certificateUrl": facts["proxy_url"], "certificateStore": "My"})


def _by_name(cluster: Json, scale_set: Json, spec: Spec, facts: Json) -> None:
    del cluster["certificate"]
    cluster["certificateCommonNames"] = {
        "commonNames": [
            {
                "certificateCommonName": spec.common_name,
                "certificateIssuerThumbprint": facts["issuer_thumbprint"],
            }
        ],
        "x509StoreName": "My",
    }
    _node_settings(scale_set)["certificate"] = {"commonNames": [spec.common_name], "x509StoreName": "My"}
    scale_set["properties"]["virtualMachineProfile"]["osProfile"]["secrets"] = []


def _with_extension(template: Json, scale_set: Json, spec: Spec, facts: Json) -> None:
    """An identity with access to the vault, and the Key Vault extension that goes by it."""
    if spec.vault_group is not None:
        raise AzureFailure(400, "NoSuchWorld", "A world with an extension keeps its vault in the cluster's own group.")
    identity = f"[resourceId('{IDENTITY}', 'id-kv')]"
    reference = f"reference(resourceId('{IDENTITY}', 'id-kv'), '2023-01-31')"
    access = _access(spec, facts, reference, identity)
    template["resources"] += [
        {
            "type": IDENTITY,
            "apiVersion": "2023-01-31",
            "name": "id-kv",
            "location": "[parameters('location')]",
        },
        access,
    ]
    kind = "SystemAssigned, UserAssigned" if spec.system_identity else "UserAssigned"
    scale_set["identity"] = {"type": kind, "userAssignedIdentities": {identity: {}}}
    scale_set["dependsOn"] += [identity, access["name"] if spec.vault_model == "rbac" else _policy_id(facts)]
    observed = [facts["observed_url"]] if spec.by_name else []
    if spec.existing_extension is not None:
        observed.append(facts["application_url"])
    version = spec.existing_extension or "3.0"
    name = "KVVMExtension" if spec.by_name else "KVVMExtensionForApplication"
    if spec.by_name:
        _extensions(scale_set)[0]["properties"]["provisionAfterExtensions"] = [name]
    _extensions(scale_set).append(
        {
            "name": name,
            "properties": {
                "publisher": "Microsoft.Azure.KeyVault",
                "type": "KeyVaultForLinux" if spec.linux else "KeyVaultForWindows",
                "typeHandlerVersion": version,
                "autoUpgradeMinorVersion": True,
                "enableAutomaticUpgrade": False,
                "settings": {
                    "secretsManagementSettings": _management(spec, version, observed),
                    "authenticationSettings": {
                        "msiEndpoint": METADATA if spec.linux else f"{METADATA}/oauth2/token",
                        "msiClientId": f"[{reference}.clientId]",
                    },
                },
            },
        }
    )


def _management(spec: Spec, version: str, urls: list[str]) -> Json:
    """The settings in the schema of that version."""
    major = version.split(".", 1)[0]
    place = {"certificateStoreName": "MY", "certificateStoreLocation": "LocalMachine"}
    if spec.linux:
        place = {"certificateStoreLocation": "/var/lib/sfcerts"}
    if major == "1":
        found: Json = {"observedCertificates": urls, **place}
    else:
        found = {"observedCertificates": [{"url": url, **place} for url in urls]}
    if major != "4":
        found |= {"pollingIntervalInS": "3600", "requireInitialSync": spec.by_name}
        if not spec.linux:
            found["linkOnRenewal"] = False
    return found


def _policy_id(facts: Json) -> str:
    return f"[resourceId('Microsoft.KeyVault/vaults/accessPolicies', '{facts['vault_name']}', 'add')]"


def _access(spec: Spec, facts: Json, reference: str, identity: str) -> Json:
    """Leave to read secrets, by the vault's model."""
    if spec.vault_model == "rbac":
        return {
            "type": "Microsoft.Authorization/roleAssignments",
            "apiVersion": "2022-04-01",
            "scope": f"[concat('Microsoft.KeyVault/vaults/', '{facts['vault_name']}')]",
            "name": f"[guid(resourceGroup().id, 'id-kv', '{SECRETS_USER}')]",
            "dependsOn": [identity],
            "properties": {
                "roleDefinitionId": "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
                f"'{SECRETS_USER}')]",
                "principalId": f"[{reference}.principalId]",
                "principalType": "ServicePrincipal",
            },
        }
    return {
        "type": "Microsoft.KeyVault/vaults/accessPolicies",
        "apiVersion": "2023-07-01",
        "name": f"{facts['vault_name']}/add",
        "dependsOn": [identity],
        "properties": {
            "accessPolicies": [
                {
                    "tenantId": "[subscription().tenantId]",
                    "objectId": f"[{reference}.principalId]",
                    "permissions": {"secrets": ["get", "list"]},
                }
            ]
        },
    }
