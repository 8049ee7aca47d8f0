"""What does a move leave behind once it is done? One world in, the next out. Floor 2.

Leaves out what may happen on the way (`sfcert.trust.reach`): this is the state that the stage's gates wait for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from sfcert.trust.delivery import created, enabled_of, installed_of, latest_of, linked, merged
from sfcert.trust.mending import ExpiredCounts, VersionBrought, after_mending, as_declared
from sfcert.trust.moves import (
    AddSecrets,
    AwaitDelivery,
    DeclareClients,
    DeclareCluster,
    DeclareExtension,
    DeclareReverseProxy,
    Enrol,
    FreezeRenewal,
    Move,
    Provision,
    ResumeRenewal,
    RetireSecrets,
    Together,
    UpdateInstances,
)
from sfcert.trust.world import Delivery, Group, Secret, Store, VaultName, World


def parts(move: Move) -> tuple[Move, ...]:
    """The single moves of a stage."""
    if isinstance(move, Together):
        return tuple(part for inner in move.moves for part in parts(inner))
    return (move,)


def after(world: World, move: Move) -> World:
    """The world once the stage is done and its gates have seen it.

    Nodes that were created meanwhile stay as they were created, as classes of their own.
    """
    done = world
    for part in parts(move):
        done = _after_one(done, part)
    reached = {
        part.scale_set_id.lower()
        for part in parts(move)
        if isinstance(part, UpdateInstances) or (isinstance(part, AddSecrets | Provision) and part.reaches_nodes)
    }
    for part in parts(move):
        if isinstance(part, AwaitDelivery):
            reached |= {one.lower() for one in part.scale_set_ids}
    groups = tuple(_settled(world, done, one, one.scale_set_id.lower() in reached) for one in done.groups)
    return done if groups == done.groups else msgspec.structs.replace(done, groups=groups)


def strangers(world: World, move: Move) -> tuple[str, ...]:
    """What the move names and the world does not know; nothing can be said of such a stage."""
    found = []
    for part in parts(move):
        if (
            isinstance(part, AddSecrets | Provision | DeclareExtension | RetireSecrets | UpdateInstances)
            and world.group(part.scale_set_id) is None
        ):
            found.append(f"the scale set {part.scale_set_id}")
        if (
            isinstance(part, DeclareReverseProxy)
            and part.scale_set_id is not None
            and world.group(part.scale_set_id) is None
        ):
            found.append(f"the scale set {part.scale_set_id}")
        if isinstance(part, Provision):
            found += [f"the vault certificate {url}" for url in part.observes if world.vault_name(url) is None]
        if isinstance(part, AddSecrets):
            found += [f"the certificate {one}: its bytes" for _, one in part.secrets if one not in world.certificates]
        if isinstance(part, ResumeRenewal):
            found += [f"the vault certificate {url}" for url in part.certificate_urls if world.vault_name(url) is None]
        if isinstance(part, Enrol) and (
            part.thumbprint not in world.certificates or world.vault_name(part.certificate_url) is None
        ):
            found.append(f"what the enrolment of {part.certificate_url} brings")
    return tuple(found)


def distinct(stores: Iterable[Store]) -> tuple[Store, ...]:
    """Stores that differ in what they hold, each once, in their order."""
    found: dict[object, Store] = {}
    for store in stores:
        key = store_key(store)
        known = found.get(key)
        if known is None:
            found[key] = store
        elif store.nodes:
            found[key] = msgspec.structs.replace(known, nodes=known.nodes + store.nodes)
    return tuple(found.values())


def store_key(store: Store) -> tuple[object, ...]:
    """What tells two stores apart, cheap to compare: certificates are named, not looked through."""
    return (
        frozenset(
            (one.certificate.thumbprint, one.store, one.links_to, one.provider, one.has_key) for one in store.holdings
        ),
        frozenset(store.unknown),
    )


def _after_one(world: World, move: Move) -> World:
    match move:
        case FreezeRenewal():
            return _with_renewal(world, move.certificate_urls, renews=False)
        case ResumeRenewal():
            return _with_renewal(world, move.certificate_urls, renews=True)
        case Enrol():
            return _with_version(world, move.certificate_url, move.thumbprint)
        case DeclareCluster():
            return as_declared(msgspec.structs.replace(world, declaration=move.declaration))
        case ExpiredCounts() | VersionBrought():
            return after_mending(world, move)
        case DeclareClients():
            return as_declared(msgspec.structs.replace(world, clients=move.clients))
        case DeclareReverseProxy():
            return _with_reverse_proxy(world, move)
    if not isinstance(move, AddSecrets | Provision | DeclareExtension | RetireSecrets):
        return world
    group = world.group(move.scale_set_id)
    if group is None:
        return world
    if isinstance(move, DeclareExtension):
        return world.with_group(msgspec.structs.replace(group, declaration=move.declaration))
    if isinstance(move, AddSecrets):
        listed = {one.url.lower() for one in group.secrets}
        more = tuple(
            Secret(url=url, thumbprint=thumbprint, store=move.store)
            for url, thumbprint in move.secrets
            if url.lower() not in listed
        )
        return world.with_group(msgspec.structs.replace(group, secrets=(*group.secrets, *more)))
    if isinstance(move, RetireSecrets):
        keeps = {url.lower() for url in move.keeps}
        secrets = tuple(one for one in group.secrets if one.url.lower() in keeps)
        return world.with_group(msgspec.structs.replace(group, secrets=secrets))
    assert isinstance(move, Provision)
    return world.with_group(msgspec.structs.replace(group, deliveries=_deliveries(world, group, move)))


def _with_reverse_proxy(world: World, move: DeclareReverseProxy) -> World:
    if move.scale_set_id is None:
        return as_declared(msgspec.structs.replace(world, reverse_proxy=move.declaration))
    group = world.group(move.scale_set_id)
    return world if group is None else world.with_group(msgspec.structs.replace(group, reverse_proxy=move.declaration))


def _with_renewal(world: World, urls: Sequence[str], *, renews: bool) -> World:
    wanted = {url.rstrip("/").lower() for url in urls}

    def changed(name: VaultName) -> VaultName:
        if name.url.lower() not in wanted:
            return name
        if not renews:
            # Frozen twice, the first memory counts; what is not known may have renewed.
            was = name.renews is not False if name.renewed is None else name.renewed
            return msgspec.structs.replace(name, renews=False, renewed=was, resumed=False)
        again = name.renewed is not False
        return msgspec.structs.replace(name, renews=again, renewed=None, resumed=again)

    return msgspec.structs.replace(world, vault_names=tuple(changed(one) for one in world.vault_names))


def _with_version(world: World, url: str, thumbprint: str) -> World:
    """The world in which the vault holds this version as its newest."""
    wanted = url.rstrip("/").lower()

    def grown(name: VaultName) -> VaultName:
        if name.url.lower() != wanted:
            return name
        return msgspec.structs.replace(name, versions=(thumbprint, *name.versions), enabled=(thumbprint, *name.enabled))

    return msgspec.structs.replace(world, vault_names=tuple(grown(one) for one in world.vault_names))


def brings_other(before: World, done: World, group: Group) -> bool:
    """Whether a node of this group that is created after the stage would get other versions than one before it."""

    def brought(world: World, url: str) -> tuple[object, ...]:
        name = world.vault_name(url)
        return (name.versions, name.enabled) if name else ()

    return any(brought(before, url) != brought(done, url) for delivery in group.deliveries for url in delivery.observes)


def _deliveries(world: World, group: Group, move: Provision) -> tuple[Delivery, ...]:
    """The extension as the move leaves it: what it observed before keeps its store and, with a version in the URL, its
    version."""
    stores = {url.rstrip("/").lower(): one.store for one in group.deliveries for url in one.observes}
    per_store: dict[str, list[str]] = {}
    for url in move.observes:
        name = world.vault_name(url)
        store = stores.get(url.rstrip("/").lower(), move.store)
        per_store.setdefault(store, []).append(name.url if name else url)
    fixed = {one.store: one.fixed for one in group.deliveries if one.fixed}
    return tuple(
        Delivery(
            observes=tuple(per_store.get(store, ())),
            fixed=fixed.get(store, ()),
            sequenced=move.sequenced,
            syncs_first=move.syncs_first,
            links=move.links,
            keeps_two=move.keeps_two,
            provider="CNG" if move.keeps_two else "unknown",
            store=store,
        )
        for store in dict.fromkeys((*per_store, *fixed))
    )


def _settled(before: World, done: World, group: Group, reached: bool) -> Group:
    """A group with the nodes that were created on the way; where the stage reaches its nodes, all of them hold what its
    gates demand."""
    old = before.group(group.scale_set_id)
    assert old is not None, "a move adds no scale set"
    stores = [*old.stores, *(store for store, _ in created(before, old))]
    if group != old or brings_other(before, done, group):
        stores += [store for store, _ in created(done, group)]
    if reached:
        kept = []
        for store in stores:
            brought = [one for delivery in old.deliveries for one in enabled_of(before, delivery)]
            # the same nodes, seen with and without what may have come meanwhile: counted once
            older = msgspec.structs.replace(merged(store, brought), nodes=0)
            for variant in (store, older) if brought else (store,):
                whole = merged(variant, installed_of(done, group))
                for delivery in group.deliveries:
                    whole = merged(whole, latest_of(done, delivery))
                if any(delivery.links for delivery in group.deliveries):
                    whole = msgspec.structs.replace(whole, holdings=linked(whole.holdings))
                kept.append(whole)
        stores = kept
    settled = distinct(stores)
    same = len(settled) == len(group.stores) and all(
        store_key(left) == store_key(right) for left, right in zip(settled, group.stores, strict=True)
    )
    return group if same else msgspec.structs.replace(group, stores=settled)
