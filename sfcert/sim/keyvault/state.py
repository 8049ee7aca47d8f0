"""What is in a vault? Certificates with versions and a pending operation, plain secrets, issuers, contacts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sfcert.sim.authority.keys import PrivateKey
from sfcert.sim.kernel.clock import Event

PFX = "application/x-pkcs12"
PEM = "application/x-pem-file"


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One certificate version, which is also a version of the key and of the secret of the same name.

    `chain` is what was merged or imported beside the leaf: direct issuer first, possibly empty. `provider_hint` says
    with which kind of Windows key provider an importer would keep the key.
    """

    version: str
    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey
    created: datetime
    enabled: bool
    provider_hint: Literal["CAPI", "CNG"]
    updated: datetime
    exportable: bool = True
    content_type: str = PFX
    tags: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def thumbprint(self) -> str:
        """SHA-1 of the leaf, upper-case hex."""
        return self.leaf.fingerprint(hashes.SHA1()).hex().upper()


@dataclass(slots=True)
class Pending:
    """One certificate operation. `due` is when an issuer answers, None when somebody must merge."""

    request_id: str
    key: PrivateKey
    csr: bytes
    issuer: str
    policy: dict[str, Any]
    enabled: bool
    tags: dict[str, str]
    due: datetime | None
    status: str = "inProgress"
    status_details: str = ""
    cancellation_requested: bool = False
    error: dict[str, str] | None = None
    event: Event | None = None


@dataclass(slots=True)
class Deleted:
    """When it was deleted and when it goes for good."""

    at: datetime
    purge_at: datetime
    event: Event


@dataclass(slots=True)
class CertificateObject:
    """A certificate by name. `versions` are in order of creation; the last one is what a versionless read means."""

    name: str
    policy: dict[str, Any]
    policy_created: datetime
    policy_updated: datetime
    versions: list[StoredVersion] = field(default_factory=list)
    pending: Pending | None = None
    deleted: Deleted | None = None
    timers: list[Event] = field(default_factory=list)
    mailed: set[str] = field(default_factory=set)

    @property
    def latest(self) -> StoredVersion | None:
        return self.versions[-1] if self.versions else None


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version of a secret that no certificate manages. The value is never shown by repr."""

    version: str
    value: str = field(repr=False)
    content_type: str | None
    enabled: bool
    created: datetime
    updated: datetime
    not_before: int | None
    expires: int | None
    tags: dict[str, str]


@dataclass(slots=True)
class SecretObject:
    name: str
    versions: list[SecretVersion] = field(default_factory=list)
    deleted: Deleted | None = None


@dataclass(slots=True)
class VaultContent:
    """The data plane of one vault. Names are kept as first written and found without regard to case."""

    vault: str
    certificates: dict[str, CertificateObject] = field(default_factory=dict)
    secrets: dict[str, SecretObject] = field(default_factory=dict)
    issuers: dict[str, dict[str, Any]] = field(default_factory=dict)
    # issuer name in lower case -> name of the authority that signs for it
    bindings: dict[str, str] = field(default_factory=dict)
    contacts: list[dict[str, Any]] | None = None

    def certificate(self, name: str) -> CertificateObject | None:
        """The certificate of this name unless it is deleted."""
        found = self.certificates.get(name.lower())
        return None if found is None or found.deleted else found

    def secret(self, name: str) -> SecretObject | None:
        found = self.secrets.get(name.lower())
        return None if found is None or found.deleted else found
