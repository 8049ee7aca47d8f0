"""Builders: small, whole worlds with real X.509, made in milliseconds, changed by keyword.

`make.world()` is one healthy thumbprint cluster ready for migration: one Silver node type of five Windows nodes, one
vault, one certificate from a private authority. Every keyword changes one thing. `make.bundle` and `make.observation`
give it as a `Bundle` and as facts. Instants are aware UTC; `NOW` is the builders' present.
"""

from __future__ import annotations

from tests.make.bundles import bundle, document, from_document, observation
from tests.make.certificates import Issued, authority, certificate, key, leaf
from tests.make.names import (
    CERTIFICATE_NAME,
    CLUSTER_GUID,
    CLUSTER_ID,
    COMMON_NAME,
    ENDPOINT,
    GROUP_SCOPE,
    IDENTITY_CLIENT,
    IDENTITY_ID,
    IDENTITY_PRINCIPAL,
    NOW,
    SECRETS_USER,
    SUBSCRIPTION,
    TENANT,
    VAULT_ID,
    VAULT_URL,
    Json,
)
from tests.make.policies import policy
from tests.make.scale_sets import key_vault_extension, scale_set_id
from tests.make.vaults import secret_url, version
from tests.make.worlds import NodeTypeShape, World, common_name_world, world

__all__ = [
    "CERTIFICATE_NAME",
    "CLUSTER_GUID",
    "CLUSTER_ID",
    "COMMON_NAME",
    "ENDPOINT",
    "GROUP_SCOPE",
    "IDENTITY_CLIENT",
    "IDENTITY_ID",
    "IDENTITY_PRINCIPAL",
    "NOW",
    "SECRETS_USER",
    "SUBSCRIPTION",
    "TENANT",
    "VAULT_ID",
    "VAULT_URL",
    "Issued",
    "Json",
    "NodeTypeShape",
    "World",
    "authority",
    "bundle",
    "certificate",
    "common_name_world",
    "document",
    "from_document",
    "key",
    "key_vault_extension",
    "leaf",
    "observation",
    "policy",
    "scale_set_id",
    "secret_url",
    "version",
    "world",
]
