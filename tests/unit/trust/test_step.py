"""What a move leaves behind: renewal given back as it was, the newest version, the stores that its gates have seen."""

from __future__ import annotations

import msgspec
import pytest

from sfcert.trust.moves import (
    AddSecrets,
    AwaitDelivery,
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
from sfcert.trust.step import after, brings_other, strangers
from sfcert.trust.world import Delivery, Secret, World
from tests.unit.trust.small import URL, authority, by_thumbprint, cert, group, world

A, B, N = cert("A", day=10), cert("B", day=20), cert("N", day=60)
I = authority("I")  # noqa: E741  # an issuer, by the reference's own letter
OTHER = "https://shop-kv.vault.azure.net/certificates/other"
LOST = "/subscriptions/s/resourceGroups/g/providers/p/virtualMachineScaleSets/lost"


def start(*, renews: bool | None = True, versions: tuple[object, ...] = (B, A)) -> World:
    return world(
        by_thumbprint("A"),
        (A, B, N),
        {"A": (I,), "B": (I,), "N": (I,)},
        held=(A,),
        versions=versions,  # type: ignore[arg-type]  # certificates
        renews=renews,
    )


SET = start().groups[0].scale_set_id
FREEZE = FreezeRenewal(stage_id="10", deadline_s=1, certificate_urls=(f"{URL.upper()}/",))
RESUME = ResumeRenewal(stage_id="90", deadline_s=1, certificate_urls=(f"{URL.upper()}/",))


@pytest.mark.parametrize("renews", [True, False, None])
def test_renewal_is_given_back_as_it_was_however_often_it_was_frozen(renews: bool | None) -> None:
    for freezes in ((FREEZE,), (FREEZE, FREEZE)):
        now = start(renews=renews)
        for move in freezes:
            now = after(now, move)
        assert now.vault_names[0].renews is False
        assert not now.vault_names[0].resumed
        again = after(now, RESUME).vault_names[0]
        assert again.renews is (renews is not False)
        assert again.resumed is (renews is not False)
    unfrozen = after(start(renews=renews), RESUME).vault_names[0]
    assert unfrozen.renews is True


def test_another_vault_certificate_is_left_as_it_was() -> None:
    begin = start()
    for move in (
        FreezeRenewal(stage_id="10", deadline_s=1, certificate_urls=(OTHER,)),
        ResumeRenewal(stage_id="90", deadline_s=1, certificate_urls=(OTHER,)),
        Enrol(stage_id="45", deadline_s=1, certificate_url=OTHER, thumbprint=N.thumbprint),
    ):
        assert after(begin, move) == begin


def test_what_is_enrolled_is_the_newest_version_and_enabled() -> None:
    enrolled = Enrol(stage_id="45", deadline_s=1, certificate_url=f"{URL.upper()}/", thumbprint=N.thumbprint)
    name = after(start(), enrolled).vault_names[0]
    assert name.versions == name.enabled == (N.thumbprint, B.thumbprint, A.thumbprint)


def test_a_version_that_is_enrolled_is_another_one_for_the_nodes_that_observe_its_name_alone() -> None:
    begin = start()
    enrolled = after(begin, Enrol(stage_id="45", deadline_s=1, certificate_url=URL, thumbprint=N.thumbprint))
    for observes, other in (((URL,), True), ((OTHER, URL), True), ((OTHER,), False), ((), False)):
        one = msgspec.structs.replace(begin.groups[0], deliveries=(Delivery(observes=observes),))
        assert brings_other(begin, enrolled, one) is other
        assert not brings_other(begin, begin, one)


def secrets(*letters: str) -> tuple[Secret, ...]:
    return tuple(Secret(url=f"Secret-{one}", thumbprint=one) for one in letters)


def test_secrets_stay_by_their_url_and_one_that_is_listed_is_not_added_twice() -> None:
    begin = start().with_group(msgspec.structs.replace(start().groups[0], secrets=secrets("A", "B")))
    kept = after(begin, RetireSecrets(stage_id="80", deadline_s=1, scale_set_id=SET.upper(), keeps=("SECRET-b",)))
    assert [one.url for one in kept.groups[0].secrets] == ["Secret-B"]
    gone = after(begin, RetireSecrets(stage_id="80", deadline_s=1, scale_set_id=SET))
    assert gone.groups[0].secrets == ()
    added = AddSecrets(
        stage_id="40", deadline_s=1, scale_set_id=SET, secrets=(("secret-a", "x"), ("secret-n", "n")), store="Root"
    )
    listed = after(begin, added).groups[0].secrets
    assert [(one.url, one.thumbprint, one.store) for one in listed] == [
        ("Secret-A", "A", "My"),
        ("Secret-B", "B", "My"),
        ("secret-n", "n", "Root"),
    ]


def held_by_all(found: World, *letters: str) -> bool:
    wanted = set(letters)
    return all(
        wanted <= {one.certificate.serial for one in store.holdings}
        for each in found.groups
        for store in each.stores
        if store.nodes
    )


PROVISION = Provision(stage_id="40", deadline_s=1, scale_set_id=SET.upper(), observes=(URL,))
DELIVERS = start().with_group(msgspec.structs.replace(start().groups[0], deliveries=(Delivery(observes=(URL,)),)))


@pytest.mark.parametrize(
    ("begin", "move", "reached"),
    [
        (start(), PROVISION, True),
        (start(), msgspec.structs.replace(PROVISION, reaches_nodes=False), False),
        (DELIVERS, UpdateInstances(stage_id="45", deadline_s=1, scale_set_id=SET.upper()), True),
        (DELIVERS, AwaitDelivery(stage_id="57", deadline_s=1, scale_set_ids=(SET.upper(),)), True),
        (DELIVERS, AwaitDelivery(stage_id="57", deadline_s=1, scale_set_ids=(LOST,)), False),
        (DELIVERS, FREEZE, False),
    ],
    ids=["the extension", "a model alone", "its instances", "a wait for it", "a wait for another", "a freeze"],
)
def test_every_node_holds_the_newest_version_only_where_the_stage_ends_by_that(
    begin: World, move: Move, reached: bool
) -> None:
    done = after(begin, move)
    assert held_by_all(done, "A")
    assert held_by_all(done, "A", "B") is reached


def test_a_certificate_that_is_observed_already_keeps_its_store_and_its_version() -> None:
    fixed = (Secret(url="fixed", thumbprint=A.thumbprint),)
    begin = start().with_group(
        msgspec.structs.replace(
            start().groups[0],
            deliveries=(Delivery(observes=(URL,), store="Old"), Delivery(fixed=fixed, store="Fixed")),
        )
    )
    move = msgspec.structs.replace(PROVISION, observes=(f"{URL.upper()}/", OTHER), store="New", keeps_two=True)
    found = after(begin, move).groups[0].deliveries
    assert [(one.store, one.observes, one.fixed, one.provider, one.keeps_two) for one in found] == [
        ("Old", (URL,), (), "CNG", True),
        ("New", (OTHER,), (), "CNG", True),
        ("Fixed", (), fixed, "CNG", True),
    ]


@pytest.mark.parametrize(
    ("move", "named"),
    [
        (Provision(stage_id="s", deadline_s=1, scale_set_id=SET, observes=(URL, OTHER)), OTHER),
        (Provision(stage_id="s", deadline_s=1, scale_set_id=LOST, observes=()), LOST),
        (UpdateInstances(stage_id="s", deadline_s=1, scale_set_id=LOST), LOST),
        (RetireSecrets(stage_id="s", deadline_s=1, scale_set_id=LOST), LOST),
        (AddSecrets(stage_id="s", deadline_s=1, scale_set_id=SET, secrets=(("u", "?"),)), "the certificate ?"),
        (ResumeRenewal(stage_id="s", deadline_s=1, certificate_urls=(URL, OTHER)), OTHER),
        (Enrol(stage_id="s", deadline_s=1, certificate_url=OTHER, thumbprint=N.thumbprint), OTHER),
        (Enrol(stage_id="s", deadline_s=1, certificate_url=URL, thumbprint="?"), URL),
        (DeclareReverseProxy(stage_id="s", deadline_s=1, declaration=by_thumbprint("A"), scale_set_id=LOST), LOST),
    ],
)
def test_what_a_move_names_and_nobody_knows_is_told_also_inside_of_several(move: Move, named: str) -> None:
    for whole in (move, Together(stage_id="s", deadline_s=1, moves=(FREEZE, move))):
        found = strangers(start(), whole)
        assert len(found) == 1
        assert named in found[0]


def test_a_move_that_names_what_is_there_names_nobody_unknown() -> None:
    enrolled = Enrol(stage_id="s", deadline_s=1, certificate_url=URL, thumbprint=N.thumbprint)
    on_cluster = DeclareReverseProxy(stage_id="s", deadline_s=1, declaration=by_thumbprint("A"))
    for move in (PROVISION, RESUME, enrolled, on_cluster):
        assert strangers(start(), move) == ()


def test_a_scale_set_and_a_vault_certificate_are_found_however_they_are_spelt() -> None:
    begin = start()
    assert begin.group(SET.upper()) == begin.group(SET) == begin.groups[0]
    assert begin.group(LOST) is None
    assert begin.vault_name(f"{URL.upper()}/") == begin.vault_name(URL) == begin.vault_names[0]
    assert begin.vault_name(OTHER) is None
    two = msgspec.structs.replace(begin, groups=(*begin.groups, group("nt1", (B,), (), by_thumbprint("A"))))
    changed = msgspec.structs.replace(two.groups[0], scale_set_id=SET.upper(), name="changed")
    assert [one.name for one in two.with_group(changed).groups] == ["changed", "nt1"]
