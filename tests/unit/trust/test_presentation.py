"""What a node presents: selection by the reference's section 2.1."""

from __future__ import annotations

import pytest

from sfcert.model.certificate import Certificate
from sfcert.trust.presentation import presents
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import Holding, Presented
from tests.unit.trust.small import NAME, NOW, RULES, cert, holding, thumbprint

BY_NAME = Presented(names=(NAME,))
OLD, NEW = cert("O", day=1, days=900), cert("G", day=50, days=100)


def shown(presented: Presented, held: list[Holding], rules: RuntimeRules = RULES) -> tuple[str, ...]:
    return tuple(one.serial for one in presents(presented, held, rules, NOW).certificates)


def held(*certificates: Certificate) -> list[Holding]:
    return [holding(one) for one in certificates]


def declared(*letters: str) -> Presented:
    return Presented(thumbprints=tuple(thumbprint(one) for one in letters))


def test_the_newest_begin_wins_by_name_since_7_2_445_whoever_issued_it() -> None:
    assert shown(BY_NAME, held(OLD, NEW)) == ("G",)


def test_the_farthest_end_wins_on_older_runtimes() -> None:
    assert shown(BY_NAME, held(OLD, NEW), RuntimeRules(selects_newest=False)) == ("O",)


def test_an_unknown_runtime_leaves_the_choice_open() -> None:
    found = presents(BY_NAME, held(OLD, NEW), RuntimeRules(selects_newest=None), NOW)
    assert {one.serial for one in found.certificates} == {"O", "G"}
    assert found.certificate is None


@pytest.mark.parametrize(
    ("subject", "dns"),
    [
        pytest.param("Shop.fabric.example.com", None, id="another case of the common name"),
        pytest.param("*.fabric.example.com", None, id="a wildcard that would cover the name"),
        pytest.param("other.example.com", (NAME,), id="the name only among the DNS names"),
    ],
)
def test_a_certificate_is_found_by_its_exact_common_name_alone(subject: str, dns: tuple[str, ...] | None) -> None:
    found = presents(BY_NAME, held(cert("X", name=subject, dns=dns)), RULES, NOW)
    assert found.certificates == ()
    assert "nothing in the store matches" in found.why


def test_a_wildcard_declaration_finds_the_certificate_that_is_called_so() -> None:
    wildcard = cert("W", name="*.fabric.example.com")
    assert shown(Presented(names=("*.fabric.example.com",)), held(wildcard, NEW)) == ("W",)


def test_equal_begins_are_not_settled() -> None:
    twin = cert("T", day=50, days=300)
    found = presents(BY_NAME, held(NEW, twin), RULES, NOW)
    assert {one.serial for one in found.certificates} == {"G", "T"}


def test_expired_certificates_are_passed_over() -> None:
    assert shown(BY_NAME, held(OLD, cert("E", day=60, days=10))) == ("O",)


def test_a_certificate_that_is_not_yet_valid_may_or_may_not_be_chosen() -> None:
    assert set(shown(BY_NAME, held(NEW, cert("F", day=150)))) == {"G", "F"}


def test_keys_that_cannot_be_used_are_passed_over() -> None:
    assert shown(BY_NAME, [holding(NEW, has_key=False), holding(OLD)]) == ("O",)
    assert shown(BY_NAME, [holding(NEW, provider="CNG"), holding(OLD)], RuntimeRules(cng_keys=False)) == ("O",)
    assert shown(BY_NAME, [holding(NEW, provider="CNG"), holding(OLD)]) == ("G",)


def test_another_store_is_not_looked_into_but_its_case_does_not_matter() -> None:
    assert shown(BY_NAME, [holding(NEW, store="CurrentUser\\MY"), holding(OLD, store="MY")]) == ("O",)


def test_by_thumbprint_the_newer_of_both_is_presented_by_default() -> None:
    assert shown(declared("O", "G"), held(OLD, NEW)) == ("G",)
    assert shown(declared("G", "O"), held(OLD, NEW)) == ("G",)


