"""Which built-in roles are there, and what does each allow? The vendor's ids, only those that this world needs.

Source: Azure built-in roles page (learn.microsoft.com/azure/role-based-access-control/built-in-roles); section 6.1 of
the project's reference for the Key Vault ones. Actions that nothing here asks for are shortened to their wildcards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role: control-plane actions and data actions, each with exceptions, wildcards allowed."""

    id: str
    name: str
    description: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, action: str, *, data_action: bool) -> bool:
        allowed, denied = (
            (self.data_actions, self.not_data_actions) if data_action else (self.actions, self.not_actions)
        )
        return any(matches(one, action) for one in allowed) and not any(matches(one, action) for one in denied)

    def body(self, scope: str) -> dict[str, Any]:
        """The definition as the API shows it; `scope` is where it was asked for."""
        return {
            "id": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{self.id}",
            "type": "Microsoft.Authorization/roleDefinitions",
            "name": self.id,
            "properties": {
                "roleName": self.name,
                "type": "BuiltInRole",
                "description": self.description,
                "assignableScopes": ["/"],
                "permissions": [
                    {
                        "actions": list(self.actions),
                        "notActions": list(self.not_actions),
                        "dataActions": list(self.data_actions),
                        "notDataActions": list(self.not_data_actions),
                    }
                ],
                "createdOn": "2015-02-02T21:55:09.8806423Z",
                "updatedOn": "2021-11-11T20:13:28.6061853Z",
                "createdBy": None,
                "updatedBy": None,
            },
        }


def matches(pattern: str, action: str) -> bool:
    """Whether an action is one of those that the pattern means; `/*/` also stands for a plain `/`."""
    return _compiled(pattern).fullmatch(action) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.compile(escaped, re.IGNORECASE)


_VAULT = "Microsoft.KeyVault/vaults"
_READ_ALL = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)
_VAULT_CONTROL = (
    *_READ_ALL,
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    f"{_VAULT}/*/read",
    "Microsoft.KeyVault/operations/read",
)

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
MANAGED_IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
MANAGED_IDENTITY_CONTRIBUTOR = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59"
VIRTUAL_MACHINE_CONTRIBUTOR = "9980e02c-c2be-4d73-94e8-173b1dc7cf3c"
KEY_VAULT_ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
KEY_VAULT_SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
KEY_VAULT_SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
KEY_VAULT_CERTIFICATE_USER = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba"
KEY_VAULT_CERTIFICATES_OFFICER = "a4417e6f-fecd-4de8-b567-7b0420556985"
KEY_VAULT_READER = "21090545-7ca7-4776-b22c-e363652d74d2"

#: Roles of the services around a cluster, which templates assign: they exist, and what they allow is shortened to the
#: service that they are about. (id, name, actions, data actions)
_AROUND: tuple[tuple[str, str, str, str], ...] = (
    ("17d1049b-9a84-46fb-8f53-869881c3d3ab", "Storage Account Contributor", "Microsoft.Storage/storageAccounts/*", ""),
    (
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        "Microsoft.Storage/storageAccounts/blobServices/containers/*",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*",
    ),
    (
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Blob Data Owner",
        "Microsoft.Storage/storageAccounts/blobServices/containers/*",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*",
    ),
    (
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        "Microsoft.Storage/storageAccounts/blobServices/containers/read",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    ),
    (
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        "Storage Queue Data Contributor",
        "Microsoft.Storage/storageAccounts/queueServices/queues/*",
        "Microsoft.Storage/storageAccounts/queueServices/queues/messages/*",
    ),
    (
        "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
        "Storage Table Data Contributor",
        "Microsoft.Storage/storageAccounts/tableServices/tables/*",
        "Microsoft.Storage/storageAccounts/tableServices/tables/entities/*",
    ),
    ("4d97b98b-1d4f-4787-a291-c67834d212e7", "Network Contributor", "Microsoft.Network/*", ""),
    ("befefa01-2a29-4197-83a8-272ff33ce314", "DNS Zone Contributor", "Microsoft.Network/dnsZones/*", ""),
    ("f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor", "Microsoft.KeyVault/*", ""),
    ("14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer", "", "Microsoft.KeyVault/vaults/keys/*"),
    ("12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User", "", "Microsoft.KeyVault/vaults/keys/read"),
    ("43d0d8ad-25c7-4714-9337-8ba259a9fe05", "Monitoring Reader", "*/read", ""),
    ("749f88d5-cbae-40b8-bcfc-e573ddc772fa", "Monitoring Contributor", "Microsoft.Insights/*", ""),
    ("3913510d-42f4-4e42-8a64-420c390055eb", "Monitoring Metrics Publisher", "", "Microsoft.Insights/Metrics/Write"),
    ("92aaf0da-9dab-42b6-94a3-d43ce8d16293", "Log Analytics Contributor", "Microsoft.OperationalInsights/*", ""),
    ("73c42c96-874c-492b-b04d-ab87d138a893", "Log Analytics Reader", "*/read", ""),
    ("7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", "Microsoft.ContainerRegistry/registries/pull/read", ""),
    ("8311e382-0749-4cb8-b61a-304f252e45ec", "AcrPush", "Microsoft.ContainerRegistry/registries/push/write", ""),
    (
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Role Based Access Control Administrator",
        "Microsoft.Authorization/roleAssignments/*",
        "",
    ),
    (
        "b6efc156-f0da-4e90-a50a-8c000140b017",
        "Service Fabric Cluster Contributor",
        "Microsoft.ServiceFabric/clusters/*",
        "",
    ),
)

