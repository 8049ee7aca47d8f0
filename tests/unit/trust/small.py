"""Small worlds for trust: certificates by letter, without cryptography, and the plan of the usual migration.

`cert("G", day=10)` begins on day 10; letters make thumbprints. An issuer is a certificate too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration, PinnedName
from sfcert.trust.moves import (
    DeclareCluster,
    DeclareExtension,
    FreezeRenewal,
    Move,
    Provision,
    ResumeRenewal,
    RetireSecrets,
)
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import Delivery, Group, Holding, Secret, Store, VaultName, World

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
NAME = "shop.fabric.example.com"
URL = "https://shop-kv.vault.azure.net/certificates/shop-cluster"
DAY = 86400
RULES = RuntimeRules()


def thumbprint(letter: str) -> str:
    return hashlib.sha1(letter.encode()).hexdigest().upper()


def cert(
    letter: str,
    *,
    day: float = 0,
    days: float = 200,
    name: str = NAME,
    dns: tuple[str, ...] | None = None,
    self_signed: bool = False,
) -> Certificate:
    """A certificate whose life begins `day` days after a hundred days ago and lasts `days`."""
    begins = NOW - timedelta(days=100) + timedelta(days=day)
    return Certificate(
        thumbprint=thumbprint(letter),
        common_name=name,
        subject=f"CN={name}",
        issuer=f"CN={name}" if self_signed else "CN=CA",
        issuer_common_name=name if self_signed else "CA",
        serial=letter,
        dns_names=(name,) if dns is None else dns,
        not_before_utc=begins,
        not_after_utc=begins + timedelta(days=days),
        ekus=None,
        key_usage=None,
        key_type="RSA",
        key_bits=2048,
        public_key_sha256=letter,
        key_id=None,
        authority_key_id=None,
        is_ca=False,
        is_self_signed=self_signed,
        der=letter.encode(),
    )


def authority(letter: str, *, days: float = 4000) -> Certificate:
    return cert(letter, day=-1000, days=days, name=f"CA {letter}", dns=())


def by_thumbprint(*letters: str) -> Declaration:
    prints = tuple(thumbprint(one) for one in letters)
    return Declaration(kind="thumbprint", path="properties.certificate", thumbprints=prints, store="My")


def pinned(name: str, *issuers: str) -> PinnedName:
    pins = tuple(thumbprint(one) for one in issuers)
    return PinnedName(common_name=name, issuers=pins, issuers_text=",".join(pins))


def by_name(*issuers: str, name: str = NAME) -> Declaration:
    return Declaration(
        kind="common-name", path="properties.certificateCommonNames", names=(pinned(name, *issuers),), store="My"
    )


def holding(certificate: Certificate, **changes: object) -> Holding:
    return Holding(certificate=certificate, **changes)  # type: ignore[arg-type]  # keywords of one value, by name


def group(name: str, held: Sequence[Certificate], secrets: Sequence[Certificate], declared: Declaration) -> Group:
    return Group(
        name=name,
        scale_set_id=f"/subscriptions/s/resourceGroups/g/providers/p/virtualMachineScaleSets/{name}",
        node_type=name,
        stores=(Store(holdings=tuple(Holding(certificate=one) for one in held), nodes=5),),
        secrets=tuple(Secret(url=f"secret-{one.serial}", thumbprint=one.thumbprint) for one in secrets),
        deliveries=(),
        declaration=declared,
    )


def world(
    declared: Declaration,
    certificates: Sequence[Certificate],
    issuers: Mapping[str, Sequence[Certificate]],
    *,
    groups: Sequence[Group] = (),
    held: Sequence[Certificate] = (),
    secrets: Sequence[Certificate] | None = None,
    versions: Sequence[Certificate] = (),
    renews: bool | None = False,
    delivers: bool = False,
    rules: RuntimeRules = RULES,
    os: str = "Windows",
    missing: Sequence[str] = (),
) -> World:
    """A world of one group (or those given). `issuers` maps the letter of a leaf to its issuers' certificates;
    `versions` is the one vault name, newest created first; `delivers`: the extension is there already."""
    made = tuple(groups) or (group("nt0", held, held if secrets is None else secrets, declared),)
    if delivers:
        made = tuple(
            Group(
                name=one.name,
                scale_set_id=one.scale_set_id,
                node_type=one.node_type,
                stores=one.stores,
                secrets=one.secrets,
                deliveries=(Delivery(observes=(URL,)),),
                declaration=one.declaration,
            )
            for one in made
        )
    prints = tuple(one.thumbprint for one in versions)
    return World(
        declaration=declared,
        groups=made,
        vault_names=(VaultName(url=URL, versions=prints, enabled=prints, renews=renews),),
        certificates={one.thumbprint: one for one in certificates},
        issuers={thumbprint(letter): tuple(found) for letter, found in issuers.items()},
        rules=rules,
        now=NOW,
        os=os,
        missing=tuple(missing),
    )


def migration(start: World, goal: Declaration, *, upgrades: Sequence[Declaration] = ()) -> list[Move]:
    """The stages of the usual migration, with upgrades by thumbprint before the common name where there are any."""
    sets = [one.scale_set_id for one in start.groups]
    moves: list[Move] = [FreezeRenewal(stage_id="10-freeze", deadline_s=3600, certificate_urls=(URL,))]
    moves += [
        Provision(stage_id=f"40-provision-{at}", deadline_s=3600, scale_set_id=one, observes=(URL,))
        for at, one in enumerate(sets)
    ]
    before = start.declaration
    for step, declared in enumerate(upgrades):
        widening = set(declared.thumbprints) > set(before.thumbprints)
        learn: list[Move] = [
            DeclareExtension(
                stage_id=f"5{step}-extension-{at}", deadline_s=3600, scale_set_id=one, declaration=declared
            )
            for at, one in enumerate(sets)
        ]
        cluster: Move = DeclareCluster(stage_id=f"5{step}-cluster", deadline_s=DAY, declaration=declared)
        moves += [*learn, cluster] if widening else [cluster, *learn]
        before = declared
    moves.append(DeclareCluster(stage_id="60-cluster", deadline_s=DAY, declaration=goal))
    moves += [
        DeclareExtension(stage_id=f"70-extension-{at}", deadline_s=3600, scale_set_id=one, declaration=goal)
        for at, one in enumerate(sets)
    ]
    moves += [
        RetireSecrets(stage_id=f"80-retire-{at}", deadline_s=3600, scale_set_id=one) for at, one in enumerate(sets)
    ]
    moves.append(ResumeRenewal(stage_id="90-resume", deadline_s=3600, certificate_urls=(URL,)))
    return moves
