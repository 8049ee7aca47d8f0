"""What the cluster declares, and what is not known of it, decides: nothing passes that nobody could judge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sfcert.enrol.checks import check_key
from sfcert.enrol.expectation import Expectation
from sfcert.enrol.gate import judge, ordered
from sfcert.model.certificate import CLIENT_AUTH
from sfcert.model.enrolment import Acme, GateCheck, GateReport, Issuer, Key
from sfcert.model.observation import PinnedName
from tests import make
from tests.unit.enrol.test_gate import FRESH, URL, _predicted, expected, policy, reason, report

LEAF = make.leaf("2", **FRESH)
PIN = make.authority().thumbprint
INTEGRATED = policy(issuer=Issuer(name="ExampleCA"))


def but(**changes: Any) -> Expectation:
    return msgspec.structs.replace(expected(), **changes)


def check_of(found: GateReport, name: str) -> GateCheck:
    return next(one for one in found.checks if one.check == name)


def pinned_to(text: str) -> tuple[PinnedName, ...]:
    return (
        PinnedName(common_name=make.COMMON_NAME, issuers=tuple(text.split(",")) if text else (), issuers_text=text),
    )


def test_a_declaration_that_could_not_be_told_leaves_the_name_and_the_pins_unknown() -> None:
    unresolved = but(kind="unresolved", names=())
    for found in (report(LEAF, expectation=unresolved), _predicted(INTEGRATED, expectation=unresolved)):
        assert found.verdict == "unknown"
        assert reason(found, "subject-name") == reason(found, "issuer-pinned") == "ClusterUnread"


def test_another_name_than_the_declared_ones_is_refused_and_no_pins_are_taken_for_it() -> None:
    other = but(names=(PinnedName(common_name="other.example.com", issuers=(PIN,), issuers_text=PIN),))
    found = report(LEAF, expectation=other)
    assert (found.verdict, reason(found, "subject-name")) == ("fail", "OtherName")
    assert check_of(found, "issuer-pinned").verdict == "unknown"
    assert "other.example.com" in check_of(found, "subject-name").message


def test_a_subject_without_a_name_is_refused_whatever_else_is_right() -> None:
    facts = msgspec.structs.replace(LEAF.facts, common_name=None)
    found = judge(
        (facts, *(one.facts for one in LEAF.chain)),
        policy(),
        request_key_sha256=facts.public_key_sha256,
        expectation=expected(),
        certificate_url=URL,
        known=(),
        now=make.NOW,
    )
    assert (found.verdict, reason(found, "subject-name")) == ("fail", "OtherName")
    assert check_of(found, "name-in-san").verdict == "fail"
    assert check_of(found, "issuer-pinned").verdict == "unknown"


@pytest.mark.parametrize("text", ["", "  "])
def test_without_pins_any_issuer_passes_and_no_pin_is_to_be_added(text: str) -> None:
    unpinned = but(names=(PinnedName(common_name=make.COMMON_NAME, issuers=(), issuers_text=text),))
    stranger = make.leaf("2", ca="Example Issuing CA B", **FRESH)
    found = report(stranger, expectation=unpinned)
    assert (found.verdict, found.pins_to_add) == ("pass", ())
    predicted = _predicted(INTEGRATED, expectation=unpinned, previous=None)
    assert (predicted.verdict, predicted.pins_to_add) == ("pass", ())


def test_pins_of_which_none_can_be_read_are_not_no_pins() -> None:
    odd = but(names=(PinnedName(common_name=make.COMMON_NAME, issuers=(), issuers_text="not hex"),))
    assert reason(report(LEAF, expectation=odd), "issuer-pinned") == "IssuerNotPinned"


def test_a_cluster_by_thumbprint_asks_for_no_pins() -> None:
    by_thumbprint = but(kind="thumbprint", names=(), in_use=())
    assert report(LEAF, expectation=by_thumbprint).verdict == "pass"


def test_a_twin_of_the_issuer_that_has_ended_builds_no_chain_and_needs_no_pin() -> None:
    now = make.NOW
    for ends, verdict in ((now, "pass"), (now + timedelta(seconds=1), "fail")):
        twin = make.certificate(
            "Example Issuing CA A",
            issuer=make.authority().chain[0],
            key_label="ca Example Issuing CA A",
            is_ca=True,
            not_before=now - timedelta(days=900),
            not_after=ends,
        )
        found = report(LEAF, expectation=expected(), chain=(LEAF, *LEAF.chain, twin))
        assert check_of(found, "issuer-pinned").verdict == verdict


def test_a_name_of_the_request_that_the_authority_left_out_is_refused() -> None:
    asked = policy(dns_names=(make.COMMON_NAME.upper(), "www.example.com"))
    check = check_of(report(LEAF, expectation=expected(), asked=asked), "name-in-san")
    assert (check.reason, check.message) == ("SanMissing", "Asked for, but not in it: www.example.com.")


def test_a_runtime_that_selects_by_the_end_compares_ends() -> None:
    """Before 7.2 CU4 nodes present what expires last, whenever it begins."""
    old = {"runtime": "7.2.0.1"}
    longer = make.leaf("2", not_before=make.NOW - timedelta(days=60), not_after=make.NOW + timedelta(days=151))
    assert reason(report(longer, expectation=but(**old)), "newer") == "Holds"
    assert reason(report(longer, expectation=expected()), "newer") == "NotNewer"
    shorter = report(LEAF, expectation=but(**old))
    assert reason(shorter, "newer") == "NotNewer"
    assert "NotAfter" in check_of(shorter, "newer").message


def test_the_rule_of_selection_of_an_unknown_runtime_is_unknown() -> None:
    assert reason(report(LEAF, expectation=but(runtime=None)), "newer") == "ClusterUnread"


def test_a_certificate_is_newer_only_than_the_newest_in_use_and_not_than_itself() -> None:
    second = timedelta(seconds=1)
    rivals = (make.leaf("3", not_before=FRESH["not_before"]).facts, make.leaf().facts)
    for in_use in (rivals, rivals[::-1]):
        assert reason(report(LEAF, expectation=but(in_use=in_use)), "newer") == "NotNewer"
        later = make.leaf("2", **(FRESH | {"not_before": FRESH["not_before"] + second}))
        assert reason(report(later, expectation=but(in_use=in_use)), "newer") == "Holds"
    assert reason(report(LEAF, expectation=but(in_use=(LEAF.facts,))), "newer") == "Holds"


def test_a_rival_that_was_not_read_counts_although_the_known_ones_are_older() -> None:
    hidden = but(rivals_unread=("runtime: 403",))
    assert reason(report(LEAF, expectation=hidden), "newer") == "ClusterUnread"
    alone = but(in_use=(), unread=("the vault: 403",))
    assert reason(report(LEAF, expectation=alone), "newer") == "ClusterUnread"


@pytest.mark.parametrize(
    ("ends_after", "expected_reason"),
    [(-1, "EndsBeforePlan"), (0, "Holds"), (1, "Holds")],
    ids=["less", "just", "more"],
)
def test_a_plan_counts_on_the_certificate_to_the_second(ends_after: int, expected_reason: str) -> None:
    until = LEAF.facts.not_after_utc - timedelta(seconds=ends_after)
    found = report(LEAF, expectation=but(lives_until_utc=until))
    assert reason(found, "outlives-plan") == expected_reason
    if ends_after < 0:
        assert check_of(found, "outlives-plan").message.startswith("It ends on")


def test_a_plan_counts_on_the_issuer_too() -> None:
    issuer = make.certificate(
        "Short CA", issuer=make.authority().chain[0], key_label="short", is_ca=True, not_after=LEAF.facts.not_after_utc
    )
    leaf = make.certificate(
        issuer=issuer, key_label="leaf-2", not_before=make.NOW, not_after=LEAF.facts.not_after_utc + timedelta(days=9)
    )
    until = LEAF.facts.not_after_utc + timedelta(days=1)
    planned = but(names=pinned_to(issuer.thumbprint), lives_until_utc=until)
    check = check_of(report(leaf, expectation=planned), "outlives-plan")
    assert check.reason == "EndsBeforePlan"
    assert issuer.thumbprint in check.message


def test_an_authority_that_rotates_its_intermediates_is_refused_for_a_pinned_cluster_alone() -> None:
    issuer = make.certificate("R13 Let's Encrypt", key_label="le", is_ca=True, not_after=make.NOW + timedelta(days=900))
    leaf = make.certificate(issuer=issuer, key_label="leaf-2", **FRESH)
    pinned = report(leaf, expectation=but(names=pinned_to(issuer.thumbprint)))
    assert (pinned.verdict, reason(pinned, "sunset")) == ("fail", "Sunset")
    assert reason(report(leaf, expectation=but(names=pinned_to(""))), "sunset") == "Holds"


@pytest.mark.parametrize(
    ("system", "runtime", "verdict"),
    [
        ("Linux", "11.0.0.0", "pass"),
        ("Linux", "10.1.0.0", "fail"),
        ("Linux", None, "unknown"),
        ("unknown", "11.0.0.0", "unknown"),
        ("unknown", "10.1.0.0", "fail"),
        ("Windows", "11.0.0.0", "fail"),
        ("Windows", None, "fail"),
    ],
)
def test_a_pem_passes_only_on_machines_of_which_is_known_that_they_take_it(
    system: Any, runtime: str | None, verdict: str
) -> None:
    asked = policy(content_type="application/x-pem-file")
    cluster = but(os=system, runtime=runtime)
    assert check_of(_predicted(asked, expectation=cluster), "key-usable").verdict == verdict
    assert check_of(_predicted(policy(), expectation=cluster), "key-usable").verdict == "pass"


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        (Key(size=2048), "pass"),
        (Key(size=4096), "pass"),
        (Key(type="RSA-HSM"), "fail"),
        (Key(type="EC", curve="P-256"), "fail"),
    ],
    ids=["2048", "4096", "kept in hardware", "elliptic curve"],
)
def test_a_key_that_machines_can_get_and_use_passes(key: Key, verdict: str) -> None:
    assert check_of(_predicted(policy(key=key)), "key-usable").verdict == verdict


def test_a_key_that_is_shorter_than_the_shortest_is_refused() -> None:
    facts = msgspec.structs.replace(LEAF.facts, key_bits=2047)
    assert check_key(facts.key_type, facts.key_bits, policy(), expected()).verdict == "fail"
    assert check_key(facts.key_type, 2048, policy(), expected()).verdict == "pass"


@pytest.mark.parametrize(
    ("theirs", "token"),
    [
        ((make.COMMON_NAME,), "Links"),
        ((make.COMMON_NAME.upper(), "b.example.com"), "Links"),
        (("b.example.com",), "Holds"),
        ((), "Holds"),
    ],
    ids=["the same", "more, spelt otherwise", "others", "none"],
)
def test_certificates_link_where_the_names_of_one_lie_within_those_of_the_other(
    theirs: tuple[str, ...], token: str
) -> None:
    other = msgspec.structs.replace(make.leaf("9").facts, dns_names=theirs)
    strange = msgspec.structs.replace(make.leaf("8").facts, dns_names=("z.example.com",))
    observed = {f"{make.VAULT_URL}/certificates/a": strange, f"{make.VAULT_URL}/certificates/b": other}
    assert reason(report(LEAF, expectation=but(links=True, observed=observed)), "linking") == token
    assert reason(report(LEAF, expectation=but(links=None, observed=observed)), "linking") == token
    assert reason(report(LEAF, expectation=but(links=True, observed={URL: other})), "linking") == "Holds"


def test_usages_are_those_of_a_cluster_whatever_the_policy_asks() -> None:
    asked = policy(ekus=(CLIENT_AUTH,))
    for found in (_predicted(asked), _predicted(policy(ekus=()))):
        assert reason(found, "usages") == "UsageMissing"
    assert reason(_predicted(asked, expectation=None), "usages") == "Holds"


def test_a_key_usage_without_signatures_is_refused_before_it_is_asked_for() -> None:
    assert reason(_predicted(policy(key_usage=("keyEncipherment",))), "key-usage") == "UsageMissing"
    assert reason(_predicted(policy(key_usage=())), "key-usage") == "Holds"


def test_an_integrated_authority_is_known_by_its_provider_or_by_what_it_signed_last() -> None:
    by_provider = policy(issuer=Issuer(name="our-ca", provider="Let's Encrypt"))
    assert reason(_predicted(by_provider, previous=None), "sunset") == "Sunset"
    last = make.certificate(
        issuer=make.certificate("R13 Let's Encrypt", key_label="le", is_ca=True), key_label="leaf-2", **FRESH
    )
    assert reason(_predicted(INTEGRATED, previous=last.facts), "sunset") == "Sunset"
    assert reason(_predicted(INTEGRATED, previous=last.facts, expectation=None), "sunset") == "Holds"


def test_issuers_that_are_told_win_over_what_signed_the_last_version() -> None:
    stranger = make.authority("Example Issuing CA B")
    assert _predicted(INTEGRATED).verdict == "pass"
    told = _predicted(INTEGRATED, signed_by=(stranger.thumbprint,))
    assert (told.verdict, told.pins_to_add) == ("fail", (stranger.thumbprint,))
    assert "as given" in check_of(told, "issuer-pinned").message
    given = _predicted(INTEGRATED, previous=None, given_issuers=(make.authority().facts,))
    assert given.verdict == "pass"
    from_last = _predicted(
        INTEGRATED, previous=make.leaf("b", ca="Example Issuing CA B").facts, known=(stranger.facts,)
    )
    assert from_last.pins_to_add == (stranger.thumbprint,)
    assert "as the last version's issuer" in check_of(from_last, "issuer-pinned").message


def test_an_acme_directory_is_asked_by_address_and_no_pin_is_predicted_for_what_is_judged_before_the_merge() -> None:
    asked = policy(issuer=Issuer(name="acme", acme=Acme(directory="https://ca.example")))
    assert _predicted(asked, previous=None).verdict == "pass"


def test_a_self_signed_leaf_is_its_own_chain_and_stands_in_no_other() -> None:
    own = make.certificate(key_label="own", **FRESH).facts
    assert ordered([own]) == ((own,), ())
    chain = [one.facts for one in (LEAF, *LEAF.chain)]
    assert ordered([own, *chain], LEAF.facts.public_key_sha256) == (tuple(chain), (own,))


def test_for_a_cluster_by_thumbprint_only_certificates_of_the_same_name_are_rivals() -> None:
    newer = {"not_before": FRESH["not_before"] + timedelta(minutes=1)}
    by_thumbprint: dict[str, Any] = {"kind": "thumbprint", "names": ()}
    other = make.leaf("8", common_name="other.example.com", **newer).facts
    assert reason(report(LEAF, expectation=but(**by_thumbprint, in_use=(other,))), "newer") == "Holds"
    same = make.leaf("9", **newer).facts
    assert reason(report(LEAF, expectation=but(**by_thumbprint, in_use=(other, same))), "newer") == "NotNewer"


def test_of_two_certificates_of_the_issuers_key_the_one_that_leads_on_comes_first() -> None:
    twin = make.authority("Example Issuing CA A", key_label="ca Example Issuing CA A", root="Another Root")
    whole = (LEAF, *LEAF.chain, twin)
    for chain in ((LEAF, twin, *LEAF.chain), (*LEAF.chain[::-1], twin, LEAF)):
        found, _ = ordered([one.facts for one in chain], LEAF.facts.public_key_sha256)
        assert found == tuple(one.facts for one in whole)


def test_its_own_older_version_among_what_nodes_observe_hides_no_other() -> None:
    other = msgspec.structs.replace(make.leaf("9").facts, dns_names=LEAF.facts.dns_names)
    for name in ("a", "z"):
        observed = dict(sorted({URL: make.leaf().facts, f"{make.VAULT_URL}/certificates/{name}": other}.items()))
        assert reason(report(LEAF, expectation=but(links=True, observed=observed)), "linking") == "Links"


def test_without_a_cluster_nothing_is_asked_of_the_key_and_a_short_one_is_refused_for_a_cluster() -> None:
    assert reason(_predicted(policy(key=Key(exportable=False)), expectation=None), "key-usable") == "Holds"
    pem = policy(content_type="application/x-pem-file")
    assert reason(_predicted(pem, expectation=None), "key-usable") == "Holds"
    assert reason(_predicted(policy(key=Key(size=1024))), "key-usable") == "KeyUnusable"
