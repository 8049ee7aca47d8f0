"""A node type's scale set: its model with both extensions, and its machines."""

from __future__ import annotations

from tests.make.clusters import role_of
from tests.make.names import (
    CERTIFICATE_NAME,
    ENDPOINT,
    GROUP_SCOPE,
    IDENTITY_CLIENT,
    IDENTITY_ID,
    IDENTITY_PRINCIPAL,
    VAULT_ID,
    VAULT_URL,
    Json,
)
from tests.make.vaults import secret_url
from tests.make.worlds import NodeTypeShape, World


def scale_set_id(node_type: str = "nt0") -> str:
    return f"{GROUP_SCOPE}/providers/Microsoft.Compute/virtualMachineScaleSets/{node_type}"


def key_vault_extension(world: World) -> Json:
    linux = world.os == "Linux"
    entry: Json = {"url": f"{VAULT_URL}/secrets/{CERTIFICATE_NAME}"}
    if linux:
        entry["certificateStoreLocation"] = "/var/lib/sfcerts"
    else:
        entry |= {"certificateStoreName": "MY", "certificateStoreLocation": "LocalMachine"}
    management: Json = {"pollingIntervalInS": "3600", "requireInitialSync": True, "observedCertificates": [entry]}
    if not linux:
        management["linkOnRenewal"] = False
    return {
        "name": "KVVMExtension",
        "properties": {
            "publisher": "Microsoft.Azure.KeyVault",
            "type": "KeyVaultForLinux" if linux else "KeyVaultForWindows",
            "typeHandlerVersion": world.extension_version,
            "autoUpgradeMinorVersion": True,
            "enableAutomaticUpgrade": False,
            "settings": {
                "secretsManagementSettings": management,
                "authenticationSettings": {
                    "msiEndpoint": "http://169.254.169.254/metadata/identity/oauth2/token",
                    "msiClientId": IDENTITY_CLIENT,
                },
            },
        },
    }


def scale_set_of(world: World, shape: NodeTypeShape) -> Json:
    linux = world.os == "Linux"
    node: Json = {
        "name": f"{shape.name}_ServiceFabricNode",
        "properties": {
            "autoUpgradeMinorVersion": True,
            "publisher": "Microsoft.Azure.ServiceFabric",
            "type": "ServiceFabricLinuxNode" if linux else "ServiceFabricNode",
            "typeHandlerVersion": "1.1",
            "settings": {
                "clusterEndpoint": ENDPOINT,
                "nodeTypeRef": shape.name,
                "dataPath": "D:\\SvcFab",
                "durabilityLevel": shape.durability,
                "enableParallelJobs": True,
                "nicPrefixOverride": "10.0.0.0/24",
                **role_of(world, in_extension=True),
            },
        },
    }
    extensions = [node]
    if world.has_extension:
        node["properties"]["provisionAfterExtensions"] = ["KVVMExtension"]
        extensions = [key_vault_extension(world), node]
    if world.reverse_proxy is not None:
        entry = {"thumbprint": world.reverse_proxy.thumbprint, "x509StoreName": "My"}
        node["properties"]["settings"]["reverseProxyCertificate"] = entry
    secrets: list[Json] = []
    if world.has_secrets:
        provided = [world.now_declared, *([world.secondary] if world.secondary else [])]
        if world.reverse_proxy is not None and world.reverse_proxy not in provided:
            provided.append(world.reverse_proxy)
        store = {} if linux else {"certificateStore": "My"}
        entries = [{"certificateUrl": secret_url(one), **store} for one in provided]
        secrets = [{"sourceVault": {"id": VAULT_ID}, "vaultCertificates": entries}]
    body: Json = {
        "id": scale_set_id(shape.name),
        "name": shape.name,
        "type": "Microsoft.Compute/virtualMachineScaleSets",
        "location": "westeurope",
        "sku": {"name": "Standard_D2ds_v5", "tier": "Standard", "capacity": shape.count},
        "properties": {
            "provisioningState": "Succeeded",
            "overprovision": False,
            "singlePlacementGroup": True,
            "uniqueId": "0f0f0f0f-0000-4000-8000-000000000001",
            "upgradePolicy": {"mode": shape.mode},
            "virtualMachineProfile": {
                "osProfile": {
                    "computerNamePrefix": shape.name,
                    "adminUsername": "fabricadmin",
                    "secrets": secrets,
                },
                "storageProfile": {
                    "imageReference": {
                        "publisher": "Canonical" if linux else "MicrosoftWindowsServer",
                        "offer": "0001-com-ubuntu-server-jammy" if linux else "WindowsServer",
                        "sku": "22_04-lts-gen2" if linux else "2022-datacenter-azure-edition",
                        "version": "latest",
                    },
                    "osDisk": {
                        "createOption": "FromImage",
                        "caching": "ReadOnly",
                        "managedDisk": {"storageAccountType": "Standard_LRS"},
                    },
                },
                "networkProfile": {
                    "networkInterfaceConfigurations": [
                        {
                            "name": "nic",
                            "properties": {
                                "primary": True,
                                "ipConfigurations": [
                                    {
                                        "name": "ip",
                                        "properties": {
                                            "subnet": {
                                                "id": f"{GROUP_SCOPE}/providers/Microsoft.Network/virtualNetworks/"
                                                "vnet/subnets/nodes"
                                            }
                                        },
                                    }
                                ],
                            },
                        }
                    ]
                },
                "extensionProfile": {"extensions": extensions, "extensionsTimeBudget": "PT1H30M"},
            },
        },
    }
    if world.has_identity:
        body["identity"] = {
            "type": "UserAssigned",
            "userAssignedIdentities": {IDENTITY_ID: {"principalId": IDENTITY_PRINCIPAL, "clientId": IDENTITY_CLIENT}},
        }
    return body


def instances_of(world: World, shape: NodeTypeShape) -> list[Json]:
    kinds = {"KVVMExtension": "Microsoft.Azure.KeyVault.KeyVaultForWindows"} if world.has_extension else {}
    kinds |= {f"{shape.name}_ServiceFabricNode": "Microsoft.Azure.ServiceFabric.ServiceFabricNode"}
    return [
        {
            "instanceId": str(number),
            "id": f"{scale_set_id(shape.name)}/virtualMachines/{number}",
            "name": f"{shape.name}_{number}",
            "properties": {
                "latestModelApplied": True,
                "provisioningState": "Succeeded",
                "instanceView": {
                    "platformUpdateDomain": number % 5,
                    "platformFaultDomain": number % 5,
                    "extensions": [
                        {
                            "name": name,
                            "type": kind,
                            "typeHandlerVersion": "3.0" if name == "KVVMExtension" else "1.1",
                            "statuses": [
                                {
                                    "code": "ProvisioningState/succeeded",
                                    "level": "Info",
                                    "displayStatus": "Provisioning succeeded",
                                    "time": "2026-11-20T08:00:00+00:00",
                                }
                            ],
                        }
                        for name, kind in kinds.items()
                    ],
                    "statuses": [{"code": "PowerState/running"}],
                },
            },
        }
        for number in range(shape.count)
    ]
