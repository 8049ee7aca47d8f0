"""What can come into a store: what a first run brings, what linking makes of it, and what a vault may issue next."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from sfcert.model.certificate import Certificate
from sfcert.trust.delivery import (
    STRANGER,
    created,
    enabled_of,
    installed_of,
    is_invented,
    late_links,
    latest_of,
    linked,
    merged,
    next_versions,
    unknown_of,
)
from sfcert.trust.world import Delivery, Secret, Store, VaultName, World
from tests.unit.trust.small import NOW, URL, authority, by_thumbprint, cert, group, holding, world

A, B, C = cert("A", day=10), cert("B", day=20), cert("C", day=30)
I, J = authority("I"), authority("J")  # noqa: E741  # issuers, by the reference's own letters
OBSERVES = Delivery(observes=(URL,))


def vault(*versions: Certificate, disabled: tuple[Certificate, ...] = (), known: bool = True) -> World:
    """One vault name with these versions, newest created first, of which some are disabled."""
    made = world(by_thumbprint("A"), versions if known else (), {"A": (I,), "B": (I,), "C": (J,)}, versions=versions)
    enabled = tuple(one.thumbprint for one in versions if one not in disabled)
    names = tuple(msgspec.structs.replace(one, enabled=enabled) for one in made.vault_names)
    return msgspec.structs.replace(made, vault_names=names)


def prints(found: object) -> list[str]:
    return [one.certificate.serial for one in found]  # type: ignore[attr-defined]  # holdings, by letter


def test_a_first_run_brings_the_newest_version_or_the_two_newest_and_never_one_in_place_of_a_disabled_one() -> None:
    two = msgspec.structs.replace(OBSERVES, keeps_two=True)
    assert prints(latest_of(vault(C, B, A), OBSERVES)) == ["C"]
    assert prints(latest_of(vault(C, B, A), two)) == ["C", "B"]
    assert prints(latest_of(vault(C, B, A, disabled=(C,)), OBSERVES)) == []
    assert prints(latest_of(vault(C, B, A, disabled=(C,)), two)) == ["B"]
    assert prints(latest_of(vault(C, known=False), OBSERVES)) == []
    assert prints(latest_of(vault(C), Delivery(observes=("https://kv/certificates/none",)))) == []


def test_a_version_that_is_named_is_brought_however_old_it_is_and_once_only() -> None:
    fixed = Delivery(observes=(URL,), fixed=(Secret(url="a", thumbprint="?"), Secret(url="b", thumbprint=A.thumbprint)))
    assert prints(latest_of(vault(C, B, A), fixed)) == ["C", "A"]
    assert prints(enabled_of(vault(C, B, A), fixed)) == ["C", "A", "B"]
    assert unknown_of(vault(C, B, A), (fixed,)) == ("?",)


def test_every_enabled_version_may_have_been_brought_and_no_disabled_one() -> None:
    assert prints(enabled_of(vault(C, B, A, disabled=(B,)), OBSERVES)) == ["C", "A"]
    assert prints(enabled_of(vault(C, known=False), OBSERVES)) == []
    assert prints(enabled_of(vault(C), Delivery(observes=("https://kv/certificates/none",)))) == []


def test_what_is_brought_has_the_keys_and_the_store_of_the_extension_that_brings_it() -> None:
    to_other = Delivery(observes=(URL,), provider="CNG", store="Root")
    for found in (latest_of(vault(A), to_other), enabled_of(vault(A), to_other)):
        assert [(one.provider, one.store, one.has_key) for one in found] == [("CNG", "Root", True)]


def test_what_an_extension_may_bring_and_nobody_saw_is_named_once() -> None:
    unseen = vault(C, B, disabled=(B,), known=False)
    lost = Delivery(observes=("https://kv/certificates/none", URL), fixed=(Secret(url="https://x", thumbprint=None),))
    assert unknown_of(unseen, (lost, lost)) == ("https://kv/certificates/none", C.thumbprint, "https://x")
    assert unknown_of(vault(C, B), (OBSERVES,)) == ()


def test_merging_keeps_what_is_there_as_it_is() -> None:
    store = Store(holdings=(holding(A, links_to="x"),), unknown=("u",), nodes=3)
    found = merged(store, (holding(A), holding(B)))
    assert found.holdings == (holding(A, links_to="x"), holding(B))
    assert (found.unknown, found.nodes) == (("u",), 3)
    assert merged(store, (holding(A),)) == store


def names(certificate: Certificate, *dns: str) -> Certificate:
    return msgspec.structs.replace(certificate, dns_names=dns)


def test_an_older_certificate_leads_to_the_newest_that_carries_all_its_names() -> None:
    old, mid, new = names(A, "a", "B"), names(B, "b", "a", "c"), names(C, "A", "b")
    found = {one.certificate.serial: one.links_to for one in linked((holding(new), holding(old), holding(mid)))}
    assert found == {"A": C.thumbprint, "B": None, "C": None}
    assert [one.links_to for one in linked((holding(names(A, "a", "z")), holding(new)))] == [None, None]
    assert [one.links_to for one in linked((holding(names(A)), holding(names(B))))] == [None, None]


def late(world_: World, *held: Certificate, brought: tuple[Certificate, ...]) -> list[dict[str, str | None]]:
    store = Store(holdings=tuple(holding(one) for one in held))
    found = late_links(world_, store, [one.thumbprint for one in brought])
    return [{one.certificate.serial: one.links_to for one in each.holdings} for each, _ in found]


def test_a_certificate_that_is_fetched_later_takes_over_one_that_begins_later() -> None:
    """The names of the one that begins later lie within those of the one fetched last."""
    other = vault()
    wide, narrow = names(A, "a", "b"), names(C, "a")
    assert late(other, wide, narrow, brought=(wide,)) == [{"A": None, "C": A.thumbprint}]
    same_day = names(cert("D", day=10), "a")
    assert late(other, wide, same_day, brought=(wide,)) == [{"A": None, "D": A.thumbprint}]
    assert late(other, wide, narrow, brought=(narrow,)) == []
    assert late(other, wide, narrow, brought=()) == []
    assert late(other, wide, names(C, "a", "z"), brought=(wide,)) == []
    assert late(other, wide, names(C), brought=(wide,)) == []
    assert late(other, names(A), names(C), brought=(A,)) == []
    assert late(other, wide, names(cert("E", day=9), "a"), brought=(wide,)) == []


def test_a_certificate_that_takes_over_another_leads_to_it_no_more_and_others_stay_as_they_were() -> None:
    wide, narrow = names(A, "a", "b"), names(C, "a", "b")
    third = holding(names(B, "z"), links_to="somewhere")
    store = Store(holdings=(holding(wide, links_to=narrow.thumbprint), holding(narrow), third))
    ((found, told),) = late_links(vault(), store, [wide.thumbprint])
    assert [one.links_to for one in found.holdings] == [None, wide.thumbprint, "somewhere"]
    assert narrow.thumbprint[:8] in told


@pytest.mark.parametrize(("versions", "found"), [((A, C), 1), ((C, A), 0)], ids=["created before", "created after"])
def test_of_one_vault_certificate_only_a_version_created_later_takes_over(
    versions: tuple[Certificate, ...], found: int
) -> None:
    assert len(late(vault(*versions), A, C, brought=(A,))) == found


def begins_with(delivery: Delivery | None, *secrets: Certificate, known: bool = True) -> list[tuple[list[str], int]]:
    made = vault(C, B, A)
    if not known:
        made = msgspec.structs.replace(made, certificates={})
    one = msgspec.structs.replace(
        group("nt0", (), secrets, by_thumbprint("A")), deliveries=(delivery,) if delivery else ()
    )
    return [(prints(store.holdings), len(store.unknown)) for store, _ in created(made, one)]


def test_a_new_node_begins_with_what_it_waits_for_and_may_begin_without_what_it_does_not() -> None:
    assert begins_with(None, A) == [(["A"], 0)]
    assert begins_with(OBSERVES, A) == [(["A", "C"], 0)]
    for loose in ({"sequenced": False}, {"syncs_first": False}):
        hasty = msgspec.structs.replace(OBSERVES, **loose)
        assert begins_with(hasty, A) == [(["A", "C"], 0), (["A"], 0)]
    assert begins_with(OBSERVES, A, known=False) == [([], 4)]
    assert begins_with(None, A, known=False) == [([], 1)]


def test_a_vm_secret_of_which_nothing_is_known_is_named_by_its_address() -> None:
    one = msgspec.structs.replace(
        group("nt0", (), (), by_thumbprint("A")),
        secrets=(Secret(url="https://kv/secrets/x", thumbprint=None), Secret(url="y", thumbprint="Y")),
    )
    ((store, _),) = created(vault(A), one)
    assert store.unknown == ("https://kv/secrets/x", "Y")


def test_a_new_node_with_a_linking_extension_begins_linked() -> None:
    made = vault(C)
    one = msgspec.structs.replace(
        group("nt0", (), (A,), by_thumbprint("A")), deliveries=(msgspec.structs.replace(OBSERVES, links=True),)
    )
    made = msgspec.structs.replace(made, certificates={**made.certificates, A.thumbprint: A})
    ((store, _),) = created(made, one)
    assert {one.certificate.serial: one.links_to for one in store.holdings} == {"A": C.thumbprint, "C": None}


def test_vm_secrets_are_installed_in_the_store_that_each_names() -> None:
    one = msgspec.structs.replace(
        group("nt0", (), (), by_thumbprint("A")),
        secrets=(Secret(url="a", thumbprint=A.thumbprint, store="Root"), Secret(url="b", thumbprint=None)),
    )
    assert [(each.certificate, each.store) for each in installed_of(vault(A), one)] == [(A, "Root")]


def issued(
    *versions: Certificate, resumed: bool = False, as_newest: bool = False
) -> list[tuple[Certificate, list[str]]]:
    made = vault(*versions)
    name: VaultName = msgspec.structs.replace(made.vault_names[0], resumed=resumed)
    found = next_versions(made, name, as_newest=as_newest)
    return [
        (leaf, [one.serial if not one.common_name or "nobody" not in one.common_name else STRANGER for one in by])
        for leaf, by, _ in found
    ]


def test_the_next_version_may_come_from_either_of_the_last_two_issuers_or_from_a_stranger() -> None:
    assert [by for _, by in issued(C, B, A)] == [["J"], ["I"], [STRANGER]]
    assert [by for _, by in issued(B, A)] == [["I"], [STRANGER]]
    assert [by for _, by in issued(C, B, A, resumed=True)] == [["J"], ["I"]]
    assert [by for _, by in issued(C, B, A, resumed=True, as_newest=True)] == [["J"]]
    assert [by for _, by in issued(C, B, A, as_newest=True)] == [["J"], [STRANGER]]
    assert issued() == []


@pytest.mark.parametrize(
    "versions", [(A,), (C, B, A), (cert("F", day=100.5), A)], ids=["one", "three", "not yet valid"]
)
def test_every_node_prefers_what_comes_next(versions: tuple[Certificate, ...]) -> None:
    """By its beginning it is newer than all that have begun, by its end it is later than all, and it is valid now."""
    for leaf, _ in issued(*versions):
        assert leaf.not_before_utc <= NOW
        assert all(leaf.not_before_utc > one.not_before_utc for one in versions if one.not_before_utc <= NOW)
        assert all(leaf.not_after_utc > one.not_after_utc + timedelta(days=3649) for one in versions)
        assert is_invented(leaf)
        assert not any(is_invented(one) for one in versions)
    assert len({leaf.thumbprint for leaf, _ in issued(*versions)}) == len(issued(*versions))


def test_a_self_signed_certificate_is_followed_by_one_of_its_kind_or_by_a_strangers() -> None:
    own = cert("S", day=10, self_signed=True)
    assert [leaf.is_self_signed for leaf, _ in issued(own)] == [True, False]
