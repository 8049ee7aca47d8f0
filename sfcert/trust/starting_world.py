"""On which world does a plan start? An observation as a `World`. Floor 2.

Where a store was not seen it is concluded from what provisions the machine, and said so. What was not read is named in
`World.missing`; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from sfcert.model.certificate import Certificate
from sfcert.model.ids import VaultReference
from sfcert.model.observation import (
    Declaration,
    Instance,
    KeyVaultExtension,
    Observation,
    ScaleSet,
    VaultCertificate,
)
from sfcert.pki import direct_issuers
from sfcert.trust.delivery import latest_of, linked, merged
from sfcert.trust.rules import rules_of
from sfcert.trust.step import distinct
from sfcert.trust.world import Delivery, Group, Holding, KeyProvider, Secret, Store, VaultName, World

_LINUX_STORE = "/var/lib/sfcerts"


def world_of(observation: Observation, now: datetime) -> World:
    """The world that an observation shows.

    Args:
        now: aware UTC, the instant from which the proof runs.

    Returns:
        Groups in the order of the scale sets. `missing` names every fact that was not read and that trust may turn on.

    Effects: none.
    """
    cluster = observation.cluster
    leaves = {
        version.certificate.thumbprint: version.certificate
        for vault in observation.vaults
        for name in vault.certificates or ()
        for version in name.versions
        if version.certificate is not None
    }
    known = observation.known_certificates()
    for one in known:
        if not one.is_ca:
            leaves.setdefault(one.thumbprint, one)
    authorities = [one for one in known if one.is_ca]
    issuers = {key: found for key, leaf in leaves.items() if (found := direct_issuers(leaf, authorities))}
    names = tuple(
        _vault_name(name) for vault in observation.vaults for name in vault.certificates or () if vault.certificates
    )
    world = World(
        declaration=cluster.certificate,
        groups=(),
        vault_names=names,
        certificates=leaves,
        issuers=issuers,
        rules=rules_of(cluster.runtime, cluster.settings, cluster.os),
        now=now,
        os=cluster.os,
        clients=cluster.clients,
    )
    missing: list[str] = [*_missing_of(cluster.certificate, "the cluster")]
    inferences: list[str] = []
    if world.rules.cng_keys is False:
        inferences.append(
            "Keys that the Key Vault extension below 4.0 and the platform install are kept where a runtime before 11.0 "
            "finds them (CAPI), as in the vendor's own instructions for it."
        )
    groups = tuple(_group(observation, world, one, missing, inferences) for one in observation.scale_sets)
    for node_type in cluster.node_types:
        if not observation.scale_sets_of(node_type.name):
            missing.append(f"the scale set of node type {node_type.name}")
    return World(
        declaration=world.declaration,
        groups=groups,
        vault_names=names,
        certificates=leaves,
        issuers=issuers,
        rules=world.rules,
        now=now,
        os=cluster.os,
        clients=cluster.clients,
        missing=tuple(dict.fromkeys(missing)),
        inferences=tuple(dict.fromkeys(inferences)),
    )


def with_future(world: World, url: str, leaf: Certificate, issuers: tuple[Certificate, ...]) -> World:
    """The world that knows of a certificate which a stage will bring into the vault under this URL, and who will have
    signed it. It is nowhere yet; a name that the vault does not know stands there without a version."""
    names = world.vault_names
    if world.vault_name(url) is None:
        names = (*names, VaultName(url=url, versions=(), enabled=(), renews=False))
    return msgspec.structs.replace(
        world,
        vault_names=names,
        certificates={**world.certificates, leaf.thumbprint: leaf},
        issuers={**world.issuers, leaf.thumbprint: issuers},
    )


def _vault_name(name: VaultCertificate) -> VaultName:
    renews: bool | None = None
    if name.has_policy:
        pending = (name.pending_status or "").lower()
        renews = name.renews_itself or pending == "inprogress"
    return VaultName(
        url=name.url,
        versions=tuple(version.thumbprint for version in name.versions),
        enabled=tuple(version.thumbprint for version in name.versions if version.enabled),
        renews=renews,
    )


def _missing_of(declaration: Declaration, whose: str) -> Iterable[str]:
    if declaration.kind == "unresolved":
        yield f"the certificate declaration of {whose} ({declaration.path})"
    elif declaration.kind in ("none", "both"):
        yield f"a declaration of {whose} by thumbprint or by common name: it has {declaration.kind}"
    if declaration.malformed:
        yield f"the thumbprints of {whose}: {', '.join(map(repr, declaration.malformed))} cannot be read"


def _group(
    observation: Observation, world: World, scale_set: ScaleSet, missing: list[str], inferences: list[str]
) -> Group:
    name = scale_set.node_type or scale_set.name
    if sum((one.node_type or "").lower() == name.lower() for one in observation.scale_sets) > 1:
        name = f"{name} ({scale_set.name})"
    missing += _missing_of(scale_set.node_extension.certificate, f"the node extension of {scale_set.name}")
    secrets = []
    for secret in scale_set.secrets:
        thumbprint = _version_of(observation, secret.reference)
        if thumbprint is None:
            missing.append(_unseen(observation, secret.url, secret.reference, scale_set))
        secrets.append(Secret(url=secret.url, thumbprint=thumbprint, store=secret.store or "My"))
    deliveries = tuple(
        delivery
        for extension in scale_set.key_vault_extensions
        for delivery in _deliveries(observation, scale_set, extension, missing)
    )
    if scale_set.instances is None:
        missing.append(f"the instances of {scale_set.name}")
    stores = distinct(
        msgspec.structs.replace(
            _store(world, scale_set, instance, tuple(secrets), deliveries, inferences),
            nodes=1,
        )
        for instance in scale_set.instances or ()
    )
    return Group(
        name=name,
        scale_set_id=scale_set.id,
        node_type=scale_set.node_type,
        stores=stores,
        secrets=tuple(secrets),
        deliveries=deliveries,
        declaration=scale_set.node_extension.certificate,
    )


def _version_of(observation: Observation, reference: VaultReference | None) -> str | None:
    name = observation.vault_certificate(reference) if reference else None
    if name is None or reference is None:
        return None
    if reference.version is None:
        return name.latest.thumbprint if name.latest else None
    wanted = reference.version.lower()
    return next((one.thumbprint for one in name.versions if one.version.lower() == wanted), None)


def _unseen(observation: Observation, url: str, reference: VaultReference | None, scale_set: ScaleSet) -> str:
    vault = reference.vault_url if reference else url
    why = observation.why_unread(f"vaults/{vault}") or observation.why_unread(vault)
    return f"what {url} brings to {scale_set.name}" + (f" ({why})" if why else "")


def _deliveries(
    observation: Observation, scale_set: ScaleSet, extension: KeyVaultExtension, missing: list[str]
) -> Iterable[Delivery]:
    linux = "linux" in extension.type.lower()
    is_four = not linux and (extension.major or 0) >= 4
    per_store: dict[str, tuple[list[str], list[Secret]]] = {}
    for one in extension.observed:
        store = one.store_name or extension.store_name or "MY"
        location = one.store_location or extension.store_location or ("" if linux else "LocalMachine")
        if linux:
            store = "My" if location.rstrip("/").lower() == _LINUX_STORE else location or "the extension's own folder"
        elif location.lower() != "localmachine":
            store = f"{location}\\{store}"
        observes, fixed = per_store.setdefault(store, ([], []))
        name = observation.vault_certificate(one.reference) if one.reference else None
        if one.reference is None or name is None:
            missing.append(_unseen(observation, one.url, one.reference, scale_set))
        elif one.reference.version is not None:
            fixed.append(Secret(url=one.url, thumbprint=_version_of(observation, one.reference), store=store))
        else:
            observes.append(name.url)
    for store, (observes, fixed) in per_store.items():
        yield Delivery(
            observes=tuple(observes),
            fixed=tuple(fixed),
            sequenced=extension.name.lower() in {name.lower() for name in scale_set.node_extension.after},
            syncs_first=is_four or bool(extension.require_initial_sync),
            # The default of an absent flag is not documented: linking is the reading that can do harm.
            links=is_four or (not linux and extension.link_on_renewal is not False),
            keeps_two=is_four,
            provider="CNG" if is_four else "unknown",
            store=store,
        )


def _store(
    world: World,
    scale_set: ScaleSet,
    instance: Instance,
    secrets: tuple[Secret, ...],
    deliveries: tuple[Delivery, ...],
    inferences: list[str],
) -> Store:
    delivered = _delivered(scale_set, instance, deliveries)
    if instance.store is not None:
        inferences.append("Every certificate that is seen in a node's store has its private key.")
        stores = {one.thumbprint: one.store for one in secrets if one.thumbprint}
        seen = dict.fromkeys(instance.store)
        found = [world.certificates[one] for one in seen if one in world.certificates]
        unknown = tuple(one for one in seen if one not in world.certificates)
        holdings = [_held(one, stores, deliveries, world) for one in found]
    else:
        inferences.append(
            f"The stores of {scale_set.name} were not seen: what its vm secrets and its succeeded extensions bring "
            "is taken as held."
        )
        base = Store(
            holdings=tuple(
                Holding(certificate=world.certificates[one.thumbprint], store=one.store)
                for one in secrets
                if one.thumbprint in world.certificates
            ),
            unknown=tuple(one.thumbprint or one.url for one in secrets if one.thumbprint not in world.certificates),
        )
        for delivery in delivered:
            base = merged(base, latest_of(world, delivery))
        holdings, unknown = list(base.holdings), base.unknown
    if any(delivery.links for delivery in delivered):
        holdings = list(linked(holdings))
    return Store(holdings=tuple(holdings), unknown=unknown)


def _delivered(scale_set: ScaleSet, instance: Instance, deliveries: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    wanted = {one.name.lower() for one in scale_set.key_vault_extensions}
    succeeded = any(
        status.name.lower() in wanted and (status.state or "").lower() == "succeeded" for status in instance.extensions
    )
    return deliveries if succeeded else ()


def _held(certificate: Certificate, stores: dict[str, str], deliveries: tuple[Delivery, ...], world: World) -> Holding:
    """A certificate that was seen in the store; which key provider and which store follow from who brought it."""
    provider: KeyProvider = "unknown"
    store = stores.get(certificate.thumbprint)
    for delivery in deliveries:
        brings = any(
            certificate.thumbprint in name.versions
            for url in delivery.observes
            if (name := world.vault_name(url)) is not None
        ) or any(one.thumbprint == certificate.thumbprint for one in delivery.fixed)
        if brings:
            provider = delivery.provider
            store = store or delivery.store
    return Holding(certificate=certificate, provider=provider, store=store or "My")
