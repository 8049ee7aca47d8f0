"""What a node accepts: the reference's sections 2.2 and 2.3."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from sfcert.model.observation import PinnedName
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.validation import accepts, has_name
from sfcert.trust.world import Trusted
from tests.unit.trust.small import NAME, NOW, RULES, authority, cert, pinned, thumbprint

LEAF = cert("G")
A, B = authority("A"), authority("B")


def by_thumbprint(*letters: str) -> Trusted:
    return Trusted(thumbprints=tuple(thumbprint(one) for one in letters))


def by_name(*issuers: str, name: str = NAME) -> Trusted:
    return Trusted(names=(pinned(name, *issuers),))


def test_a_thumbprint_needs_no_issuer_and_no_trusted_root() -> None:
    assert accepts(by_thumbprint("G"), LEAF, None, RULES, NOW).ok is True
    assert accepts(by_thumbprint("X"), LEAF, None, RULES, NOW).ok is False


@pytest.mark.parametrize(("day", "days"), [(-50, 100), (120, 100)], ids=["expired", "not yet valid"])
def test_time_is_fatal_to_both_rules(day: float, days: float) -> None:
    leaf = cert("E", day=day, days=days)
    both = Trusted(thumbprints=(leaf.thumbprint,), names=(pinned(NAME, "A"),))
    assert accepts(both, leaf, (A,), RULES, NOW).ok is False


def test_an_expired_thumbprint_is_accepted_only_self_signed_and_only_where_that_is_set() -> None:
    rules = RuntimeRules(accepts_expired_pinned=True)
    expired, issued = cert("S", days=10, self_signed=True), cert("E", days=10)
    assert accepts(by_thumbprint("S"), expired, None, rules, NOW).ok is True
    assert accepts(by_thumbprint("S"), expired, None, RULES, NOW).ok is False
    assert accepts(by_thumbprint("E"), issued, (A,), rules, NOW).ok is False
    assert accepts(Trusted(names=(pinned(NAME, "S"),)), expired, None, rules, NOW).ok is False


@pytest.mark.parametrize(
    ("leaf_name", "dns", "declared", "expected"),
    [
        (NAME, (), NAME, True),
        (NAME.upper(), (), NAME, True),
        ("other.example.com", (NAME,), NAME, True),
        ("*.fabric.example.com", (), NAME, True),
        ("*.example.com", (), NAME, False),
        ("*.fabric.example.com", (), "fabric.example.com", False),
        ("*.fabric.example.com", (), "*.fabric.example.com", True),
        ("other.example.com", ("more.example.com",), NAME, False),
    ],
)
def test_a_name_is_the_subject_or_any_dns_name_with_wildcards_for_one_label(
    leaf_name: str, dns: tuple[str, ...], declared: str, expected: bool
) -> None:
    assert has_name(cert("N", name=leaf_name, dns=dns), declared) is expected


def test_a_pinned_name_wants_the_direct_issuer() -> None:
    assert accepts(by_name("A"), LEAF, (A,), RULES, NOW).ok is True
    refused = accepts(by_name("B"), LEAF, (A,), RULES, NOW)
    assert refused.ok is False
    assert "not pinned" in refused.why


def test_an_unknown_issuer_is_unknown_and_says_which() -> None:
    verdict = accepts(by_name("A"), LEAF, None, RULES, NOW)
    assert verdict.ok is None
    assert verdict.missing == (f"the direct issuer of {LEAF.thumbprint[:8]}…",)


def test_of_two_issuers_with_one_key_all_or_none_decide_and_one_leaves_it_open() -> None:
    assert accepts(by_name("A", "B"), LEAF, (A, B), RULES, NOW).ok is True
    assert accepts(by_name("C"), LEAF, (A, B), RULES, NOW).ok is False
    assert accepts(by_name("A"), LEAF, (A, B), RULES, NOW).ok is None


def test_a_twin_that_has_expired_completes_no_chain() -> None:
    expired = authority("B", days=100)
    assert accepts(by_name("A"), LEAF, (A, expired), RULES, NOW).ok is True
    assert accepts(by_name("B"), LEAF, (expired,), RULES, NOW).ok is False


def test_a_self_signed_certificate_is_its_own_issuer() -> None:
    own = cert("S", self_signed=True)
    assert accepts(by_name("S"), own, None, RULES, NOW).ok is True
    assert accepts(by_name("A"), own, None, RULES, NOW).ok is False
    assert accepts(by_name(), own, None, RULES, NOW).ok is False


def test_without_a_pin_it_depends_on_roots_that_cannot_be_seen() -> None:
    assert accepts(by_name(), LEAF, (A,), RULES, NOW).ok is None


def test_pins_that_cannot_be_read_are_no_invitation() -> None:
    broken = PinnedName(common_name=NAME, issuers=(), issuers_text="zz", malformed=("zz",))
    assert accepts(Trusted(names=(broken,)), LEAF, (A,), RULES, NOW).ok is False


def test_any_rule_that_accepts_is_enough() -> None:
    trusted = Trusted(thumbprints=(thumbprint("X"),), names=(pinned("other.example.com", "A"), pinned(NAME, "A")))
    assert accepts(trusted, LEAF, (A,), RULES, NOW).ok is True


def test_nothing_trusted_accepts_nothing() -> None:
    assert accepts(Trusted(), LEAF, (A,), RULES, NOW).ok is False


def test_the_last_second_counts_and_the_end_does_not() -> None:
    end = LEAF.not_after_utc
    assert accepts(by_thumbprint("G"), LEAF, None, RULES, end - timedelta(seconds=1)).ok is True
    assert accepts(by_thumbprint("G"), LEAF, None, RULES, end).ok is False


def test_a_certificate_without_a_common_name_stands_by_its_dns_names() -> None:
    nameless = msgspec.structs.replace(cert("G", dns=("other.example.com", NAME.upper())), common_name=None)
    assert has_name(nameless, NAME)
    assert not has_name(nameless, "third.example.com")
    assert accepts(by_name("A"), nameless, (A,), RULES, NOW).ok is True
