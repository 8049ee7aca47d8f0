"""Builders: small, whole worlds with real X.509, made in milliseconds, changed by keyword.

`make.world()` is one healthy thumbprint cluster ready for migration: one Silver node type of five Windows nodes, one
vault, one certificate from a private authority. Every keyword changes one thing. `make.bundle` and `make.observation`
give it as a `Bundle` and as facts. Instants are aware UTC; `NOW` is the builders' present.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sfcert.model.bundle import Bundle
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH, Certificate
from sfcert.model.observation import Observation
from sfcert.pki import read_certificate
from sfcert.sources.observe import observe

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SUBSCRIPTION = "7d0f2d3a-1111-4a53-9c1e-0d5a5b6c7d8e"
TENANT = "11111111-2222-4333-8444-555555555555"
GROUP_SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-prod"
CLUSTER_ID = f"{GROUP_SCOPE}/providers/Microsoft.ServiceFabric/clusters/shop"
CLUSTER_GUID = "5e1d4b1c-7777-4c6e-9d65-2f1f6a3d9b10"
ENDPOINT = f"https://westeurope.servicefabric.azure.com/runtime/clusters/{CLUSTER_GUID}"
COMMON_NAME = "shop.fabric.example.com"
VAULT_URL = "https://shop-kv.vault.azure.net"
VAULT_ID = f"{GROUP_SCOPE}/providers/Microsoft.KeyVault/vaults/shop-kv"
IDENTITY_ID = f"{GROUP_SCOPE}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-reader"
IDENTITY_CLIENT = "aaaaaaaa-0000-4000-8000-00000000c11e"
IDENTITY_PRINCIPAL = "bbbbbbbb-0000-4000-8000-000000009a11"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
CERTIFICATE_NAME = "shop-cluster"

Json = dict[str, Any]


@cache
def key(label: str) -> rsa.RSAPrivateKey:
    """One RSA key per label and process: equal labels mean one key, as with a renewal that reuses it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass(frozen=True)
class Issued:
    """One certificate with its chain, direct issuer first, root last."""

    x509: x509.Certificate
    key_label: str
    chain: tuple[Issued, ...] = ()

    @property
    def der(self) -> bytes:
        return self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def facts(self) -> Certificate:
        return read_certificate(self.der)

    @property
    def thumbprint(self) -> str:
        return hashlib.sha1(self.der).hexdigest().upper()

    @property
    def x5t(self) -> str:
        return base64.urlsafe_b64encode(bytes.fromhex(self.thumbprint)).rstrip(b"=").decode()

    @property
    def base64_der(self) -> str:
        return base64.b64encode(self.der).decode()


