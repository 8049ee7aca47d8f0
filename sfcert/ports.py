"""Where does the house touch the outside? Protocols that the adapters of floor 5 fulfil and tests fake. Floor 0.

Synchronous on purpose: the command line waits, and a durable engine runs steps on threads. Every method may raise
`RemoteError`; none sleeps or polls by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Json = dict[str, Any]


class Clock(Protocol):
    """Time as an argument. Against the embedded Azure `sleep` moves its virtual time instead of waiting."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Arm(Protocol):
    """Azure Resource Manager: raw, lossless reads; deployments; the few operations that are not deployments."""

    def fetch(self, resource_id: str, api_version: str, *, query: Mapping[str, str] | None = None) -> Json:
        """One resource's body as it came. `RemoteError.status` 404 where there is none."""
        ...

    def fetch_all(self, path: str, api_version: str, *, query: Mapping[str, str] | None = None) -> list[Json]:
        """Every item of a list, all pages; `path` is everything after the host."""
        ...

    def start_deployment(self, scope: str, name: str, template: Json, parameters: Json) -> None:
        """Send one incremental deployment and return once it is accepted. Sending the same name again replaces it."""
        ...

    def fetch_deployment(self, scope: str, name: str) -> Json | None:
        """The deployment's body, or None where no such name was ever accepted at this scope."""
        ...

    def fetch_deployments(self, scope: str) -> list[Json]: ...

    def fetch_deployment_operations(self, scope: str, name: str) -> list[Json]: ...

    def start_instance_upgrade(self, scale_set_id: str, instance_ids: Sequence[str], api_version: str) -> None:
        """`manualupgrade` of these instances; returns once it is accepted."""
        ...

    def retry_after_s(self) -> float | None:
        """What the service last asked callers to wait, in seconds; None where it said nothing."""
        ...


class Vaults(Protocol):
    """The Key Vault data plane. `vault_url` has no trailing slash. Private keys are never read."""

    def fetch_names(self, vault_url: str) -> list[str]: ...

    def fetch_certificate(self, vault_url: str, name: str) -> Json:
        """`{"policy", "pending", "versions", "tags"}` in the bundle's form (`RawCertificate`), raw and lossless."""
        ...

    def put_policy(self, vault_url: str, name: str, policy: Json) -> None:
        """PATCH the certificate's policy with these keys; others stay. Not sent again where its answer was lost."""
        ...

    def put_tags(self, vault_url: str, name: str, version: str, tags: dict[str, str]) -> None:
        """Replace the tags of one version (the vault knows no merge). Not sent again where its answer was lost."""
        ...


class Nodes(Protocol):
    """Service Fabric's own endpoint and the nodes behind it."""

    def fetch_runtime(self) -> Json:
        """The bundle's `runtime` object (`RawRuntime`): nodes, cluster health, node health, upgrade progress, manifest.
        What could not be read is None; `RemoteError` only where nothing could be."""
        ...

    def fetch_presented(self, host: str, port: int) -> list[bytes]:
        """The DER chain that a TLS handshake with this node serves, leaf first, judged by nobody here."""
        ...


class Endpoints(Protocol):
    """Any TLS server, such as an ingress or a cluster's gateway."""

    def fetch_served(self, host: str, port: int, server_name: str | None) -> list[bytes]:
        """The DER chain of one handshake, leaf first, judged by nobody here. `server_name` is sent as SNI; None: the
        host, where it is a name."""
        ...


class Issuers(Protocol):
    """Where an issuer's certificate can be had when no vault tells it. Nothing it returns is believed unverified."""

    def fetch_by_aia(self, url: str) -> bytes:
        """The bytes behind a caIssuers address, http only, bounded in size and time."""
        ...

    def fetch_pfx_chain(self, vault_url: str, name: str, version: str) -> list[bytes]:
        """The DER chain inside the certificate's secret, leaf left out; the private key is dropped at once."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All that a run touches. `nodes` is None where no credential for the nodes' own endpoint was given.

    `reads_at_once`: how many reads may be under way together; 1 makes their order the same each time.
    """

    arm: Arm
    vaults: Vaults
    nodes: Nodes | None
    clock: Clock
    issuers: Issuers | None = None
    reads_at_once: int = 8
