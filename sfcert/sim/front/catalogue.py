"""What does Resource Manager know of itself? Tenants, subscriptions, locations, and who serves which types."""

from __future__ import annotations

from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure

LOCATIONS = {
    "westeurope": "West Europe",
    "northeurope": "North Europe",
    "eastus": "East US",
    "eastus2": "East US 2",
    "westus2": "West US 2",
    "southcentralus": "South Central US",
    "germanywestcentral": "Germany West Central",
    "uksouth": "UK South",
}
#: One list for every type: the front door takes any version that looks like one, these are what it advertises.
_API_VERSIONS = (
    "2026-06-01",
    "2026-05-15",
    "2026-04-01",
    "2025-04-01",
    "2024-11-30",
    "2024-11-01",
    "2023-07-01",
    "2022-04-01",
    "2021-06-01",
    "2021-04-01",
)


def describe_subscription(azure: Azure) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{azure.subscription_id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": azure.subscription_id,
        "tenantId": azure.tenant_id,
        "displayName": "Embedded Azure",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Internal_2014-09-01",
            "quotaId": "Internal_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def describe_tenant(azure: Azure) -> dict[str, Any]:
    return {
        "id": f"/tenants/{azure.tenant_id}",
        "tenantId": azure.tenant_id,
        "countryCode": "NL",
        "displayName": "Embedded Azure",
        "domains": ["sim.onmicrosoft.com"],
        "tenantCategory": "Home",
        "defaultDomain": "sim.onmicrosoft.com",
        "tenantType": "AAD",
    }


def describe_locations(azure: Azure) -> list[dict[str, Any]]:
    base = f"/subscriptions/{azure.subscription_id}/locations"
    return [
        {
            "id": f"{base}/{name}",
            "name": name,
            "type": "Region",
            "displayName": shown,
            "regionalDisplayName": shown,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        for name, shown in LOCATIONS.items()
    ]


def describe_providers(azure: Azure) -> list[dict[str, Any]]:
    """Every namespace that something is registered for, with its types; and what is kept without being served."""
    by_namespace: dict[str, list[str]] = {}
    kept = {resource.id.type for resource in azure.resources.all() if azure.provider_of(resource.id.type) is None}
    for resource_type in [*azure.provider_types(), *sorted(kept)]:
        namespace, _, rest = resource_type.partition("/")
        by_namespace.setdefault(namespace, []).append(rest)
    return [_describe(azure, namespace, types) for namespace, types in sorted(by_namespace.items())]


def describe_provider(azure: Azure, namespace: str) -> dict[str, Any]:
    """One namespace.

    Raises:
        AzureFailure: 404 `InvalidResourceNamespace` where nothing is registered for it.
    """
    for provider in describe_providers(azure):
        if provider["namespace"].lower() == namespace.lower():
            return provider
    raise AzureFailure(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def _describe(azure: Azure, namespace: str, types: list[str]) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{azure.subscription_id}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": [
            {
                "resourceType": name,
                "locations": list(LOCATIONS.values()),
                "apiVersions": list(_API_VERSIONS),
                "capabilities": "SupportsTags, SupportsLocation",
            }
            for name in types
        ],
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
    }
