"""Which states can the nodes be in while a stage runs? Its closure, by classes. Floor 2.

      manifests   any cut between two neighbours of a walk (`phases.walks`), forwards or back
      stores      each store as it was, plus any version that the extension may bring, plus what the vault may issue,
                  plus those of nodes that are created or re-imaged, under the model before or after

Every store may meet every manifest of the walk: nothing orders the extension against the upgrade domains. A walk that
fails goes back over the same neighbours, so that it adds no state. Cost grows with classes, never with nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import msgspec

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.trust.delivery import (
    created,
    enabled_of,
    installed_of,
    late_links,
    linked,
    merged,
    next_versions,
    unknown_of,
)
from sfcert.trust.moves import FreezeRenewal, Move
from sfcert.trust.step import brings_other, parts, store_key
from sfcert.trust.world import Delivery, Group, Holding, Store, VaultName, World, label


class Variant(Value):
    """One store that nodes of one group may have. `weight` counts what had to happen for it: the smallest is shown
    first. `model` tells under which model a created node began, None for nodes that exist."""

    group: str
    scale_set_id: str
    store: Store
    key: int
    phrase: str
    weight: int
    model: Literal["before", "after"] | None


class Reach(Value):
    """The stores of a stage, and the certificates that it may bring into being (by thumbprint, with their issuers)."""

    variants: tuple[Variant, ...]
    certificates: dict[str, Certificate]
    issuers: dict[str, tuple[Certificate, ...]]
    missing: tuple[str, ...]


class _Next(Value):
    """A version that a vault may issue, and under which name."""

    url: str
    certificate: Certificate
    issuers: tuple[Certificate, ...]
    phrase: str


class Closure:
    """Computes reaches; groups that a stage leaves alone are not looked at again."""

    def __init__(self, *, next_as_newest: bool) -> None:
        self._next_as_newest = next_as_newest
        self._keys: dict[object, int] = {}
        # The values are kept beside their ids, so that no id is given away a second time.
        self._done: dict[object, tuple[tuple[object, ...], tuple[Variant, ...], tuple[str, ...]]] = {}

    def key_of(self, store: Store) -> int:
        """A number for what a store holds: equal stores have equal numbers."""
        return self._keys.setdefault(store_key(store), len(self._keys))

    def reach(self, before: World, done: World, move: Move) -> Reach:
        """Every store that a node may have between the start of the stage and its end."""
        coming = self._coming(before, done, move)
        certificates, issuers = before.certificates, before.issuers
        if coming:
            certificates = {**certificates, **{one.certificate.thumbprint: one.certificate for one in coming}}
            issuers = {**issuers, **{one.certificate.thumbprint: one.issuers for one in coming if one.issuers}}
        variants: list[Variant] = []
        missing: list[str] = []
        for group in before.groups:
            target = done.group(group.scale_set_id)
            assert target is not None, "a move removes no scale set"
            observed = {url for one in (*group.deliveries, *target.deliveries) for url in one.observes}
            mine = tuple(one for one in coming if one.url in observed)
            # The names matter only to those who observe them: a freeze elsewhere changes nothing here.
            names = tuple(
                (one.url, one.versions, one.enabled, one.renews)
                for world in (before, done)
                for one in world.vault_names
                if one.url in observed
            )
            cache = (id(group), id(target), names, tuple(one.certificate.thumbprint for one in mine))
            known = self._done.get(cache)
            if known is None:
                found, lacking = self._of_group(before, done, group, target, mine)
                held = (group, target)
                known = self._done[cache] = (held, found, lacking)
            variants += known[1]
            missing += known[2]
        return Reach(
            variants=tuple(variants), certificates=certificates, issuers=issuers, missing=tuple(dict.fromkeys(missing))
        )

    def _coming(self, before: World, done: World, move: Move) -> tuple[_Next, ...]:
        """What the vaults may issue while the stage runs. A stage that only freezes has this behind it: until then the
        vault may renew as it might without any plan."""
        if all(isinstance(part, FreezeRenewal) for part in parts(move)):
            return ()
        found: list[_Next] = []
        for name in done.vault_names:
            past = before.vault_name(name.url)
            if name.renews or (past is not None and past.renews):
                issued = next_versions(done, name, as_newest=self._next_as_newest)
                found += [_Next(url=name.url, certificate=one, issuers=by, phrase=told) for one, by, told in issued]
        return tuple(found)

    def _of_group(
        self, before: World, done: World, group: Group, target: Group, coming: Sequence[_Next]
    ) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
        deliveries = tuple(dict.fromkeys((*group.deliveries, *target.deliveries)))
        missing = [
            f"the renewal policy of {name.url}"
            for delivery in deliveries
            for url in delivery.observes
            if (name := done.vault_name(url)) is not None and name.renews is None
        ]
        links = any(delivery.links for delivery in deliveries)
        linking = {
            holding.certificate.thumbprint
            for delivery in deliveries
            if delivery.links
            for world in (before, done)
            for holding in enabled_of(world, delivery)
        }
        brought = (*_brought(before, done, deliveries, coming), *_installed(before, done, group, target))
        unknown = unknown_of(done, deliveries)
        found: list[Variant] = []

        def add(store: Store, phrase: str, weight: int, model: Literal["before", "after"] | None) -> None:
            # A link is made when a certificate is brought, from those that are there already.
            if links and weight:
                store = msgspec.structs.replace(store, holdings=linked(store.holdings))
            keep(store, phrase, weight, model)
            for other, told in late_links(done, store, linking) if linking else ():
                where = phrase.rstrip(",")
                keep(other, f"{where}, where the extension has fetched the older one last {told},", weight + 2, model)

        def keep(store: Store, phrase: str, weight: int, model: Literal["before", "after"] | None) -> None:
            key = self.key_of(store)
            if not any(one.key == key and one.model == model for one in found):
                found.append(
                    Variant(
                        group=group.name,
                        scale_set_id=group.scale_set_id,
                        store=store,
                        key=key,
                        phrase=phrase,
                        weight=weight,
                        model=model,
                    )
                )

        for store in group.stores:
            add(store, f"a node of {group.name}", 0, None)
            self._add_brought(add, store, brought, unknown, f"a node of {group.name}", 1, None)
        models: tuple[tuple[Literal["before", "after"], World, Group], ...] = (("before", before, group),)
        if group is not target or brings_other(before, done, group):
            models = (*models, ("after", done, target))
        for model, world, shape in models:
            for store, phrase in created(world, shape):
                add(store, f"{phrase} in {group.name}", 1, model)
            for one in coming:
                if any(one.url in delivery.observes for delivery in shape.deliveries):
                    for store, phrase in created(_renewed(world, one), shape):
                        told = f"{phrase} in {group.name}, once the vault has issued its next version,"
                        add(store, told, 2, model)
            for store, phrase in created(world, shape):
                self._add_brought(add, store, brought, unknown, f"{phrase} in {group.name}", 3, model)
        return tuple(found), tuple(missing)

    def _add_brought(
        self,
        add: _Add,
        store: Store,
        brought: Sequence[tuple[Holding, str]],
        unknown: Sequence[str],
        phrase: str,
        weight: int,
        model: Literal["before", "after"] | None,
    ) -> None:
        held = {one.certificate.thumbprint for one in store.holdings}
        fresh = [one for one in brought if one[0].certificate.thumbprint not in held]
        extra = [one for one in unknown if one not in store.unknown]
        for holding, told in fresh:
            add(
                merged(store, (holding,)),
                f"{phrase} to which {told}",
                weight + (1 if "the version that" in told else 0),
                model,
            )
        if len(fresh) > 1:
            whole = merged(store, (holding for holding, _ in fresh))
            add(whole, f"{phrase} to which every version has been brought", weight + 2, model)
        if extra:
            whole = msgspec.structs.replace(store, unknown=(*store.unknown, *extra))
            add(whole, f"{phrase} to which the extension has brought versions that were not seen", weight + 2, model)


class _Add(Protocol):
    """The shape of the function that collects a variant."""

    def __call__(self, store: Store, phrase: str, weight: int, model: Literal["before", "after"] | None, /) -> None: ...


def _brought(
    before: World, done: World, deliveries: Iterable[Delivery], coming: Iterable[_Next]
) -> tuple[tuple[Holding, str], ...]:
    found: dict[str, tuple[Holding, str]] = {}
    for delivery in deliveries:
        for holding in (*enabled_of(before, delivery), *enabled_of(done, delivery)):
            thumbprint = holding.certificate.thumbprint
            found.setdefault(thumbprint, (holding, f"the extension has brought {label(done.certificates, thumbprint)}"))
        for one in coming:
            if one.url in delivery.observes:
                holding = Holding(certificate=one.certificate, provider=delivery.provider, store=delivery.store)
                found.setdefault(one.certificate.thumbprint, (holding, f"the extension has brought {one.phrase}"))
    return tuple(found.values())


def _installed(before: World, done: World, group: Group, target: Group) -> tuple[tuple[Holding, str], ...]:
    """What the vm secrets of either model bring to machines that exist."""
    return tuple(
        (holding, f"the platform has brought {label(done.certificates, holding.certificate.thumbprint)}")
        for holding in dict.fromkeys((*installed_of(before, group), *installed_of(done, target)))
    )


def _renewed(world: World, issued: _Next) -> World:
    """The world in which the vault has issued this version."""
    thumbprint = issued.certificate.thumbprint

    def grown(name: VaultName) -> VaultName:
        if name.url != issued.url:
            return name
        return msgspec.structs.replace(name, versions=(thumbprint, *name.versions), enabled=(thumbprint, *name.enabled))

    return msgspec.structs.replace(
        world,
        certificates={**world.certificates, thumbprint: issued.certificate},
        vault_names=tuple(grown(one) for one in world.vault_names),
    )
