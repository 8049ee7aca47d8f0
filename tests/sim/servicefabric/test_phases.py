"""In which steps a declaration change is walked: the vendor's table."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.sim.nodes.manifest import Finds, Manifest, Trusts
from sfcert.sim.servicefabric.declared import file_store_accounts
from sfcert.sim.servicefabric.phases import CERTIFICATE, CONFIGURATION, is_documented_in_phases, stage

A, B, C = "A" * 40, "B" * 40, "C" * 40
PIN, OTHER = "1" * 40, "2" * 40


def by_thumbprint(*values: str) -> Manifest:
    finds = Finds("thumbprint", values[0], values[1] if len(values) > 1 else "")
    return Manifest("1", finds, Trusts(frozenset(values)), file_store=file_store_accounts(finds))


def by_name(name: str = "sf.example", *pins: str) -> Manifest:
    finds = Finds("name", name)
    trusts = Trusts(names=((name, frozenset(pins or (PIN,))),))
    return Manifest("1", finds, trusts, file_store=file_store_accounts(finds))


@pytest.mark.parametrize(
    ("current", "target", "walks", "kind"),
    [
        (by_thumbprint(A), by_name(), 3, CERTIFICATE),
        (by_thumbprint(A, B), by_name(), 3, CERTIFICATE),
        (by_name(), by_thumbprint(A), 3, CERTIFICATE),
        (by_thumbprint(A), by_thumbprint(B), 3, CERTIFICATE),
        (by_thumbprint(A), by_thumbprint(A, B), 2, CERTIFICATE),
        (by_thumbprint(A), by_thumbprint(B, A), 2, CERTIFICATE),
        (by_thumbprint(A, B), by_thumbprint(A), 2, CERTIFICATE),
        (by_thumbprint(A, B), by_thumbprint(B, A), 1, CONFIGURATION),
        (by_name("sf.example", PIN), by_name("sf.example", PIN, OTHER), 1, CONFIGURATION),
        (by_name(), by_name(), 0, CONFIGURATION),
    ],
    ids=[
        "thumbprint to name",
        "two thumbprints to name",
        "name to thumbprint",
        "replace a thumbprint",
        "add a secondary",
        "add a new primary",
        "remove one of two",
        "swap",
        "issuer list only",
        "nothing",
    ],
)
def test_a_change_takes_as_many_walks_as_the_vendor_makes(
    current: Manifest, target: Manifest, walks: int, kind: str
) -> None:
    staging = stage(current, target)
    assert (len(staging.phases), staging.kind) == (walks, kind)


def test_thumbprint_to_name_accepts_both_before_anything_new_is_presented() -> None:
    first, second, third = stage(by_thumbprint(A), by_name()).phases
    assert first.finds == Finds("thumbprint", A)
    assert first.trusts == Trusts(frozenset({A}), (("sf.example", frozenset({PIN})),))
    assert second.finds == Finds("name", "sf.example")
    assert second.trusts == first.trusts
    assert third == by_name()
    assert dict(second.file_store)["PrimaryAccountNTLMX509Thumbprint"] == A
    assert dict(second.file_store)["CommonName1Ntlmx509CommonName"] == "sf.example"


def test_the_single_walk_does_it_all_at_once() -> None:
    assert stage(by_thumbprint(A), by_name(), single_walk=True).phases == (by_name(),)


thumbprints = st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=2, unique=True).map(lambda v: by_thumbprint(*v))
manifests = st.one_of(thumbprints, st.sampled_from([by_name(), by_name("sf.example", OTHER), by_name("b.example")]))


@given(manifests, manifests)
def test_neighbouring_phases_always_accept_what_the_other_presents(current: Manifest, target: Manifest) -> None:
    """Law: for a certificate change, whatever one phase presents by rule is in what its neighbours accept by rule."""
    staging = stage(current, target)
    if staging.kind != CERTIFICATE:
        return
    for one, other in pairwise([current, *staging.phases]):
        for presenting, accepting in ((one, other), (other, one)):
            assert presenting.finds is not None
            accepted = accepting.trusts.thumbprints | {name for name, _ in accepting.trusts.names}
            assert set(presenting.finds.values) <= accepted


@given(manifests, manifests)
def test_the_last_phase_is_what_was_asked_for(current: Manifest, target: Manifest) -> None:
    phases = stage(current, target).phases
    assert not phases or (phases[-1].finds, phases[-1].trusts) == (target.finds, target.trusts)


def test_what_the_vendor_has_owners_do_in_phases_is_told_apart() -> None:
    assert is_documented_in_phases(by_thumbprint(A), by_thumbprint(A, B))
    assert is_documented_in_phases(by_thumbprint(A, B), by_thumbprint(B))
    assert not is_documented_in_phases(by_thumbprint(A), by_thumbprint(B))
    assert not is_documented_in_phases(by_thumbprint(A, B), by_thumbprint(B, A))
    assert not is_documented_in_phases(by_thumbprint(A), by_name())
