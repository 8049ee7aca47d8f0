"""What does a live cluster look like now? Everything that is needed, read once into a `Bundle`. Floor 2.

Through the ports only; waits for nothing and judges nothing. What cannot be read stands in `unread` with its reason.
`refresh` reads parts of an earlier capture again, which is all that a gate needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from sfcert.model.bundle import NODES_NOT_ASKED, Bundle, Query, RawResource, RawRuntime, RawVault, Unread
from sfcert.model.certificate import Certificate
from sfcert.model.ids import parse_resource_id
from sfcert.ports import Arm, Issuers, Nodes, Vaults
from sfcert.sources import live_cluster, live_vaults
from sfcert.sources.chains import ChainFinder, with_chains
from sfcert.sources.reading import WORKERS, Reading


class Part(StrEnum):
    """What can be read by itself. The order is that of dependence: a later part may need an earlier one."""

    CLUSTER = "cluster"
    SCALE_SETS = "scale-sets"
    INSTANCES = "instances"
    IDENTITIES = "identities"
    VAULT_RESOURCES = "vault-resources"
    ROLES = "roles"
    CERTIFICATES = "certificates"
    RUNTIME = "runtime"
    TLS = "tls"


class CaptureOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator adds. `certificate_urls`: vault certificates that nothing observes yet. `identity_ids`:
    identities that no scale set carries yet. `given`: known issuers. `may_read_secret`: a PFX may be opened in memory
    to learn the issuer. `reads_at_once`: as in `Ports`."""

    certificate_urls: tuple[str, ...] = ()
    identity_ids: tuple[str, ...] = ()
    given: tuple[Certificate, ...] = ()
    may_read_secret: bool = False
    reads_at_once: int = WORKERS


_TYPES = {
    "microsoft.compute/virtualmachinescalesets": Part.SCALE_SETS,
    "microsoft.managedidentity/userassignedidentities": Part.IDENTITIES,
    "microsoft.keyvault/vaults": Part.VAULT_RESOURCES,
    "microsoft.authorization/roleassignments": Part.ROLES,
    "microsoft.servicefabric/clusters": Part.CLUSTER,
}
_PREFIXES = {
    "scale sets of ": Part.SCALE_SETS,
    "vm_instances/": Part.INSTANCES,
    "identity ": Part.IDENTITIES,
    "vault resources/": Part.VAULT_RESOURCES,
    "vaults of ": Part.VAULT_RESOURCES,
    "roleassignments at ": Part.ROLES,
    "vaults/": Part.CERTIFICATES,
    "chains/": Part.CERTIFICATES,
    "runtime": Part.RUNTIME,
    "tls/": Part.TLS,
}


def part_of(what: str) -> Part | None:
    """The part to which the name of something read or unread belongs; None where it is not one of ours."""
    lowered = what.lower()
    found = next((part for prefix, part in _PREFIXES.items() if lowered.startswith(prefix)), None)
    if found is not None:
        return found
    try:
        return _TYPES.get(parse_resource_id(what).type.lower())
    except ValueError:
        return None


def capture(
    cluster_id: str,
    arm: Arm,
    vaults: Vaults,
    nodes: Nodes | None,
    *,
    now: datetime,
    options: CaptureOptions | None = None,
    issuers: Issuers | None = None,
    progress: Callable[[str], None] | None = None,
) -> Bundle:
    """The whole world of one cluster.

    Args:
        cluster_id: the cluster's resource id, in any case.
        nodes: None: the nodes' own endpoint is not asked; evidence ends at ARM.
        now: aware UTC; becomes `captured_at_utc`, cut to whole seconds.
        progress: told what is being read, from several threads.

    Returns:
        Lists and keys in a fixed order: two captures of an unchanged world differ in nothing but the instant.

    Raises:
        InputError: Misuse, ManagedCluster, ClusterNotFound.
        RemoteError: the cluster itself cannot be read.

    Effects: reads only.
    """
    empty = Bundle(cluster_id=cluster_id, captured_at_utc=now, source="live")
    return refresh(
        empty, arm, vaults, nodes, parts=tuple(Part), now=now, options=options, issuers=issuers, progress=progress
    )


