"""What can come into a store? What vm secrets and the Key Vault extension bring to nodes old and new. Floor 2.

Leaves out when: any subset of nodes may have it already, and the proof takes every such case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from sfcert.model.certificate import Certificate
from sfcert.trust.world import Delivery, Group, Holding, Store, VaultName, World, label

#: The issuer of a certificate whose issuer nobody can tell beforehand: pinned by no one.
STRANGER = "?"


def merged(store: Store, more: Iterable[Holding]) -> Store:
    """A store with more certificates in it; what is there already stays as it is."""
    held = {one.certificate.thumbprint for one in store.holdings}
    added = tuple(one for one in more if one.certificate.thumbprint not in held)
    return msgspec.structs.replace(store, holdings=store.holdings + added) if added else store


def linked(holdings: Sequence[Holding]) -> tuple[Holding, ...]:
    """The same store where an extension links renewals: an older certificate whose DNS names are all carried by a newer
    one leads to it. Source: reference section 7 row 3."""
    found = []
    ordered = sorted(holdings, key=lambda one: one.certificate.not_before_utc)
    for at, one in enumerate(ordered):
        names = {name.lower() for name in one.certificate.dns_names}
        heirs = [
            later.certificate.thumbprint
            for later in ordered[at + 1 :]
            if names and names <= {name.lower() for name in later.certificate.dns_names}
        ]
        found.append(msgspec.structs.replace(one, links_to=heirs[-1]) if heirs else one)
    return tuple(found)


def late_links(world: World, store: Store, brought: Iterable[str]) -> tuple[tuple[Store, str], ...]:
    """What linking may have made of a store besides, with a phrase each: a certificate that is fetched later takes over
    every one whose names it carries, also one that begins later than itself.

    Args:
        brought: thumbprints that an extension with linking may have fetched last.

    Source: reference section 7 row 3, where it is told to depend on the order of retrieval. Of one vault certificate,
    versions are fetched in the order of their creation.
    """
    fetched = set(brought)
    found = []
    for late in store.holdings:
        names = {name.lower() for name in late.certificate.dns_names}
        if late.certificate.thumbprint not in fetched or not names:
            continue
        for at, one in enumerate(store.holdings):
            own = {name.lower() for name in one.certificate.dns_names}
            begins_later = one.certificate.not_before_utc >= late.certificate.not_before_utc
            if one is late or not own or not own <= names or not begins_later or _was_created_after(world, one, late):
                continue
            taken_over = msgspec.structs.replace(one, links_to=late.certificate.thumbprint)
            freed = msgspec.structs.replace(late, links_to=None)
            holdings = tuple(
                taken_over if number == at else freed if each is late else each
                for number, each in enumerate(store.holdings)
            )
            told = f"and has linked {label(world.certificates, one.certificate.thumbprint)} to it"
            found.append((msgspec.structs.replace(store, holdings=holdings), told))
    return tuple(found)


def _was_created_after(world: World, one: Holding, other: Holding) -> bool:
    """Whether both are versions of one vault certificate, `one` the later created."""
    prints = one.certificate.thumbprint, other.certificate.thumbprint
    for name in world.vault_names:
        if prints[0] in name.versions and prints[1] in name.versions:
            return name.versions.index(prints[0]) < name.versions.index(prints[1])
    return False


def latest_of(world: World, delivery: Delivery) -> tuple[Holding, ...]:
    """What a first run of the extension installs. A newest version that is disabled is refused by the vault, and no
    older one comes in its place."""
    found = []
    for url in delivery.observes:
        name = world.vault_name(url)
        for thumbprint in name.versions[: 2 if delivery.keeps_two else 1] if name else ():
            if name and thumbprint in name.enabled and thumbprint in world.certificates:
                found.append(_brought(world.certificates[thumbprint], delivery))
    for secret in delivery.fixed:
        if secret.thumbprint in world.certificates:
            found.append(_brought(world.certificates[secret.thumbprint], delivery))
    return tuple(found)


def enabled_of(world: World, delivery: Delivery) -> tuple[Holding, ...]:
    """Every version that the extension may bring or have brought, newest created first."""
    found = list(latest_of(world, delivery))
    for url in delivery.observes:
        name = world.vault_name(url)
        found += [
            _brought(world.certificates[one], delivery)
            for one in (name.enabled if name else ())
            if one in world.certificates
        ]
    return tuple({one.certificate.thumbprint: one for one in found}.values())


def installed_of(world: World, group: Group) -> tuple[Holding, ...]:
    """What the platform installs from the vm secrets of a scale set, as far as its bytes are known."""
    return tuple(
        Holding(certificate=world.certificates[one.thumbprint], store=one.store)
        for one in group.secrets
        if one.thumbprint in world.certificates
    )


def unknown_of(world: World, deliveries: Iterable[Delivery]) -> tuple[str, ...]:
    """Versions that the extension may bring and whose bytes were not captured."""
    found: list[str] = []
    for delivery in deliveries:
        for url in delivery.observes:
            name = world.vault_name(url)
            if name is None:
                found.append(url)
            else:
                found += [one for one in name.enabled if one not in world.certificates]
        found += [one.thumbprint or one.url for one in delivery.fixed if one.thumbprint not in world.certificates]
    return tuple(dict.fromkeys(found))


def created(world: World, group: Group) -> tuple[tuple[Store, str], ...]:
    """The stores with which a node of this group may begin if it is created or re-imaged now, with a phrase each.

    The node extension of an unsequenced scale set may start before the Key Vault extension has brought anything.
    """
    secrets = Store(
        holdings=installed_of(world, group),
        unknown=tuple(
            dict.fromkeys(
                [one.thumbprint or one.url for one in group.secrets if one.thumbprint not in world.certificates]
            )
        ),
    )
    waits = [one for one in group.deliveries if one.sequenced and one.syncs_first]
    others = [one for one in group.deliveries if not (one.sequenced and one.syncs_first)]
    first = _with(world, secrets, waits)
    found = [(first, "a node that is created or re-imaged now")]
    if others:
        whole = _with(world, first, others)
        found = [
            (whole, "a node that is created or re-imaged now"),
            (first, "a node that is created or re-imaged now, and starts before the Key Vault extension is done,"),
        ]
    return tuple(found)


def _with(world: World, store: Store, deliveries: Sequence[Delivery]) -> Store:
    for delivery in deliveries:
        store = merged(store, latest_of(world, delivery))
    if any(delivery.links for delivery in deliveries):
        store = msgspec.structs.replace(store, holdings=linked(store.holdings))
    extra = unknown_of(world, deliveries)
    return msgspec.structs.replace(store, unknown=(*store.unknown, *extra)) if extra else store


def _brought(certificate: Certificate, delivery: Delivery) -> Holding:
    return Holding(certificate=certificate, provider=delivery.provider, store=delivery.store)


def next_versions(
    world: World, name: VaultName, *, as_newest: bool
) -> tuple[tuple[Certificate, tuple[Certificate, ...], str], ...]:
    """Certificates that the vault may issue next under this name, each with its direct issuers and a phrase.

    Args:
        as_newest: take it for granted that the issuer of the newest version signs again (`issuer-next-time`).

    Returns:
        One per issuer that signed the last two versions; before renewal was given back by the plan also one from an
        issuer that nobody knows. Their dates are such that every node prefers them.
    """
    recent = [one for one in name.versions if one in world.certificates][: 1 if as_newest else 2]
    if not recent:
        return ()
    model = world.certificates[recent[0]]
    past = [one.not_before_utc for one in world.certificates.values() if one.not_before_utc <= world.now]
    begins = max(past, default=world.now)
    begins += (world.now - begins) / 2
    found: list[tuple[Certificate, tuple[Certificate, ...], str]] = []
    seen: set[tuple[str, ...]] = set()
    for thumbprint in recent:
        issuers = world.issuers.get(thumbprint, ())
        key = tuple(sorted(one.thumbprint for one in issuers))
        if key not in seen:
            seen.add(key)
            found.append((_sibling(model, name, key, begins, world), issuers, "the version that the vault issues next"))
    if not name.resumed:
        stranger = _stranger(model)
        sibling = _sibling(model, name, (STRANGER,), begins, world)
        found.append((sibling, (stranger,), "the version that the vault issues next, from any issuer,"))
    return tuple(found)


def is_invented(certificate: Certificate) -> bool:
    """Whether this is a certificate that a vault might issue, not one that exists."""
    return not certificate.der and certificate.serial == "0"


def _invented(*parts: str) -> str:
    return hashlib.sha1("|".join(parts).encode(), usedforsecurity=False).hexdigest().upper()


def _sibling(model: Certificate, name: VaultName, key: tuple[str, ...], begins: object, world: World) -> Certificate:
    far = max((one.not_after_utc for one in world.certificates.values()), default=world.now)
    return msgspec.structs.replace(
        model,
        thumbprint=_invented("next", name.url, *key),
        serial="0",
        not_before_utc=begins,
        not_after_utc=max(far, world.now) + timedelta(days=3650),
        is_self_signed=model.is_self_signed and key != (STRANGER,),
        der=b"",
    )


def _stranger(model: Certificate) -> Certificate:
    return msgspec.structs.replace(
        model,
        thumbprint=_invented("an issuer that nobody has named"),
        common_name="an issuer that nobody has named",
        not_before_utc=model.not_before_utc - timedelta(days=3650),
        not_after_utc=model.not_after_utc + timedelta(days=36500),
        is_ca=True,
        is_self_signed=False,
        der=b"",
    )