def test_use_secondary_if_newer_off_means_the_primary_while_it_can_be_loaded() -> None:
    rules = RuntimeRules(use_secondary_if_newer=False)
    assert shown(declared("O", "G"), held(OLD, NEW), rules) == ("O",)
    assert shown(declared("O", "G"), held(NEW), rules) == ("G",)


def test_other_certificates_of_the_same_name_mean_nothing_to_a_thumbprint() -> None:
    assert shown(declared("O"), held(OLD, NEW)) == ("O",)


def test_a_link_to_a_certificate_that_is_not_asked_for_leaves_nothing_to_load() -> None:
    linked = [holding(OLD, links_to=NEW.thumbprint), holding(NEW)]
    found = presents(declared("O"), linked, RULES, NOW)
    assert found.certificates == ()
    assert "is linked to" in found.why


def test_a_link_is_followed_to_its_end_where_the_name_matches_too() -> None:
    last = cert("L", day=40)
    chain = [holding(NEW, links_to=OLD.thumbprint), holding(OLD, links_to=last.thumbprint), holding(last)]
    assert shown(BY_NAME, chain) == ("L",)


def test_links_in_a_ring_end() -> None:
    ring = [holding(OLD, links_to=NEW.thumbprint), holding(NEW, links_to=OLD.thumbprint)]
    assert shown(BY_NAME, ring) == ("O",)


def test_an_unseen_certificate_in_the_store_might_be_the_choice_by_name() -> None:
    found = presents(BY_NAME, held(NEW), RULES, NOW, unknown=("AB" * 20,))
    assert found.certificate is None
    assert "AB" * 20 in found.missing[0]


def test_an_unseen_certificate_matters_to_a_thumbprint_only_where_it_is_the_one() -> None:
    assert presents(declared("O"), held(OLD), RULES, NOW, unknown=("AB" * 20,)).certificate == OLD
    assert presents(declared("X"), held(OLD), RULES, NOW, unknown=(thumbprint("X"),)).missing


def test_an_expired_self_signed_certificate_still_counts_where_that_is_set() -> None:
    expired = cert("S", days=10, self_signed=True)
    assert shown(declared("S"), held(expired)) == ()
    assert shown(declared("S"), held(expired), RuntimeRules(accepts_expired_pinned=True)) == ("S",)


def test_a_key_of_a_cng_provider_under_an_unknown_runtime_leaves_the_choice_open() -> None:
    unknown = RuntimeRules(cng_keys=None)
    for one in (holding(NEW, provider="CNG"), holding(OLD, provider="CNG")):
        found = presents(BY_NAME, [one], unknown, NOW, unknown=("AB" * 20,))
        assert found.certificate is None
        assert len(found.missing) == 2
    assert presents(BY_NAME, [holding(NEW, provider="CAPI")], unknown, NOW).missing == ()
    assert presents(BY_NAME, [holding(NEW, provider="CNG")], RULES, NOW).missing == ()


@pytest.mark.parametrize(
    ("presented", "held_by_node", "rules", "said"),
    [
        (Presented(), [holding(NEW)], RULES, "nothing is declared"),
        (BY_NAME, [], RULES, "nothing in the store matches"),
        (BY_NAME, [holding(NEW, store="Root"), holding(OLD, store="Root")], RULES, "in another store than My"),
        (BY_NAME, [holding(cert("E", days=10)), holding(cert("D", days=20), store="Root")], RULES, "has expired"),
        (BY_NAME, [holding(NEW, provider="CNG")], RuntimeRules(cng_keys=False), "CNG provider"),
        (BY_NAME, [holding(NEW, has_key=False, provider="CNG")], RULES, "no usable private key"),
    ],
    ids=["nothing declared", "nothing held", "another store", "expired", "the key's provider", "no key"],
)
def test_why_nothing_can_be_presented_is_told(
    presented: Presented, held_by_node: list[Holding], rules: RuntimeRules, said: str
) -> None:
    found = presents(presented, held_by_node, rules, NOW)
    assert found.certificates == ()
    assert said in found.why
