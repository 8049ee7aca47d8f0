"""What a setting and a version that people bring change in the world, and for how long."""

from __future__ import annotations

import msgspec
import pytest

from sfcert.trust.mending import (
    ExpiredCounts,
    VersionBrought,
    after_mending,
    as_declared,
    at_rest,
    manifests_between,
    on_nodes_alone,
)
from sfcert.trust.phases import READINGS
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import World
from tests.unit.trust.small import URL, authority, by_name, by_thumbprint, cert, world

E, LIVES = cert("E", days=99, self_signed=True), cert("L", day=10)
I, J = authority("I"), authority("J")  # noqa: E741  # issuers, by the reference's own letters
START = world(by_thumbprint("E"), (E,), {}, held=(E,))
ON = world(by_thumbprint("E"), (E,), {}, held=(E,), rules=RuntimeRules(accepts_expired_pinned=True))


def told(*, counts: bool, declared: bool = True) -> ExpiredCounts:
    return ExpiredCounts(stage_id="s", deadline_s=1, counts=counts, declared=declared)


def counts_in(one: World) -> bool | None:
    return at_rest(one).trusted.accepts_expired


def test_what_people_set_on_the_nodes_is_gone_after_the_next_walk_and_what_is_declared_is_not() -> None:
    by_hand = after_mending(START, told(counts=True, declared=False))
    assert counts_in(by_hand) is True
    assert counts_in(as_declared(by_hand)) is False
    declared = after_mending(by_hand, told(counts=True))
    assert counts_in(as_declared(declared)) is True
    twice = after_mending(by_hand, told(counts=True, declared=False))
    assert counts_in(as_declared(twice)) is False
    taken_off = after_mending(ON, told(counts=False, declared=False))
    assert (counts_in(taken_off), counts_in(as_declared(taken_off))) == (False, True)


def test_a_setting_that_is_on_by_the_resource_is_not_taken_for_one_that_people_set() -> None:
    assert on_nodes_alone(ON) == ON
    found = on_nodes_alone(START)
    assert counts_in(found) is True
    assert counts_in(as_declared(found)) is False
    assert len(found.inferences) == 1


@pytest.mark.parametrize("reading", READINGS)
def test_a_change_of_the_setting_alone_is_walked_and_no_change_is_not(reading: str) -> None:
    assert manifests_between(START, START, reading) == (at_rest(START),)
    done = after_mending(START, told(counts=True))
    assert manifests_between(START, done, reading) == (at_rest(START), at_rest(done))
    assert manifests_between(done, START, reading) == (at_rest(done), at_rest(START))
    moved = msgspec.structs.replace(done, declaration=by_thumbprint("L"))
    path = manifests_between(START, moved, reading)
    assert path[0] == at_rest(START)
    assert {one.trusted.accepts_expired for one in path[1:]} == {True}
    assert {one.presented.accepts_expired for one in path[1:]} == {True}


def named() -> World:
    return world(by_name("I"), (LIVES,), {"L": (I,)}, held=(LIVES,), versions=(LIVES,), delivers=True, renews=True)


def brought(url: str = URL, *, is_there: bool = False) -> VersionBrought:
    return VersionBrought(stage_id="s", deadline_s=1, certificate_urls=(url,), is_there=is_there)


def test_a_version_that_people_bring_is_the_newest_enabled_and_from_the_last_ones_issuer() -> None:
    for url in (URL, f"{URL.upper()}/"):
        done = after_mending(named(), brought(url))
        name = done.vault_names[0]
        fresh = done.certificates[name.versions[0]]
        assert name.versions[1:] == name.enabled[1:] == (LIVES.thumbprint,)
        assert name.enabled[0] == fresh.thumbprint
        assert done.issuers[fresh.thumbprint] == (I,)
        assert name.resumed
        assert fresh.not_before_utc > LIVES.not_before_utc
        assert fresh.not_after_utc > LIVES.not_after_utc


def test_a_version_that_is_there_brings_no_further_one_and_another_name_is_left_alone() -> None:
    begin = named()
    there = after_mending(begin, brought(is_there=True))
    assert there.certificates == begin.certificates
    assert there.vault_names[0].versions == begin.vault_names[0].versions
    assert there.vault_names[0].resumed
    assert after_mending(begin, brought("https://kv/certificates/other")) == begin


def test_of_two_issuers_that_signed_before_only_the_last_is_counted_on() -> None:
    older = cert("O", day=5)
    begin = world(
        by_name("I", "J"), (LIVES, older), {"L": (I,), "O": (J,)}, held=(LIVES,), versions=(LIVES, older), delivers=True
    )
    done = after_mending(begin, brought())
    assert done.issuers[done.vault_names[0].versions[0]] == (I,)
    assert len(done.vault_names[0].versions) == 3


def test_where_the_issuer_of_the_last_version_is_not_known_neither_is_that_of_the_next() -> None:
    begin = msgspec.structs.replace(named(), issuers={})
    done = after_mending(begin, brought())
    assert done.vault_names[0].versions[0] not in done.issuers
