"""Which stores nodes may have while a stage runs: all that may come, and nothing remembered from another state."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sfcert.model.certificate import Certificate
from sfcert.trust.moves import Enrol, FreezeRenewal, Move, Nothing, Provision, ResumeRenewal, Together
from sfcert.trust.reach import Closure, Reach
from sfcert.trust.step import after
from sfcert.trust.world import Delivery, Secret, World
from tests.unit.trust.small import URL, authority, by_thumbprint, cert, group, world

A, B, N = cert("A", day=10), cert("B", day=20), cert("N", day=60)
I = authority("I")  # noqa: E741  # an issuer, by the reference's own letter
IDLE = Nothing(stage_id="s", deadline_s=1)
FREEZE = FreezeRenewal(stage_id="s", deadline_s=1, certificate_urls=(URL,))
OBSERVING, APART = group("nt0", (A,), (), by_thumbprint("A")), group("nt1", (A,), (), by_thumbprint("A"))


def start(*, renews: bool | None = False, known: Sequence[Certificate] = (A, B)) -> World:
    """One scale set whose extension observes the name, and one whose nodes get nothing."""
    groups = (msgspec.structs.replace(OBSERVING, deliveries=(Delivery(observes=(URL,)),)), APART)
    issuers = {"A": (I,), "B": (I,)}
    return world(by_thumbprint("A"), known, issuers, groups=groups, versions=(B, A), renews=renews)


def reached(begin: World, move: Move, *, closure: Closure | None = None) -> Reach:
    return (closure or Closure(next_as_newest=False)).reach(begin, after(begin, move), move)


def stores(found: Reach, name: str, *, model: str | None = None) -> set[str]:
    """What the nodes of one group may hold, by letter; `+` for a version that does not exist yet, `?` for unseen."""
    return {
        "".join(sorted("+" if one.certificate.serial == "0" else one.certificate.serial for one in each.store.holdings))
        + "?" * len(each.store.unknown)
        for each in found.variants
        if each.group == name and each.model == model
    }


def test_without_renewal_nodes_may_have_each_version_or_all_of_them_and_others_nothing_new() -> None:
    found = reached(start(), IDLE)
    assert stores(found, "nt0") == {"A", "AB"}
    assert stores(found, "nt0", model="before") == {"B", "AB"}
    assert stores(found, "nt1") == {"A"}
    assert stores(found, "nt1", model="before") == {""}
    assert found.certificates == start().certificates


def test_what_the_vault_may_issue_comes_to_those_alone_who_observe_its_name() -> None:
    found = reached(start(renews=True), IDLE)
    assert stores(found, "nt0") == {"A", "AB", "+A", "++AB"}
    assert "+" in "".join(stores(found, "nt0", model="before"))
    assert stores(found, "nt1") == {"A"}
    coming = {key: one for key, one in found.certificates.items() if one.serial == "0"}
    assert len(coming) == 2
    assert {found.issuers[key] for key in coming} >= {(I,)}
    assert found.issuers[A.thumbprint] == (I,)


def test_a_vault_may_issue_until_it_is_frozen_and_as_soon_as_it_renews_again() -> None:
    renewing, still = start(renews=True), start(renews=False)
    with_other = Together(stage_id="s", deadline_s=1, moves=(FREEZE, IDLE))
    back = ResumeRenewal(stage_id="s", deadline_s=1, certificate_urls=(URL,))
    assert "+A" not in stores(reached(renewing, FREEZE), "nt0")
    assert "+A" in stores(reached(renewing, with_other), "nt0")
    assert "+A" in stores(reached(still, back), "nt0")
    assert "+A" not in stores(reached(after(renewing, FREEZE), IDLE), "nt0")


def test_a_name_that_the_stage_begins_to_observe_counts_at_once() -> None:
    begin = start(renews=True)
    scale_set = APART.scale_set_id
    found = reached(begin, Provision(stage_id="s", deadline_s=1, scale_set_id=scale_set, observes=(URL,)))
    assert stores(found, "nt1") >= {"A", "AB", "+A"}
    assert stores(found, "nt1", model="before") >= {""}
    assert stores(found, "nt1", model="after") >= {"B"}


def test_a_version_that_was_not_seen_may_have_come_to_any_node() -> None:
    found = reached(start(known=(A,)), IDLE)
    assert stores(found, "nt0") == {"A", "A?"}
    assert stores(found, "nt1") == {"A"}


def test_a_policy_that_was_not_read_is_missing_where_somebody_observes_its_name() -> None:
    assert reached(start(renews=None), IDLE).missing == (f"the renewal policy of {URL}",)
    alone = msgspec.structs.replace(start(renews=None), groups=(APART,))
    assert reached(alone, IDLE).missing == ()


def test_vm_secrets_of_either_model_may_come_to_machines_that_exist() -> None:
    begin = start()
    with_secret = msgspec.structs.replace(APART, secrets=(Secret(url="b", thumbprint=B.thumbprint),))
    done = begin.with_group(with_secret)
    closure = Closure(next_as_newest=False)
    assert stores(closure.reach(begin, done, IDLE), "nt1") == {"A", "AB"}
    assert stores(closure.reach(done, begin, IDLE), "nt1") == {"A", "AB"}
    assert stores(closure.reach(begin, done, IDLE), "nt1", model="after") >= {"B"}


def test_what_was_worked_out_for_one_state_of_the_vault_is_not_taken_for_another() -> None:
    """One closure serves a whole plan, and remembers by scale set; a version that was disabled meanwhile is gone."""
    closure, begin = Closure(next_as_newest=False), start()
    one = begin.vault_names[0]
    for changes, expected in (
        ({}, {"A", "AB"}),
        ({"enabled": (A.thumbprint,)}, {"A"}),
        ({"versions": (A.thumbprint,), "enabled": (A.thumbprint,)}, {"A"}),
        ({}, {"A", "AB"}),
    ):
        now = msgspec.structs.replace(begin, vault_names=(msgspec.structs.replace(one, **changes),))  # type: ignore[arg-type]  # keywords, by name
        assert stores(closure.reach(now, now, IDLE), "nt0") == expected
    unknown = msgspec.structs.replace(begin, vault_names=(msgspec.structs.replace(one, renews=None),))
    assert closure.reach(unknown, unknown, IDLE).missing != ()


def test_what_had_to_happen_most_weighs_most() -> None:
    weights = {
        (one.phrase.split(" to which ")[-1].split(" in ")[0]): one.weight for one in reached(start(), IDLE).variants
    }
    existing = next(one for one in reached(start(), IDLE).variants if one.phrase == "a node of nt0")
    assert existing.weight == 0
    assert all(weight > 0 for phrase, weight in weights.items() if not phrase.startswith("a node of"))


def test_a_machine_that_is_created_once_a_version_is_enrolled_begins_with_that_one() -> None:
    begin = start(known=(A, B, N))
    enrols = Enrol(stage_id="s", deadline_s=1, certificate_url=URL, thumbprint=N.thumbprint)
    found = reached(begin, enrols)
    assert stores(found, "nt0", model="before") >= {"B"}
    assert stores(found, "nt0", model="after") >= {"N"}
    assert stores(found, "nt0") >= {"A", "AN", "ABN"}
    assert "N" not in "".join(stores(found, "nt1", model="after"))
