"""What moves trust when a certificate ends before it could be replaced? The setting, and a version that people bring.

Floor 2. A node that runs with `Security/AcceptExpiredPinnedClusterCertificate` presents and accepts what it did before;
one that does not loses an expired certificate. The setting is walked like any other, and what was set on the nodes
alone is lost with the next walk. Leaves out what may be said of a start that is broken already (`broken_start`).
Source: reference 1.3, 2.2, 7 rows 11 and 12.
"""

from __future__ import annotations

import msgspec

from sfcert.trust.delivery import next_versions
from sfcert.trust.moves import Move
from sfcert.trust.phases import walks
from sfcert.trust.world import Manifest, VaultName, World, manifest_of


class ExpiredCounts(Move, kw_only=True):
    """Whether an expired self-signed thumbprint counts afterwards. `declared`: the cluster resource says so and the
    upgrade walks it to the nodes; False: people set it on the nodes, and the resource knows nothing of it."""

    counts: bool
    declared: bool = True


class VersionBrought(Move, kw_only=True):
    """People have a newer version of these vault certificates (`<vault>/certificates/<name>`) issued; the stage ends
    only once it is there, from an issuer that signed the last one: its gate has to ask. `is_there`: it has happened
    already, and only the same is counted on for the version after it."""

    certificate_urls: tuple[str, ...]
    is_there: bool = False


def after_mending(world: World, move: ExpiredCounts | VersionBrought) -> World:
    """The world once people, or the provider, have done it."""
    if isinstance(move, VersionBrought):
        wanted = {url.rstrip("/").lower() for url in move.certificate_urls}
        for name in world.vault_names:
            if name.url.lower() in wanted:
                world = _with_version(world, msgspec.structs.replace(name, resumed=True), brings=not move.is_there)
        return world
    rules = msgspec.structs.replace(world.rules, accepts_expired_pinned=move.counts)
    was = world.rules.accepts_expired_pinned if world.expired_declared is None else world.expired_declared
    return msgspec.structs.replace(world, rules=rules, expired_declared=None if move.declared else was)


def on_nodes_alone(world: World) -> World:
    """The world in which people have set it on the nodes before the plan begins, and the resource knows nothing."""
    if world.rules.accepts_expired_pinned:
        return world
    told = (
        "The resource provider reaches the cluster although everything that it declares has ended: its nodes are taken "
        "to run with AcceptExpiredPinnedClusterCertificate, set on them by people."
    )
    found = after_mending(world, ExpiredCounts(stage_id="", deadline_s=0, counts=True, declared=False))
    return msgspec.structs.replace(found, inferences=(*world.inferences, told))


def as_declared(world: World) -> World:
    """The world after a walk of the cluster, which leaves on the nodes what the resource says, and nothing else."""
    if world.expired_declared is None:
        return world
    rules = msgspec.structs.replace(world.rules, accepts_expired_pinned=world.expired_declared)
    return msgspec.structs.replace(world, rules=rules, expired_declared=None)


def at_rest(world: World) -> Manifest:
    """The two lists with which every node of this world runs, the setting among them."""
    return _with(manifest_of(world.declaration), world.rules.accepts_expired_pinned)


def manifests_between(before: World, done: World, reading: str) -> tuple[Manifest, ...]:
    """The manifests of a stage in their order, as `phases.walks`, each with the setting that it brings."""
    path = walks(before.declaration, done.declaration, reading)
    now, then = before.rules.accepts_expired_pinned, done.rules.accepts_expired_pinned
    later = path[1:] or (path if now != then else ())
    return (_with(path[0], now), *(_with(one, then) for one in later))


def _with(manifest: Manifest, counts: bool) -> Manifest:
    return Manifest(
        trusted=msgspec.structs.replace(manifest.trusted, accepts_expired=counts),
        presented=msgspec.structs.replace(manifest.presented, accepts_expired=counts),
    )


def _with_version(world: World, name: VaultName, *, brings: bool) -> World:
    certificates, issuers = world.certificates, world.issuers
    coming = next_versions(world, name, as_newest=True) if brings else ()
    if coming:
        fresh, signed_by, _ = coming[0]
        certificates = {**certificates, fresh.thumbprint: fresh}
        issuers = {**issuers, fresh.thumbprint: signed_by} if signed_by else issuers
        versions = (fresh.thumbprint, *name.versions)
        name = msgspec.structs.replace(name, versions=versions, enabled=(fresh.thumbprint, *name.enabled))
    names = tuple(name if one.url == name.url else one for one in world.vault_names)
    return msgspec.structs.replace(world, certificates=certificates, issuers=issuers, vault_names=names)