BUILT_IN: dict[str, RoleDefinition] = {
    role.id: role
    for role in (
        RoleDefinition(OWNER, "Owner", "Full access, and grants access to others.", ("*",)),
        RoleDefinition(
            CONTRIBUTOR,
            "Contributor",
            "Full access, but grants none.",
            ("*",),
            (
                "Microsoft.Authorization/*/Delete",
                "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/elevateAccess/Action",
                "Microsoft.Blueprint/blueprintAssignments/write",
                "Microsoft.Blueprint/blueprintAssignments/delete",
                "Microsoft.Compute/galleries/share/action",
                "Microsoft.Purview/consents/write",
                "Microsoft.Purview/consents/delete",
            ),
        ),
        RoleDefinition(READER, "Reader", "Sees all resources, changes none.", ("*/read",)),
        RoleDefinition(
            USER_ACCESS_ADMINISTRATOR,
            "User Access Administrator",
            "Grants access to resources.",
            ("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
        ),
        RoleDefinition(
            MANAGED_IDENTITY_OPERATOR,
            "Managed Identity Operator",
            "Reads and assigns user-assigned identities.",
            (
                "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
                "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
                *_READ_ALL,
            ),
        ),
        RoleDefinition(
            MANAGED_IDENTITY_CONTRIBUTOR,
            "Managed Identity Contributor",
            "Creates, reads, changes and deletes user-assigned identities.",
            (
                "Microsoft.ManagedIdentity/userAssignedIdentities/read",
                "Microsoft.ManagedIdentity/userAssignedIdentities/write",
                "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
                "Microsoft.ManagedIdentity/userAssignedIdentities/revokeTokens/action",
                *_READ_ALL,
            ),
        ),
        RoleDefinition(
            VIRTUAL_MACHINE_CONTRIBUTOR,
            "Virtual Machine Contributor",
            "Manages virtual machines and scale sets, but not access to them.",
            (
                "Microsoft.Compute/availabilitySets/*",
                "Microsoft.Compute/locations/*",
                "Microsoft.Compute/virtualMachines/*",
                "Microsoft.Compute/virtualMachineScaleSets/*",
                "Microsoft.Compute/cloudServices/*",
                "Microsoft.Compute/disks/write",
                "Microsoft.Compute/disks/read",
                "Microsoft.Compute/disks/delete",
                "Microsoft.Network/virtualNetworks/read",
                "Microsoft.Network/virtualNetworks/subnets/join/action",
                *_READ_ALL,
            ),
        ),
        RoleDefinition(
            KEY_VAULT_ADMINISTRATOR,
            "Key Vault Administrator",
            "All data-plane operations on a vault that uses roles.",
            _VAULT_CONTROL,
            (),
            (f"{_VAULT}/*",),
        ),
        RoleDefinition(
            KEY_VAULT_SECRETS_USER,
            "Key Vault Secrets User",
            "Reads secret contents.",
            (),
            (),
            (f"{_VAULT}/secrets/getSecret/action", f"{_VAULT}/secrets/readMetadata/action"),
        ),
        RoleDefinition(
            KEY_VAULT_SECRETS_OFFICER,
            "Key Vault Secrets Officer",
            "Any action on secrets, but grants none.",
            _VAULT_CONTROL,
            (),
            (f"{_VAULT}/secrets/*",),
        ),
        RoleDefinition(
            KEY_VAULT_CERTIFICATE_USER,
            "Key Vault Certificate User",
            "Reads the whole of a certificate, secret and key part included.",
            (),
            (),
            (
                f"{_VAULT}/certificates/read",
                f"{_VAULT}/secrets/getSecret/action",
                f"{_VAULT}/secrets/readMetadata/action",
                f"{_VAULT}/keys/read",
            ),
        ),
        RoleDefinition(
            KEY_VAULT_CERTIFICATES_OFFICER,
            "Key Vault Certificates Officer",
            "Any action on certificates, but grants none.",
            _VAULT_CONTROL,
            (),
            (f"{_VAULT}/certificatecas/*", f"{_VAULT}/certificates/*", f"{_VAULT}/certificatecontacts/write"),
        ),
        RoleDefinition(
            KEY_VAULT_READER,
            "Key Vault Reader",
            "Reads metadata of vaults and their objects, no secret contents.",
            _VAULT_CONTROL,
            (),
            (f"{_VAULT}/*/read", f"{_VAULT}/secrets/readMetadata/action"),
        ),
        *(
            RoleDefinition(
                role_id,
                name,
                f"Manages what its name says ({name}).",
                tuple(filter(None, (actions, *_READ_ALL))),
                (),
                tuple(filter(None, (data_actions,))),
            )
            for role_id, name, actions, data_actions in _AROUND
        ),
    )
}
