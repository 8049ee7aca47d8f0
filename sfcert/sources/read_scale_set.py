"""What does a scale set give its machines? Raw body and instances in, `ScaleSet` out.

Source: service-fabric.md 1.5 (node extension), 4 (Key Vault extension), 5 (scale sets).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfcert.model.bundle import RawResource
from sfcert.model.ids import parse_vault_url, thumbprint_of_x5t
from sfcert.model.observation import (
    AssignedIdentity,
    ExtensionStatus,
    Instance,
    KeyVaultExtension,
    NodeExtension,
    ObservedCertificate,
    ScaleSet,
    VmSecret,
)
from sfcert.sources.body import Body
from sfcert.sources.read_declaration import read_extension_role

_NODE_PUBLISHER = "microsoft.azure.servicefabric"
_NODE_TYPES = frozenset({"servicefabricnode", "servicefabriclinuxnode"})
_VAULT_PUBLISHER = "microsoft.azure.keyvault"
_PROFILE = "properties.virtualMachineProfile.extensionProfile.extensions"


def is_node_extension(extension: Body) -> bool:
    """By publisher and both types; never by name."""
    return (extension.text("properties", "publisher") or "").lower() == _NODE_PUBLISHER and (
        extension.text("properties", "type") or ""
    ).lower() in _NODE_TYPES


def node_extension_of(body: Body) -> Body | None:
    """The node extension of a raw scale set, or None: then no node of any cluster runs on it."""
    extensions = body.items("properties", "virtualMachineProfile", "extensionProfile", "extensions")
    return next((one for one in extensions if is_node_extension(one)), None)


def _path(name: str) -> str:
    return f"{_PROFILE}[name='{name}'].properties"


def _node_extension(extension: Body) -> NodeExtension:
    name = extension.text("name") or ""
    settings = extension.at("properties", "settings")
    path = f"{_path(name)}.settings"
    return NodeExtension(
        name=name,
        type=extension.text("properties", "type") or "",
        version=extension.text("properties", "typeHandlerVersion"),
        node_type=settings.text("nodeTypeRef"),
        cluster_endpoint=settings.text("clusterEndpoint"),
        durability=settings.text("durabilityLevel"),
        certificate=read_extension_role(settings, "certificate", path),
        reverse_proxy=read_extension_role(settings, "reverseProxyCertificate", path),
        after=extension.texts("properties", "provisionAfterExtensions"),
        path=_path(name),
    )


def _observed(entry: Body) -> ObservedCertificate:
    url = entry.text() if entry.object() is None else entry.text("url")
    return ObservedCertificate(
        url=url or "",
        reference=parse_vault_url(url) if url else None,
        store_name=entry.text("certificateStoreName"),
        store_location=entry.text("certificateStoreLocation"),
        is_object=entry.object() is not None,
    )


def _key_vault_extension(extension: Body) -> KeyVaultExtension:
    name = extension.text("name") or ""
    properties = extension.at("properties")
    management = properties.at("settings", "secretsManagementSettings")
    authentication = properties.at("settings", "authenticationSettings")
    return KeyVaultExtension(
        name=name,
        type=properties.text("type") or "",
        version=properties.text("typeHandlerVersion"),
        observed=tuple(_observed(entry) for entry in management.items("observedCertificates")),
        polling_interval_s=management.number("pollingIntervalInS"),
        link_on_renewal=management.flag("linkOnRenewal"),
        require_initial_sync=management.flag("requireInitialSync"),
        automatic_upgrade=properties.flag("enableAutomaticUpgrade"),
        store_name=management.text("certificateStoreName"),
        store_location=management.text("certificateStoreLocation"),
        client_id=authentication.text("msiClientId"),
        msi_endpoint=authentication.text("msiEndpoint"),
        has_authentication=authentication.object() is not None,
        authentication_misplaced=management.has("authenticationSettings"),
        path=_path(name),
    )


def _secrets(profile: Body) -> tuple[VmSecret, ...]:
    found: list[VmSecret] = []
    for group in profile.items("osProfile", "secrets"):
        vault_id = group.text("sourceVault", "id") or ""
        for entry in group.items("vaultCertificates"):
            url = entry.text("certificateUrl") or ""
            found.append(
                VmSecret(
                    vault_id=vault_id, url=url, reference=parse_vault_url(url), store=entry.text("certificateStore")
                )
            )
    return tuple(found)


def _status(entry: Body) -> ExtensionStatus:
    """The instance view of one extension. A failed status wins over others; else the first provisioning state."""
    states: list[tuple[str, str | None]] = []
    newest: datetime | None = None
    for status in entry.items("statuses"):
        code = status.text("code") or ""
        kind, _, rest = code.partition("/")
        if kind.lower() == "provisioningstate":
            states.append((rest.split("/")[0].lower(), status.text("message") or status.text("displayStatus")))
        at = status.instant("time")
        newest = at if newest is None or (at is not None and at > newest) else newest
    chosen = next((one for one in states if one[0] == "failed"), states[0] if states else (None, None))
    return ExtensionStatus(
        name=entry.text("name") or "",
        type=entry.text("type"),
        version=entry.text("typeHandlerVersion"),
        state=chosen[0],
        message=chosen[1],
        at_utc=newest,
    )


def _instance(raw: dict[str, Any], stores: dict[str, list[str]] | None) -> Instance:
    body = Body(raw, symbolic=False)
    number = body.text("instanceId") or (body.text("id") or "").rsplit("/", 1)[-1]
    store = (stores or {}).get(number)
    return Instance(
        id=number,
        name=body.text("name"),
        latest_model=body.flag("properties", "latestModelApplied"),
        provisioning_state=body.text("properties", "provisioningState"),
        update_domain=body.number("properties", "instanceView", "platformUpdateDomain"),
        extensions=tuple(_status(entry) for entry in body.items("properties", "instanceView", "extensions")),
        store=tuple(thumbprint_of_x5t(one) for one in store) if store is not None else None,
    )


def _subnets(profile: Body) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for card in profile.items("networkProfile", "networkInterfaceConfigurations"):
        for address in card.items("properties", "ipConfigurations"):
            if subnet := address.text("properties", "subnet", "id"):
                found[subnet] = None
    return tuple(found)


def read_scale_set(
    resource_id: str,
    raw: RawResource,
    instances: list[dict[str, Any]] | None,
    stores: dict[str, list[str]] | None,
    *,
    is_authored: bool,
) -> ScaleSet | None:
    """The facts of one scale set, or None where it carries no Service Fabric node extension.

    Args:
        instances: the raw VM list with expanded instance views; None where it was not read.
        stores: instance id -> base64url thumbprints in its store; None where stores cannot be seen.
    """
    body = Body(raw.body, symbolic=is_authored)
    node = node_extension_of(body)
    if node is None:
        return None
    profile = body.at("properties", "virtualMachineProfile")
    extensions = list(profile.items("extensionProfile", "extensions"))
    kind = (body.text("identity", "type") or "").lower()
    assigned = body.object("identity", "userAssignedIdentities") or {}
    return ScaleSet(
        id=resource_id,
        name=resource_id.rstrip("/").rsplit("/", 1)[-1],
        location=body.text("location"),
        api_version=raw.api_version,
        capacity=body.number("sku", "capacity"),
        upgrade_mode=body.text("properties", "upgradePolicy", "mode"),
        provisioning_state=body.text("properties", "provisioningState"),
        image=profile.object("storageProfile", "imageReference"),
        node_extension=_node_extension(node),
        key_vault_extensions=tuple(
            _key_vault_extension(one)
            for one in extensions
            if (one.text("properties", "publisher") or "").lower() == _VAULT_PUBLISHER
        ),
        extension_names=tuple(one.text("name") or "" for one in extensions),
        extensions_time_budget=profile.text("extensionProfile", "extensionsTimeBudget"),
        secrets=_secrets(profile),
        has_system_identity="systemassigned" in kind,
        system_principal_id=body.text("identity", "principalId"),
        user_identities=tuple(
            AssignedIdentity(
                id=key,
                client_id=Body(value, symbolic=False).text("clientId"),
                principal_id=Body(value, symbolic=False).text("principalId"),
            )
            for key, value in assigned.items()
        ),
        subnet_ids=_subnets(profile),
        instances=None if instances is None else tuple(_instance(one, stores) for one in instances),
    )
