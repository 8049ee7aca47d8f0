"""What everything in the builders' world is called, and when its present is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

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
