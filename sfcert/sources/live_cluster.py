"""Which resources make up this cluster, live? Cluster, scale sets, instances, identities, and what nodes show. Floor 2.

A scale set belongs to the cluster when its node extension's `clusterEndpoint` carries the cluster's id; it may lie in
any resource group of the subscription.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sfcert import dated
from sfcert.errors import InputError, RemoteError
from sfcert.model.bundle import Query, RawResource, RawRuntime
from sfcert.model.ids import parse_resource_id
from sfcert.model.observation import ScaleSet
from sfcert.ports import Arm, Nodes
from sfcert.sources.body import Body
from sfcert.sources.read_scale_set import is_node_extension, read_scale_set
from sfcert.sources.reading import Reading, reason_of, subscription_of

_CLUSTER = "microsoft.servicefabric/clusters"
_MANAGED = "microsoft.servicefabric/managedclusters"
_SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
#: The gateway's port where a node type does not say its own.
GATEWAY_PORT = 19080


def checked_cluster_id(cluster_id: str) -> str:
    """The id of a cluster that this tool is for, without a trailing slash.

    Raises:
        InputError: Misuse (no cluster's id), ManagedCluster.
    """
    try:
        kind = parse_resource_id(cluster_id).type.lower()
    except ValueError as error:
        raise InputError(
            "Misuse",
            f"This is no cluster's resource id: {cluster_id!r}. Give it whole: "
            "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ServiceFabric/clusters/NAME.",
        ) from error
    if kind == _MANAGED:
        raise InputError(
            "ManagedCluster",
            f"{cluster_id} is a managed cluster, another product: the vendor rotates its certificates. Nothing to do.",
        )
    if kind != _CLUSTER:
        raise InputError("Misuse", f"This is the id of a {kind}, not of a Service Fabric cluster: {cluster_id}.")
    return cluster_id.rstrip("/")


def fetch_cluster(cluster_id: str, arm: Arm, reading: Reading) -> RawResource:
    """The cluster itself, redacted.

    Raises:
        InputError: Misuse, ManagedCluster, ClusterNotFound.
        RemoteError: it cannot be read for another reason; without it there is nothing to capture.
    """
    known = checked_cluster_id(cluster_id)
    version = dated.api_version("Microsoft.ServiceFabric/clusters")
    reading.say(known)
    try:
        body = arm.fetch(known, version)
    except RemoteError as error:
        if error.status == 404:
            raise InputError(
                "ClusterNotFound",
                f"There is no cluster {known}, or this identity cannot see it. Check the id, the subscription and the"
                " tenant that you are signed in to.",
            ) from error
        raise
    return RawResource(api_version=version, body=reading.redacted(body))


def _guid_of(cluster: RawResource) -> str | None:
    body = Body(cluster.body, symbolic=False)
    found = (
        body.text("properties", "clusterId") or (body.text("properties", "clusterEndpoint") or "").rsplit("/", 1)[-1]
    )
    return found.lower() or None


def _carries(scale_set: dict[str, Any], guid: str) -> bool:
    extensions = Body(scale_set, symbolic=False).items(
        "properties", "virtualMachineProfile", "extensionProfile", "extensions"
    )
    return any(
        guid in (one.text("properties", "settings", "clusterEndpoint") or "").lower()
        for one in extensions
        if is_node_extension(one)
    )


def fetch_scale_sets(cluster_id: str, cluster: RawResource, reading: Reading) -> tuple[dict[str, RawResource], Query]:
    """The cluster's scale sets, each read by itself (a list may leave out what a GET shows), and the list call made."""
    subscription, version = subscription_of(cluster_id), dated.api_version(_SCALE_SETS)
    path = f"{subscription}/providers/{_SCALE_SETS}"
    reading.say(path)
    listed = reading.attempt(f"scale sets of {subscription}", lambda: reading.arm.fetch_all(path, version)) or []
    guid = _guid_of(cluster)
    if guid is None:
        reading.refuse(f"scale sets of {subscription}", "the cluster does not tell its id, so none can be matched")
    ids = sorted(str(one.get("id")) for one in listed if guid is not None and _carries(one, guid))
    return reread_resources(ids, reading), Query(what=f"scale sets of {subscription}", found=len(ids))


def reread_resources(ids: Iterable[str], reading: Reading) -> dict[str, RawResource]:
    """These resources by GET, each with the dated api-version of its type; the unreadable ones are recorded."""
    ordered = sorted(ids, key=str.lower)

    def read(resource_id: str) -> RawResource | None:
        return reading.resource(resource_id, dated.api_version(parse_resource_id(resource_id).type))

    found = zip(ordered, reading.each(ordered, read), strict=True)
    return {resource_id: raw for resource_id, raw in found if raw is not None}


def fetch_instances(ids: Iterable[str], reading: Reading) -> dict[str, list[dict[str, Any]]]:
    """Scale set id -> its machines with expanded instance views; a set that cannot be listed is recorded, not empty."""
    version = dated.api_version(_SCALE_SETS)
    ordered = sorted(ids, key=str.lower)

    def read(scale_set_id: str) -> list[dict[str, Any]] | None:
        path = f"{scale_set_id}/virtualMachines"
        reading.say(path)
        found = reading.attempt(
            f"vm_instances/{scale_set_id}",
            lambda: reading.arm.fetch_all(path, version, query={"$expand": "instanceView"}),
        )
        return None if found is None else [reading.redacted(one) for one in sorted(found, key=_instance_order)]

    found = zip(ordered, reading.each(ordered, read), strict=True)
    return {scale_set_id: machines for scale_set_id, machines in found if machines is not None}


def _instance_order(machine: dict[str, Any]) -> tuple[int, str]:
    number = str(machine.get("instanceId") or "")
    return (int(number) if number.isdigit() else 0, number)


def scale_sets_as_facts(resources: dict[str, RawResource]) -> tuple[ScaleSet, ...]:
    """The scale sets among some raw resources, read as facts (their instances left out)."""
    found = (
        read_scale_set(key, raw, None, None, is_authored=False)
        for key, raw in resources.items()
        if parse_resource_id(key).type.lower() == _SCALE_SETS.lower()
    )
    return tuple(one for one in found if one is not None)


def identity_ids(scale_sets: Iterable[ScaleSet], more: Iterable[str]) -> tuple[str, ...]:
    """Every user-assigned identity that a scale set carries, and those asked for, once each (case aside)."""
    found: dict[str, str] = {}
    for scale_set in scale_sets:
        for one in scale_set.user_identities:
            found.setdefault(one.id.lower(), one.id)
    for resource_id in more:
        found.setdefault(resource_id.lower(), resource_id)
    return tuple(found[key] for key in sorted(found))


def fetch_identities(ids: Iterable[str], reading: Reading) -> tuple[dict[str, RawResource], tuple[Query, ...]]:
    """Identities by GET. One that does not exist is a query that found nothing, not something unread."""
    version = dated.api_version(_IDENTITIES)
    ordered = sorted(ids, key=str.lower)

    def read(identity_id: str) -> tuple[str, RawResource | None, Query]:
        reading.say(identity_id)
        what = f"identity {identity_id}"
        try:
            body = reading.arm.fetch(identity_id, version)
        except RemoteError as error:
            if error.status != 404:
                reading.refuse(identity_id, reason_of(error))
            return identity_id, None, Query(what=what, found=0)
        return identity_id, RawResource(api_version=version, body=reading.redacted(body)), Query(what=what, found=1)

    found = reading.each(ordered, read)
    return {key: raw for key, raw, _ in found if raw is not None}, tuple(query for _, _, query in found)


def fetch_runtime(nodes: Nodes, reading: Reading) -> RawRuntime:
    """Service Fabric's own answers; what it does not show stays None. `presented` is filled by `fetch_presented`."""
    reading.say("runtime")
    found = reading.attempt("runtime", nodes.fetch_runtime)
    return RawRuntime() if found is None else msgspec.convert(found, RawRuntime)


def fetch_presented(
    nodes: Nodes, cluster: RawResource, runtime: RawRuntime, reading: Reading
) -> dict[str, list[str]] | None:
    """What TLS handshakes show: the management endpoint, then every listed node on its node type's gateway port.

    Returns:
        "host:port" -> base64 DER, leaf first, sorted by target; None where no handshake succeeded.
    """
    targets: dict[tuple[str, int], None] = {}
    body = Body(cluster.body, symbolic=False)
    endpoint = urlsplit(body.text("properties", "managementEndpoint") or "")
    if endpoint.hostname and endpoint.scheme == "https":
        targets[(endpoint.hostname, endpoint.port or GATEWAY_PORT)] = None
    ports = {
        (one.text("name") or "").lower(): one.number("httpGatewayEndpointPort") or GATEWAY_PORT
        for one in body.items("properties", "nodeTypes")
    }
    for node in runtime.nodes or ():
        address = Body(node, symbolic=False).text("IpAddressOrFQDN")
        if address:
            kind = (Body(node, symbolic=False).text("Type") or "").lower()
            targets[(address, ports.get(kind, GATEWAY_PORT))] = None

    def shake(target: tuple[str, int]) -> list[bytes] | None:
        host, port = target
        reading.say(f"tls/{host}:{port}")
        return reading.attempt(f"tls/{host}:{port}", lambda: nodes.fetch_presented(host, port))

    ordered = sorted(targets)
    found = {f"{host}:{port}": chain for (host, port), chain in zip(ordered, reading.each(ordered, shake), strict=True)}
    shown = {target: [base64.b64encode(one).decode() for one in chain] for target, chain in found.items() if chain}
    return shown or None
