"""Which identities are there, and which one does a machine's token request mean? The metadata service's rule.

A virtual machine asks for a token, perhaps with a client id. With one identity there is no question; with several the
request must name one. The token itself is Entra's.

Source: section 4.3 of the project's reference (Azure/azure-docs issue 124819 for the unknown one, the metadata
service's own message for several). Assumed: a system-assigned identity wins where no client id is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sfcert.sim.authorization.roles import Roles
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure

IDENTITY_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """A user-assigned identity. `client_id` goes into token requests, `principal_id` into policies and roles."""

    client_id: str
    principal_id: str
    id: str


class Identities:
    """The tenant's managed identities."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def derive(self, label: str) -> str:
        """A GUID from the seed and a label: the same resource of the same world always has the same ids, and making
        one moves no other choice of the world."""
        text = f"identity {self._azure.seed} {label.lower()}".encode()
        return str(UUID(bytes=hashlib.sha256(text).digest()[:16], version=4))

    def system_principal(self, resource_id: str) -> str:
        """The object id of a resource's system-assigned identity, known to the directory from now on."""
        principal = self.derive(f"system {resource_id.rstrip('/')}")
        self.announce(principal)
        return principal

    def announce(self, principal_id: str) -> None:
        """Tell the directory of a new principal; the first call counts."""
        if self._azure.find_service("authorization") is not None:
            self._azure.service("authorization", Roles).register_principal(principal_id)

    def by_id(self, resource_id: str) -> ManagedIdentity | None:
        """The user-assigned identity of this resource id, or None."""
        found = self._azure.resources.get(resource_id)
        if found is None or found.id.type.lower() != IDENTITY_TYPE.lower():
            return None
        properties = found.body["properties"]
        return ManagedIdentity(properties["clientId"], properties["principalId"], found.id.text)

    def token_for(
        self,
        assigned_ids: Iterable[str],
        system_principal_id: str | None,
        client_id: str | None,
    ) -> str:
        """The principal that a machine's token request gets.

        Args:
            assigned_ids: resource ids of the machine's user-assigned identities; ids that do not exist count for none.
            system_principal_id: the machine's own identity, or None.
            client_id: what the request names, or None.

        Raises:
            AzureFailure: 400 `invalid_request`: unknown, several and none named, or none at all.
        """
        assigned = [found for one in assigned_ids if (found := self.by_id(one)) is not None]
        if client_id:
            for one in assigned:
                if one.client_id.lower() == client_id.lower():
                    return one.principal_id
            raise AzureFailure(400, "invalid_request", "Identity not found")
        if system_principal_id:
            return system_principal_id
        if len(assigned) == 1:
            return assigned[0].principal_id
        if assigned:
            raise AzureFailure(
                400,
                "invalid_request",
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in "
                "the token request",
            )
        raise AzureFailure(400, "invalid_request", "Identity not found")
