"""What do the nodes ask of other services? The agreed faces of vaults, identities, access and the certificate maker.

Structural types: whatever service stands under the agreed name is taken, a small fake in a test as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from cryptography import x509


class StoredVersion(Protocol):
    """One version of a vault secret that carries a certificate with its key."""

    @property
    def version(self) -> str: ...
    @property
    def leaf(self) -> x509.Certificate: ...
    @property
    def chain(self) -> Sequence[x509.Certificate]: ...
    @property
    def key(self) -> Any: ...
    @property
    def thumbprint(self) -> str: ...
    @property
    def provider_hint(self) -> str: ...


@runtime_checkable
class VaultSource(Protocol):
    """Service "vaults": secrets as the data plane gives them, refused by `AzureFailure` as the data plane would."""

    def secret(
        self,
        vault_url: str,
        name: str,
        version: str | None = None,
        *,
        principal_id: str,
        trusted_service: bool = False,
        subnet_id: str | None = None,
    ) -> Any: ...

    def newest_two(self, vault_url: str, name: str, *, principal_id: str, subnet_id: str | None = None) -> Any: ...

    def on_new_version(self, callback: Callable[..., None]) -> Any: ...


@runtime_checkable
class IdentitySource(Protocol):
    """Service "identities": managed identities by id, and the token rule of the instance metadata service."""

    def by_id(self, resource_id: str) -> Any: ...

    def system_principal(self, resource_id: str) -> str: ...

    def token_for(self, assigned_ids: Any, system_principal_id: Any, client_id: Any) -> str: ...


@runtime_checkable
class AccessJudge(Protocol):
    """Service "authorization": may this principal do that there."""

    def may(self, principal_id: str, action: str, scope_id: str, *, data_action: bool = False) -> bool: ...


@runtime_checkable
class CertificateMaker(Protocol):
    """Service "authority": certificate authorities of the simulated world."""

    def create(self, name: str, *, not_before: datetime, not_after: datetime, parent: str | None = None) -> Any: ...

    def get(self, name: str) -> Any: ...