def refresh(
    bundle: Bundle,
    arm: Arm,
    vaults: Vaults,
    nodes: Nodes | None,
    *,
    parts: Iterable[Part],
    now: datetime,
    subjects: frozenset[str] | None = None,
    options: CaptureOptions | None = None,
    issuers: Issuers | None = None,
    progress: Callable[[str], None] | None = None,
) -> Bundle:
    """An earlier capture with some parts read again; the other parts, and what was unread in them, stay as they were.

    Args:
        parts: in any order; the others as `capture` has them.
        subjects: resource ids and vault certificate URLs. Given, only these scale sets and certificates are read again
            (and no list is asked for); None: all of them.

    Raises: as `capture`. Effects: reads only.
    """
    wanted, options = frozenset(parts), options or CaptureOptions()
    named = None if subjects is None else frozenset(one.lower().rstrip("/") for one in subjects)
    reading = Reading(arm, bundle.cluster_id.rstrip("/"), progress, workers=options.reads_at_once)

    def stays(what: str) -> bool:
        part = part_of(what)
        if part in (Part.SCALE_SETS, Part.INSTANCES, Part.CERTIFICATES) and part in wanted and named is not None:
            return not any(one in what.lower() for one in named)
        return part not in wanted

    kept = {key: raw for key, raw in bundle.resources.items() if stays(key)}
    queries = [one for one in bundle.queries if stays(one.what)]
    unread = [one for one in bundle.unread if stays(one.what)]
    resources: dict[str, RawResource] = dict(kept)
    cluster_id = bundle.cluster_id

    def add(found: dict[str, RawResource], asked: Iterable[Query]) -> None:
        resources.update(found)
        queries.extend(asked)

    if Part.CLUSTER in wanted:
        raw = live_cluster.fetch_cluster(cluster_id, arm, reading)
        cluster_id = str(raw.body.get("id") or cluster_id).rstrip("/")
        resources[cluster_id] = raw
    cluster = next(raw for key, raw in resources.items() if part_of(key) is Part.CLUSTER)
    if Part.SCALE_SETS in wanted and named is None:
        found, query = live_cluster.fetch_scale_sets(cluster_id, cluster, reading)
        add(found, (query,))
    elif Part.SCALE_SETS in wanted:
        again = [key for key in bundle.resources if part_of(key) is Part.SCALE_SETS and not stays(key)]
        add(live_cluster.reread_resources(again, reading), ())
    instances = bundle.vm_instances
    if Part.INSTANCES in wanted:
        ids = [key for key in resources if part_of(key) is Part.SCALE_SETS and (named is None or key.lower() in named)]
        others = {} if named is None else {k: v for k, v in (instances or {}).items() if k.lower() not in named}
        instances = {**others, **live_cluster.fetch_instances(ids, reading)}
    facts = live_cluster.scale_sets_as_facts(resources)
    if Part.IDENTITIES in wanted:
        add(*live_cluster.fetch_identities(live_cluster.identity_ids(facts, options.identity_ids), reading))
    references = live_vaults.references(facts, options.certificate_urls)
    if Part.VAULT_RESOURCES in wanted:
        urls = [one.vault_url for one in references]
        add(*live_vaults.fetch_vault_resources(cluster_id, urls, facts, reading))
    if Part.ROLES in wanted:
        vault_ids = [key for key in resources if part_of(key) is Part.VAULT_RESOURCES]
        add(*live_vaults.fetch_role_assignments(vault_ids, reading))
    runtime = _runtime(bundle, cluster, nodes, wanted, reading)
    contents = bundle.vaults
    if Part.CERTIFICATES in wanted:
        asked = [one for one in references if named is None or one.certificate_url.lower() in named]
        fresh = live_vaults.fetch_certificates(asked, vaults, reading)
        finder = ChainFinder(options.given, runtime.presented, issuers, may_read_secret=options.may_read_secret)
        contents = with_chains(_with_known_chains(fresh, bundle.vaults), finder, reading)
        if named is not None:
            contents = _joined(bundle.vaults, contents, {one.certificate_url.lower() for one in asked})
    return Bundle(
        cluster_id=cluster_id,
        captured_at_utc=now.replace(microsecond=0),
        source="live",
        resources={key: resources[key] for key in sorted(resources, key=str.lower)},
        queries=tuple(sorted(queries, key=lambda one: one.what)),
        vm_instances=instances,
        vaults=contents,
        node_stores=bundle.node_stores,
        runtime=runtime,
        unread=_merged(unread, reading.unread),
    )


def _runtime(
    bundle: Bundle, cluster: RawResource, nodes: Nodes | None, wanted: frozenset[Part], reading: Reading
) -> RawRuntime:
    runtime = bundle.runtime
    if nodes is None:
        if Part.RUNTIME in wanted:
            reading.refuse("runtime", NODES_NOT_ASKED)
        return runtime
    if Part.RUNTIME in wanted:
        found = live_cluster.fetch_runtime(nodes, reading)
        runtime = msgspec.structs.replace(found, presented=runtime.presented)
    if Part.TLS in wanted:
        presented = live_cluster.fetch_presented(nodes, cluster, runtime, reading)
        runtime = msgspec.structs.replace(runtime, presented=presented)
    return runtime


def _with_known_chains(fresh: dict[str, RawVault], before: dict[str, RawVault]) -> dict[str, RawVault]:
    """Fresh versions with the chains that an earlier capture found for the same bytes: a verified issuer stays one."""
    known = {
        version.id: version
        for vault in before.values()
        for certificate in vault.certificates.values()
        for version in certificate.versions
        if version.chain
    }
    return {
        url: RawVault(
            certificates={
                name: msgspec.structs.replace(
                    certificate,
                    versions=tuple(
                        msgspec.structs.replace(one, chain=old.chain, chain_source=old.chain_source)
                        if (old := known.get(one.id)) is not None and old.cer == one.cer
                        else one
                        for one in certificate.versions
                    ),
                )
                for name, certificate in vault.certificates.items()
            }
        )
        for url, vault in fresh.items()
    }


def _joined(before: dict[str, RawVault], fresh: dict[str, RawVault], asked: set[str]) -> dict[str, RawVault]:
    """Earlier vaults with the certificates that were asked for replaced (or gone, where they could not be read)."""
    joined: dict[str, RawVault] = {}
    for url in sorted(before.keys() | fresh.keys()):
        kept = before[url].certificates if url in before else {}
        kept = {name: one for name, one in kept.items() if f"{url}/certificates/{name}".lower() not in asked}
        found = {**kept, **(fresh[url].certificates if url in fresh else {})}
        if found:
            joined[url] = RawVault(certificates=dict(sorted(found.items())))
    return joined


def _merged(left: Iterable[Unread], right: Iterable[Unread]) -> tuple[Unread, ...]:
    found = {one.what: one for one in (*left, *right)}
    return tuple(found[what] for what in sorted(found))