@cache
def certificate(
    common_name: str = COMMON_NAME,
    *,
    issuer: Issued | None = None,
    key_label: str = "leaf-1",
    dns_names: tuple[str, ...] | None = None,
    not_before: datetime = NOW - timedelta(days=30),
    not_after: datetime = NOW + timedelta(days=150),
    ekus: tuple[str, ...] | None = (SERVER_AUTH, CLIENT_AUTH),
    is_ca: bool = False,
    serial: int | None = None,
) -> Issued:
    """One certificate; self-signed where there is no issuer. `dns_names` None means: the common name alone."""
    subject_key = key(key_label)
    signer = key(issuer.key_label) if issuer else subject_key
    issuer_name = issuer.x509.subject if issuer else _name(common_name)
    stated = f"{common_name}|{key_label}|{not_before}|{not_after}|{ekus}|{dns_names}|{issuer and issuer.thumbprint}"
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer_name)
        .public_key(subject_key.public_key())
        .serial_number(serial or int.from_bytes(hashlib.sha256(stated.encode()).digest()[:15], "big"))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not is_ca:
        names = (common_name,) if dns_names is None else dns_names
        if names:
            general = [x509.DNSName(name) for name in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        if ekus is not None:
            usages = [x509.ObjectIdentifier(oid) for oid in ekus] or [ExtendedKeyUsageOID.CODE_SIGNING]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    signed = builder.sign(signer, hashes.SHA256())
    return Issued(signed, key_label, (issuer, *issuer.chain) if issuer else ())


@cache
def authority(
    name: str = "Example Issuing CA A", *, key_label: str | None = None, root: str = "Example Root"
) -> Issued:
    """An intermediate authority under a root of its own; the same `key_label` gives a twin of one key."""
    above = certificate(
        root,
        key_label=f"root {root}",
        is_ca=True,
        not_before=NOW - timedelta(days=3000),
        not_after=NOW + timedelta(days=3000),
    )
    return certificate(
        name,
        issuer=above,
        key_label=key_label or f"ca {name}",
        is_ca=True,
        not_before=NOW - timedelta(days=1000),
        not_after=NOW + timedelta(days=1000),
    )


def leaf(label: str = "1", *, ca: str = "Example Issuing CA A", **changes: Any) -> Issued:
    """A cluster certificate from a private authority; `label` tells keys apart."""
    return certificate(issuer=authority(ca), key_label=f"leaf-{label}", **changes)


def version(issued: Issued, *, name: str = CERTIFICATE_NAME, vault: str = VAULT_URL, enabled: bool = True) -> Json:
    """A vault's certificate bundle for one version; its version id follows from the certificate."""
    number = hashlib.md5(issued.der).hexdigest()
    begins = int(issued.x509.not_valid_before_utc.timestamp())
    return {
        "id": f"{vault}/certificates/{name}/{number}",
        "kid": f"{vault}/keys/{name}/{number}",
        "sid": f"{vault}/secrets/{name}/{number}",
        "x5t": issued.x5t,
        "cer": issued.base64_der,
        "attributes": {
            "enabled": enabled,
            "nbf": begins,
            "exp": int(issued.x509.not_valid_after_utc.timestamp()),
            "created": begins,
            "updated": begins,
        },
        "chain": [one.base64_der for one in issued.chain],
    }


def secret_url(issued: Issued, *, name: str = CERTIFICATE_NAME, vault: str = VAULT_URL) -> str:
    return str(version(issued, name=name, vault=vault)["sid"])


def policy(*, action: str = "EmailContacts", issuer: str = "Unknown", **changes: Any) -> Json:
    """A certificate policy; keywords replace whole parts (`key_props`, `x509_props`, `lifetime_actions` …)."""
    return {
        "key_props": {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False},
        "secret_props": {"contentType": "application/x-pkcs12"},
        "x509_props": {
            "subject": f"CN={COMMON_NAME}",
            "sans": {"dns_names": [COMMON_NAME]},
            "ekus": [SERVER_AUTH, CLIENT_AUTH],
            "key_usage": ["digitalSignature", "keyEncipherment"],
            "validity_months": 6,
        },
        "lifetime_actions": [{"trigger": {"lifetime_percentage": 75}, "action": {"action_type": action}}],
        "issuer": {"name": issuer},
        "attributes": {"enabled": True},
    } | changes


@dataclass(frozen=True)
class NodeTypeShape:
    """One node type and its scale set."""

    name: str = "nt0"
    count: int = 5
    durability: str = "Silver"
    is_primary: bool = True
    mode: str = "Automatic"


@dataclass(frozen=True)
class World:
    """The knobs. `declared` None leaves the role undeclared; `pins` None means the direct issuer of `goal`."""

    node_types: tuple[NodeTypeShape, ...] = (NodeTypeShape(),)
    current: Issued | None = None
    goal: Issued | None = None
    secondary: Issued | None = None
    by_name: bool = False
    pins: str | None = None
    rbac: bool = True
    has_identity: bool = False
    has_access: bool = False
    has_extension: bool = False
    extension_version: str = "3.0"
    has_secrets: bool = True
    has_stores: bool = True
    versions: tuple[Issued, ...] | None = None
    policy: Json = field(default_factory=policy)
    pending: Json | None = None
    tags: Json | None = None
    state: str = "Ready"
    provisioning_state: str = "Succeeded"
    runtime: str = "11.4.268.1"
    os: str = "Windows"
    reverse_proxy: Issued | None = None
    unread: tuple[tuple[str, str], ...] = ()
    api_version_scale_set: str = "2024-11-01"

    @property
    def now_declared(self) -> Issued:
        return self.current or leaf()

    @property
    def leads_to(self) -> Issued:
        return self.goal or self.now_declared


def world(**changes: Any) -> World:
    """The healthy thumbprint world with these knobs turned."""
    return replace(World(), **changes)


def common_name_world(**changes: Any) -> World:
    """The same cluster after its migration: declared by name and pinned, fed by the extension, nothing left over."""
    done: Json = {
        "by_name": True,
        "has_identity": True,
        "has_access": True,
        "has_extension": True,
        "has_secrets": False,
        "policy": policy(action="AutoRenew", issuer="ExampleCA"),
    }
    return replace(World(), **(done | changes))


def scale_set_id(node_type: str = "nt0") -> str:
    return f"{GROUP_SCOPE}/providers/Microsoft.Compute/virtualMachineScaleSets/{node_type}"


def _role(world: World, *, in_extension: bool) -> Json:
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


def _scale_set(world: World, shape: NodeTypeShape) -> Json:
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
                **_role(world, in_extension=True),
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


def _instances(world: World, shape: NodeTypeShape) -> list[Json]:
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


def _cluster(world: World) -> Json:
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
        **_role(world, in_extension=False),
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


def _vault(world: World) -> Json:
    policies: list[Json] = []
    if world.has_access and not world.rbac:
        granted = {"secrets": ["get", "list"]}
        policies = [{"tenantId": TENANT, "objectId": IDENTITY_PRINCIPAL, "permissions": granted}]
    return {
        "id": VAULT_ID,
        "name": "shop-kv",
        "type": "Microsoft.KeyVault/vaults",
        "location": "westeurope",
        "properties": {
            "tenantId": TENANT,
            "sku": {"family": "A", "name": "standard"},
            "vaultUri": f"{VAULT_URL}/",
            "enabledForDeployment": True,
            "enableRbacAuthorization": world.rbac,
            "enableSoftDelete": True,
            "accessPolicies": policies,
            "publicNetworkAccess": "Enabled",
            "networkAcls": {
                "bypass": "AzureServices",
                "defaultAction": "Allow",
                "ipRules": [],
                "virtualNetworkRules": [],
            },
        },
    }


def document(world: World) -> Json:
    """The world as the JSON document of a bundle file; free to be edited before `from_document`."""
    resources: Json = {
        CLUSTER_ID: {"api_version": "2021-06-01", "body": _cluster(world)},
        VAULT_ID: {"api_version": "2024-11-01", "body": _vault(world)},
    }
    for shape in world.node_types:
        body = _scale_set(world, shape)
        resources[body["id"]] = {"api_version": world.api_version_scale_set, "body": body}
    if world.has_identity:
        resources[IDENTITY_ID] = {
            "api_version": "2024-11-30",
            "body": {
                "id": IDENTITY_ID,
                "name": "shop-reader",
                "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                "location": "westeurope",
                "properties": {
                    "tenantId": TENANT,
                    "principalId": IDENTITY_PRINCIPAL,
                    "clientId": IDENTITY_CLIENT,
                },
            },
        }
    if world.has_access and world.rbac:
        role = f"{VAULT_ID}/providers/Microsoft.Authorization/roleAssignments/99999999-0000-4000-8000-000000000001"
        resources[role] = {
            "api_version": "2022-04-01",
            "body": {
                "id": role,
                "name": role.rsplit("/", 1)[-1],
                "type": "Microsoft.Authorization/roleAssignments",
                "properties": {
                    "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/"
                    f"roleDefinitions/{SECRETS_USER}",
                    "principalId": IDENTITY_PRINCIPAL,
                    "principalType": "ServicePrincipal",
                    "scope": VAULT_ID,
                },
            },
        }
    versions = world.versions or tuple(dict.fromkeys((world.now_declared, world.leads_to)))
    if world.secondary is not None and world.secondary not in versions:
        versions = (*versions, world.secondary)
    if world.reverse_proxy is not None and world.reverse_proxy not in versions:
        versions = (*versions, world.reverse_proxy)
    stored = [world.now_declared, *([world.secondary] if world.secondary else [])]
    if world.has_extension and world.leads_to not in stored:
        stored.append(world.leads_to)
    return {
        "format": "sfcert.bundle/1",
        "captured_at_utc": NOW.isoformat().replace("+00:00", "Z"),
        "cluster_id": CLUSTER_ID,
        "resources": resources,
        "queries": [{"what": f"roleAssignments at {VAULT_ID}", "found": int(world.has_access and world.rbac)}],
        "vm_instances": {scale_set_id(shape.name): _instances(world, shape) for shape in world.node_types},
        "vaults": {
            VAULT_URL: {
                "certificates": {
                    CERTIFICATE_NAME: {
                        "policy": world.policy,
                        "pending": world.pending,
                        "tags": world.tags,
                        "versions": [version(one) for one in versions],
                    }
                }
            }
        },
        "node_stores": {
            scale_set_id(shape.name): {str(number): [one.x5t for one in stored] for number in range(shape.count)}
            for shape in world.node_types
        }
        if world.has_stores
        else None,
        "runtime": {},
        "unread": [{"what": what, "why": why} for what, why in world.unread],
    }


def from_document(plain: Json) -> Bundle:
    return msgspec.convert(plain, Bundle)


def bundle(world: World | None = None, **changes: Any) -> Bundle:
    """A bundle of `world` (or of the healthy one), with knobs turned by keyword."""
    return from_document(document(replace(world or World(), **changes)))


def observation(world: World | None = None, **changes: Any) -> Observation:
    return observe(bundle(world, **changes))
