"""Which certificate a simulated node presents."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.sim.nodes.manifest import Finds, Manifest, Trusts
from sfcert.sim.nodes.presentation import choose
from sfcert.sim.nodes.store import Store, store_key

MY = store_key("My")


def manifest(finds: Finds, code: str = "11.4.268.1", *settings: tuple[str, str, str]) -> Manifest:
    return Manifest("1", finds, Trusts(), code_version=code, settings=tuple(settings))


def store_of(*held: Any, name: str = MY) -> Store:
    store = Store()
    for one in held:
        store.install(name, one)
    return store


def test_newest_not_before_wins_whatever_expires_last(paper: Any) -> None:
    old = paper.held(paper.certificate(begins=-50, ends=300))
    new = paper.held(paper.certificate(begins=-5, ends=60))
    rule = Finds("name", "sf.example")
    assert choose(rule, store_of(old, new), manifest(rule), paper.now).held is new


def test_before_7_2_cu4_the_farthest_expiry_wins(paper: Any) -> None:
    old = paper.held(paper.certificate(begins=-50, ends=300))
    new = paper.held(paper.certificate(begins=-5, ends=60))
    rule = Finds("name", "sf.example")
    assert choose(rule, store_of(old, new), manifest(rule, "7.1.510.9590"), paper.now).held is old


def test_the_issuer_plays_no_part_in_the_choice(paper: Any) -> None:
    pinned = paper.held(paper.certificate(begins=-50))
    stranger = paper.held(paper.certificate(begins=-5, issuer="Issuing 2"))
    rule = Finds("name", "sf.example")
    assert choose(rule, store_of(pinned, stranger), manifest(rule), paper.now).held is stranger


def test_the_subject_is_compared_with_regard_to_case_and_sans_do_not_count(paper: Any) -> None:
    store = store_of(
        paper.held(paper.certificate("SF.example")), paper.held(paper.certificate("other", sans=("sf.example",)))
    )
    rule = Finds("name", "sf.example")
    found = choose(rule, store, manifest(rule), paper.now)
    assert found.held is None
    assert "Cannot find certificate with 'FindBySubjectName' 'sf.example'" in found.passed_over[0]


@pytest.mark.parametrize(
    ("provider", "readable", "code", "why"),
    [
        ("CAPI", False, "11.4.268.1", "0x8009030D"),
        ("CNG", True, "10.1.2841.9590", "0x80090014"),
    ],
    ids=["a key that is not readable yet", "a CNG key before runtime 11"],
)
def test_a_newer_certificate_that_cannot_be_loaded_is_passed_over(
    paper: Any, provider: str, readable: bool, code: str, why: str
) -> None:
    old = paper.held(paper.certificate(begins=-50))
    new = paper.held(paper.certificate(begins=-5), provider=provider, readable=readable)
    rule = Finds("name", "sf.example")
    found = choose(rule, store_of(old, new), manifest(rule, code), paper.now)
    assert found.held is old
    assert why in found.passed_over[0]


def test_an_expired_certificate_is_never_presented(paper: Any) -> None:
    rule = Finds("name", "sf.example")
    gone = paper.held(paper.certificate(begins=-50, ends=-1))
    assert choose(rule, store_of(gone), manifest(rule), paper.now).held is None


def test_an_expired_certificate_of_an_authority_is_dropped_even_when_expired_ones_are_accepted(paper: Any) -> None:
    gone = paper.held(paper.certificate(begins=-50, ends=-1))
    own = paper.held(paper.certificate(begins=-50, ends=-1, self_signed=True))
    setting = ("Security", "AcceptExpiredPinnedClusterCertificate", "true")
    for held, presented in ((gone, None), (own, own)):
        rule = Finds("thumbprint", held.thumbprint)
        assert choose(rule, store_of(held), manifest(rule, "11.4.268.1", setting), paper.now).held is presented


def test_of_two_thumbprints_the_newer_is_presented_unless_the_setting_says_otherwise(paper: Any) -> None:
    first = paper.held(paper.certificate(begins=-50))
    second = paper.held(paper.certificate(begins=-5))
    rule = Finds("thumbprint", first.thumbprint, second.thumbprint)
    store = store_of(first, second)
    assert choose(rule, store, manifest(rule), paper.now).held is second
    primary_only = manifest(rule, "11.4.268.1", ("Security", "UseSecondaryIfNewer", "false"))
    assert choose(rule, store, primary_only, paper.now).held is first


def test_the_secondary_is_the_fallback_when_the_primary_is_not_there(paper: Any) -> None:
    second = paper.held(paper.certificate())
    rule = Finds("thumbprint", "AB" * 20, second.thumbprint)
    only = manifest(rule, "11.4.268.1", ("Security", "UseSecondaryIfNewer", "false"))
    assert choose(rule, store_of(second), only, paper.now).held is second


def test_a_certificate_in_another_store_is_not_found(paper: Any) -> None:
    rule = Finds("name", "sf.example")
    elsewhere = store_of(paper.held(paper.certificate()), name=store_key("My", "CurrentUser"))
    assert choose(rule, elsewhere, manifest(rule), paper.now).held is None


def test_a_renewal_link_makes_another_certificate_be_presented(paper: Any) -> None:
    cluster = paper.held(paper.certificate("sf.example", sans=("sf.example",)))
    web = paper.held(paper.certificate("web.example", sans=("web.example", "sf.example")))
    store = store_of(cluster, web)
    assert store.link(MY, web.certificate) == [cluster.thumbprint]
    rule = Finds("name", "sf.example")
    assert choose(rule, store, manifest(rule), paper.now).held is web


def test_links_do_not_run_in_circles(paper: Any) -> None:
    first = paper.held(paper.certificate(begins=-50, sans=("sf.example",)))
    second = paper.held(paper.certificate(begins=-5, sans=("sf.example",)))
    store = store_of(first, second)
    assert store.link(MY, second.certificate) == [first.thumbprint]
    assert store.link(MY, first.certificate) == []
    assert store.end_of_links(MY, first) is second


def test_certificates_whose_names_are_not_covered_are_not_linked(paper: Any) -> None:
    wide = paper.held(paper.certificate(sans=("sf.example", "more.example")))
    narrow = paper.certificate(sans=("sf.example",))
    store = store_of(wide, paper.held(narrow))
    assert store.link(MY, narrow) == []
