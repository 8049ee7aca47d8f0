"""A vault and what it holds: its resource, and a certificate's versions."""

from __future__ import annotations

import hashlib

from tests.make.certificates import Issued
from tests.make.names import CERTIFICATE_NAME, IDENTITY_PRINCIPAL, TENANT, VAULT_ID, VAULT_URL, Json
from tests.make.worlds import World


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


def vault_of(world: World) -> Json:
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
