"""The cluster resource, and how a certificate is declared in it and on its nodes."""

from __future__ import annotations

from tests.make.names import CLUSTER_GUID, CLUSTER_ID, COMMON_NAME, ENDPOINT, Json
from tests.make.worlds import World


def role_of(world: World, *, in_extension: bool) -> Json:
    if world.by_name:
        name = world.leads_to.facts.common_name
        if in_extension:
            return {"certificate": {"commonNames": [name], "x509StoreName": "My"}}
        pins = world.leads_to.chain[0].thumbprint if world.pins is None and world.leads_to.chain else world.pins or ""
        return {
            "certificateCommonNames": {
                "commonNames": [{"certificateCommonName": name, "certificateIssuerThumbprint": pins}],
                "x509StoreName": "My",
            }
        }
    role: Json = {"certificate": {"thumbprint": world.now_declared.thumbprint, "x509StoreName": "My"}}
    if world.secondary is not None and in_extension:
        role["certificateSecondary"] = {"thumbprint": world.secondary.thumbprint, "x509StoreName": "My"}
    elif world.secondary is not None:
        role["certificate"]["thumbprintSecondary"] = world.secondary.thumbprint
    return role


def cluster_of(world: World) -> Json:
    properties: Json = {
        "provisioningState": world.provisioning_state,
        "clusterId": CLUSTER_GUID,
        "clusterCodeVersion": world.runtime,
        "clusterState": world.state,
        "clusterEndpoint": ENDPOINT,
        "managementEndpoint": f"https://{COMMON_NAME}:19080",
        "vmImage": world.os,
        "reliabilityLevel": "Silver",
        "upgradeMode": "Automatic",
        "fabricSettings": [
            {"name": "Security", "parameters": [{"name": "ClusterProtectionLevel", "value": "EncryptAndSign"}]}
        ],
        "nodeTypes": [
            {
                "name": shape.name,
                "isPrimary": shape.is_primary,
                "vmInstanceCount": shape.count,
                "durabilityLevel": shape.durability,
                "clientConnectionEndpointPort": 19000,
                "httpGatewayEndpointPort": 19080,
                "applicationPorts": {"startPort": 20000, "endPort": 30000},
                "ephemeralPorts": {"startPort": 49152, "endPort": 65534},
                **({"reverseProxyEndpointPort": 19081} if world.reverse_proxy else {}),
            }
            for shape in world.node_types
        ],
        **role_of(world, in_extension=False),
    }
    if world.reverse_proxy is not None:
        entry = {"thumbprint": world.reverse_proxy.thumbprint, "x509StoreName": "My"}
        properties["reverseProxyCertificate"] = entry
    return {
        "id": CLUSTER_ID,
        "name": "shop",
        "type": "Microsoft.ServiceFabric/clusters",
        "location": "westeurope",
        "properties": properties,
    }
