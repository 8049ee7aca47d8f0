"""Which adapters serve this run? Credentials, clock, Azure, vaults and nodes, built from options and the environment.

The only place that reads the environment. Effects of building: none; the first call asks for a token.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfcert.cli.source import Source
from sfcert.errors import InputError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from sfcert.azure.retries import Retries
    from sfcert.azure.vault_requests import VaultRequests
    from sfcert.model.bundle import Bundle
    from sfcert.model.observation import Declaration
    from sfcert.ports import Arm, Clock, Issuers, Nodes, Ports, Vaults
    from sfcert.sources.live import CaptureOptions


#: So many passing failures are nobody's business; after them a person wonders what takes so long.
_QUIET_RETRIES = 3


@dataclass(frozen=True, slots=True)
class Connection:
    """Adapters that share one credential, one clock, one retry table, and one way to each vault."""

    credential: TokenCredential
    retries: Retries
    clock: Clock
    arm: Arm
    vault_requests: VaultRequests
    vaults: Vaults
    issuers: Issuers

    def ports(self, nodes: Nodes | None) -> Ports:
        from sfcert.ports import Ports

        return Ports(self.arm, self.vaults, nodes, self.clock, self.issuers)


def clock_of_environment() -> Clock:
    """Wall time, or the embedded Azure's virtual time where `SFCERT_SIM` names its control address."""
    from sfcert.azure.clock import SimulatedClock, WallClock

    control = os.environ.get("SFCERT_SIM")
    return SimulatedClock(control) if control else WallClock()


def _told_when_it_lasts() -> Callable[[str], None]:
    """Logs each passing failure; from the fourth on it is a warning, which standard error shows without -v as well."""
    log, told = logging.getLogger("sfcert.retry"), 0

    def tell(what: str) -> None:
        nonlocal told
        told += 1
        log.log(logging.WARNING if told > _QUIET_RETRIES else logging.INFO, what)

    return tell


def connect(
    source: Source | None = None, on_retry: Callable[[str], None] | None = None, *, may_read_secret: bool = False
) -> Connection:
    """The adapters for the cloud that the environment names.

    An explicit service principal (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET) is used as it is; otherwise
    azure-identity's chain decides.

    Args:
        may_read_secret: --read-secret was said where no source says it.
        on_retry: told of each passing failure in one line; None: it is logged, and shown where it lasts.
    """
    from sfcert.azure.arm import AzureArm
    from sfcert.azure.credentials import default_credential, service_principal
    from sfcert.azure.issuers import RemoteIssuers
    from sfcert.azure.retries import Retries
    from sfcert.azure.vault_requests import VaultRequests
    from sfcert.azure.vaults import AzureVaults

    if not logging.getLogger().handlers:
        # the SDKs' own warnings would double what our one sentence says; with -v they are shown
        logging.getLogger("azure").addHandler(logging.NullHandler())
        logging.getLogger("azure").propagate = False
        # many certificates at once want more connections than are kept: that costs a handshake and needs no word
        logging.getLogger("urllib3.connectionpool").addHandler(logging.NullHandler())
        logging.getLogger("urllib3.connectionpool").propagate = False
    tenant, client, secret = (os.environ.get(f"AZURE_{name}") for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    credential = service_principal(tenant, client, secret) if tenant and client and secret else default_credential()
    clock = clock_of_environment()
    retries = Retries(clock, on_retry=on_retry or _told_when_it_lasts())
    vault_requests = VaultRequests(credential, retries)
    may_read = may_read_secret or (source is not None and source.read_secret)
    return Connection(
        credential=credential,
        retries=retries,
        clock=clock,
        arm=AzureArm(credential, retries),
        vault_requests=vault_requests,
        vaults=AzureVaults(vault_requests),
        issuers=RemoteIssuers(retries, credential=credential if may_read else None),
    )


def nodes_of(
    source: Source, connection: Connection, cluster_id: str, declared_later: Iterable[Declaration] = ()
) -> Nodes:
    """The nodes' own endpoint, trusted by what the cluster declares now and by what it will declare later.

    Without a client certificate or `--sf-aad` only handshakes are done.

    Raises:
        RemoteError, InputError: the cluster cannot be read, or the PEM file cannot.
    """
    from sfcert import dated
    from sfcert.azure.node_trust import trust_of
    from sfcert.azure.nodes import ServiceFabricNodes
    from sfcert.azure.sign_in import fetch_token
    from sfcert.azure.tunnel import route_from
    from sfcert.sources.body import Body
    from sfcert.sources.live_cluster import checked_cluster_id
    from sfcert.sources.read_declaration import read_cluster_role

    checked = checked_cluster_id(cluster_id)
    body = Body(connection.arm.fetch(checked, dated.api_version("Microsoft.ServiceFabric/clusters")), symbolic=False)
    properties = body.at("properties")
    declared = read_cluster_role(properties, "certificate", "certificateCommonNames")
    token = None
    if source.sf_aad:
        application = properties.text("azureActiveDirectory", "clusterApplication")
        if not application:
            raise InputError("Misuse", "--sf-aad: the cluster declares no Entra application.")

        def token() -> str:
            return fetch_token(connection.credential, application, "Service Fabric", now=connection.clock.now())

    return ServiceFabricNodes(
        source.sf_endpoint or properties.text("managementEndpoint"),
        trust_of([declared, *declared_later]),
        connection.retries,
        route_from(os.environ),
        client_certificate=_pem(source.sf_client_certificate),
        token=token,
    )


def _pem(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError("FileUnreadable", f"{path} cannot be read: {error.strerror or error}.") from error
    if b"PRIVATE KEY-----" not in text or b"-----BEGIN CERTIFICATE-----" not in text:
        raise InputError("NotX509", f"{path} must hold a certificate and its private key in PEM form.")
    return str(path)


def capture_now(source: Source, connection: Connection, wanted: CaptureOptions | None = None) -> Bundle:
    """Read the live cluster that `source` names.

    Args:
        wanted: what else to read, beside what the cluster itself refers to.

    Raises:
        InputError: ClusterNotFound, ManagedCluster, Misuse. RemoteError: the cluster itself cannot be read.
    """
    import msgspec

    from sfcert.sources.live import CaptureOptions, capture

    assert source.cluster is not None
    log = logging.getLogger("sfcert.capture")
    return capture(
        source.cluster,
        connection.arm,
        connection.vaults,
        _nodes_if_reachable(source, connection),
        now=source.now or connection.clock.now(),
        options=msgspec.structs.replace(wanted or CaptureOptions(), may_read_secret=source.read_secret),
        issuers=connection.issuers,
        progress=log.info,
    )


def _nodes_if_reachable(source: Source, connection: Connection) -> Nodes | None:
    """The nodes, or None where the cluster cannot be read: the capture itself then says why."""
    from sfcert.errors import RemoteError

    assert source.cluster is not None
    try:
        return nodes_of(source, connection, source.cluster)
    except RemoteError:
        return None
