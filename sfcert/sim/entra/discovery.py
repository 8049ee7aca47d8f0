"""Where does a client sign in? The documents that MSAL and az read before they ask for a token."""

from __future__ import annotations

from typing import Any


def describe_openid(base: str, tenant: str) -> dict[str, Any]:
    """`/{tenant}/v2.0/.well-known/openid-configuration`, with `base` as scheme and host without a trailing slash."""
    return {
        "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/{tenant}/v2.0",
        "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/devicecode",
        "end_session_endpoint": f"{base}/{tenant}/oauth2/v2.0/logout",
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }


def describe_instances(base: str, tenant: str) -> dict[str, Any]:
    """`/common/discovery/instance`: which hosts speak for the same cloud."""
    return {
        "tenant_discovery_endpoint": f"{base}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {
                "preferred_network": "login.microsoftonline.com",
                "preferred_cache": "login.windows.net",
                "aliases": [
                    "login.microsoftonline.com",
                    "login.windows.net",
                    "login.microsoft.com",
                    "sts.windows.net",
                ],
            }
        ],
    }


def describe_cloud(base: str) -> dict[str, Any]:
    """`/metadata/endpoints`, the shape that `az cloud register` takes, with `base` for every endpoint of the cloud."""
    host = base.split("://", 1)[1]
    return {
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base, "https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "media": base,
        "graphAudience": base,
        "graph": base,
        "name": "sim",
        "suffixes": {
            "azureDataLakeStoreFileSystem": f"datalake.{host}",
            "acrLoginServer": f"acr.{host}",
            "sqlServerHostname": f"database.{host}",
            "azureDataLakeAnalyticsCatalogAndJob": f"analytics.{host}",
            "keyVaultDns": f"vault.{host}",
            "storage": f"core.{host}",
            "storageSyncEndpointSuffix": f"sync.{host}",
            "mhsmDns": f"managedhsm.{host}",
        },
        "batch": base,
        "resourceManager": base,
        "vmImageAliasDoc": f"{base}/aliases.json",
        "activeDirectoryDataLake": base,
        "sqlManagement": base,
        "microsoftGraphResourceId": base,
        "appInsightsResourceId": base,
        "logAnalyticsResourceId": base,
    }
