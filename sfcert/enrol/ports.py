"""What does enrolment need of a vault and of its own memory? Protocols for the adapters. Floor 3.

They stand beside `sfcert.ports` because nothing else uses them. Every method may raise `RemoteError`; none waits.
"""

from __future__ import annotations

from typing import Any, Protocol

from sfcert.model.enrolment import Record

Json = dict[str, Any]


class EnrolmentVault(Protocol):
    """The part of the data plane that enrolment uses. `vault_url` has no trailing slash. Bodies are raw."""

    def fetch_names(self, vault_url: str) -> list[str]: ...

    def fetch_certificate(self, vault_url: str, name: str) -> Json | None:
        """`{"policy", "pending", "versions", "tags"}`; None where neither a version nor an operation has that name.

        `policy` is None where it could not be read, `pending` where no operation stands. `versions` newest first, raw.
        """
        ...

    def fetch_deleted(self, vault_url: str, name: str) -> bool:
        """Whether a certificate of that name lies soft-deleted."""
        ...

    def fetch_pending(self, vault_url: str, name: str) -> Json | None: ...

    def start_create(self, vault_url: str, name: str, policy: Json, tags: dict[str, str]) -> Json:
        """Create by policy; the pending operation. 409 while another operation is in progress."""
        ...

    def put_policy(self, vault_url: str, name: str, policy: Json) -> None: ...

    def put_tags(self, vault_url: str, name: str, version: str, tags: dict[str, str]) -> None: ...

    def put_merge(self, vault_url: str, name: str, chain_der: tuple[bytes, ...], tags: dict[str, str]) -> Json:
        """Bring a signed chain back, leaf first; the new version's bundle."""
        ...

    def put_cancel(self, vault_url: str, name: str) -> None:
        """Ask for the end of the operation in progress. No effect where none is."""
        ...

    def put_pending_gone(self, vault_url: str, name: str) -> None:
        """Delete the pending operation, whatever its status. No effect where none is."""
        ...

    def fetch_issuer(self, vault_url: str, issuer: str) -> Json | None: ...

    def put_issuer(self, vault_url: str, issuer: str, body: Json) -> None: ...

    def put_import(self, vault_url: str, name: str, value: str, policy: Json, tags: dict[str, str]) -> Json:
        """Bring in a certificate with its key: PFX as base64 or PEM, as the policy's content type says."""
        ...

    def fetch_account_key(self, vault_url: str, secret: str) -> str | None:
        """An ACME account's key, a JWK as JSON text, in memory only; None where there is no such secret."""
        ...

    def put_account_key(self, vault_url: str, secret: str, jwk: str) -> None: ...


class Memory(Protocol):
    """What is remembered of one certificate's enrolment between two runs."""

    def load(self) -> Record | None: ...

    def save(self, record: Record) -> None:
        """Kept before it returns: a crash right after finds it."""
        ...
