"""The gate: each of its questions answered no, by a certificate that is wrong in one thing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sfcert.enrol.expectation import Expectation, expectation_of
from sfcert.enrol.gate import judge, ordered
from sfcert.enrol.prediction import predict
from sfcert.model.bundle import NODES_NOT_ASKED, Unread
from sfcert.model.certificate import SERVER_AUTH
from sfcert.model.enrolment import Acme, EnrolmentPolicy, GateReport, Issuer, Key, Renewal
from sfcert.model.observation import PinnedName
from tests import make

URL = f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"
FRESH = {"not_before": make.NOW - timedelta(hours=1), "not_after": make.NOW + timedelta(days=120)}


def policy(**changes: Any) -> EnrolmentPolicy:
    given = {
        "subject": f"CN={make.COMMON_NAME}",
        "dns_names": (make.COMMON_NAME,),
        "issuer": Issuer(name="Unknown"),
    }
    return EnrolmentPolicy(**(given | changes))


def expected(**changes: Any) -> Expectation:
    return expectation_of(make.observation(make.common_name_world(**changes)))


def report(
    leaf: make.Issued,
    *,
    expectation: Expectation | None,
    chain: tuple[make.Issued, ...] | None = None,
    key: str | None = "own",
    asked: EnrolmentPolicy | None = None,
) -> GateReport:
    answer = tuple(one.facts for one in ((leaf, *leaf.chain) if chain is None else chain))
    return judge(
        answer,
        asked or policy(),
        request_key_sha256=leaf.facts.public_key_sha256 if key == "own" else key,
        expectation=expectation,
        certificate_url=URL,
        known=(),
        now=make.NOW,
    )


def reason(found: GateReport, check: str) -> str:
    return next(one.reason for one in found.checks if one.check == check)


def test_a_successor_from_the_pinned_issuer_passes() -> None:
    found = report(make.leaf("2", **FRESH), expectation=expected())
    assert found.verdict == "pass", found.not_passed


WRONG: list[tuple[str, str, str, dict[str, Any]]] = [
    ("another issuer", "issuer-pinned", "IssuerNotPinned", {"ca": "Example Issuing CA B"}),
    ("another case", "subject-name", "NameNotAsked", {"common_name": make.COMMON_NAME.upper()}),
    ("name not in SAN", "name-in-san", "NotInSan", {"dns_names": ("other.example.com",)}),
    ("no client authentication", "usages", "UsageMissing", {"ekus": (SERVER_AUTH,)}),
    ("dated before the one in use", "newer", "NotNewer", {"not_before": make.NOW - timedelta(days=31)}),
    ("valid tomorrow", "in-date", "NotYetValid", {"not_before": make.NOW + timedelta(days=1)}),
    ("expired", "in-date", "Expired", {"not_after": make.NOW - timedelta(minutes=1)}),
    ("six hours long", "lifetime", "TooShort", {"not_after": make.NOW + timedelta(hours=6)}),
]


@pytest.mark.parametrize(("what", "check", "token", "changes"), WRONG, ids=[one[0] for one in WRONG])
def test_one_thing_wrong_fails_its_own_check(what: str, check: str, token: str, changes: dict[str, Any]) -> None:
    found = report(make.leaf("2", **(FRESH | changes)), expectation=expected())
    assert found.verdict == "fail"
    assert reason(found, check) == token


def test_the_message_for_another_issuer_names_the_pin_to_add_and_how() -> None:
    leaf = make.leaf("2", ca="Example Issuing CA B", **FRESH)
    found = report(leaf, expectation=expected())
    pin = make.authority("Example Issuing CA B").thumbprint
    assert found.pins_to_add == (pin,)
    check = next(one for one in found.checks if one.check == "issuer-pinned")
    assert pin in check.remedy
    assert "change-issuer" in check.remedy


def test_a_twin_of_the_issuer_that_is_not_pinned_fails() -> None:
    twin = make.authority("Example Issuing CA A", key_label="ca Example Issuing CA A", root="Another Root")
    leaf = make.leaf("2", **FRESH)
    found = report(leaf, expectation=expected(), chain=(leaf, *leaf.chain, twin))
    assert reason(found, "issuer-pinned") == "TwinNotPinned"
    assert found.pins_to_add == (twin.thumbprint,)


def test_for_a_plan_the_message_speaks_of_the_plan_and_how_to_plan_again() -> None:
    pin = make.authority("Example Issuing CA A").thumbprint
    name = PinnedName(common_name=make.COMMON_NAME, issuers=(pin,), issuers_text=pin)
    planned = expectation_of(make.observation(make.common_name_world()), name=name)
    leaf = make.leaf("2", ca="Example Issuing CA B", **FRESH)
    other = make.authority("Example Issuing CA B").thumbprint
    check = next(one for one in report(leaf, expectation=planned).checks if one.check == "issuer-pinned")
    assert f"the plan takes none for {make.COMMON_NAME} but from {pin}" in check.message
    assert f"--issuer-thumbprints {other} and the same --enrol-policy" in check.remedy
    twin = make.authority("Example Issuing CA A", key_label="ca Example Issuing CA A", root="Another Root")
    own = make.leaf("2", **FRESH)
    found = report(own, expectation=planned, chain=(own, *own.chain, twin))
    check = next(one for one in found.checks if one.check == "issuer-pinned")
    assert check.reason == "TwinNotPinned"
    assert f"--issuer-thumbprints {pin},{twin.thumbprint}" in check.remedy


def test_a_ca_by_acme_that_dates_back_is_asked_again_once_its_dates_are_late_enough() -> None:
    """The certificate in use began 30 days ago; a CA that dates back by 31 is of use a day from now."""
    back = timedelta(days=31)
    leaf = make.leaf("2", **(FRESH | {"not_before": make.NOW - back}))
    acme = Issuer(name="acme", acme=Acme(directory="https://ca.example"))
    found = report(leaf, expectation=expected(), asked=policy(issuer=acme))
    check = next(one for one in found.checks if one.check == "newer")
    in_use = make.leaf("1").facts.not_before_utc
    assert check.reason == "NotNewer"
    assert f"ask again after {in_use + back + timedelta(minutes=1):%Y-%m-%d %H:%M} UTC" in check.remedy


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (policy(), "one of its products"),
        (policy(issuer=Issuer(name="acme", acme=Acme(directory="https://ca.example"))), "name a `profile` of it"),
        (policy(ekus=(SERVER_AUTH,)), "Let the policy ask for both"),
    ],
    ids=["an authority that people ask", "by ACME", "a policy that does not ask for it"],
)
def test_a_usage_that_is_missing_has_the_way_out_of_whoever_left_it_out(asked: EnrolmentPolicy, said: str) -> None:
    found = report(make.leaf("2", ekus=(SERVER_AUTH,), **FRESH), expectation=expected(), asked=asked)
    check = next(one for one in found.checks if one.check == "usages")
    assert (check.reason, said in check.remedy) == ("UsageMissing", True), check.remedy


def test_a_name_that_differs_in_case_from_the_declared_one_fails() -> None:
    upper = make.COMMON_NAME.upper()
    leaf = make.leaf("2", common_name=upper, **FRESH)
    asked = policy(subject=f"CN={upper}", dns_names=(upper,))
    assert reason(report(leaf, expectation=expected(), asked=asked), "subject-name") == "NameCase"


def test_the_leaf_alone_has_no_issuer_and_passes_nothing() -> None:
    leaf = make.leaf("2", ca="Nobody Knows CA", **FRESH)
    found = report(leaf, expectation=expected(), chain=(leaf,))
    assert reason(found, "chain") == "IntermediateMissing"
    assert reason(found, "issuer-pinned") == "IssuerUnknown"


def test_certificates_that_did_not_sign_it_are_no_chain_and_are_left_out() -> None:
    leaf, other = make.leaf("2", **FRESH), make.leaf("3", ca="Example Issuing CA B", **FRESH)
    strangers = (leaf, other.chain[0], other)
    assert reason(report(leaf, expectation=expected(), chain=strangers), "chain") == "IntermediateMissing"
    mixed = tuple(one.facts for one in (*other.chain, other, *reversed(leaf.chain), leaf))
    found, left_over = ordered(mixed, leaf.facts.public_key_sha256)
    assert found == tuple(one.facts for one in (leaf, *leaf.chain))
    assert set(left_over) == {other.facts, other.chain[0].facts}


def test_a_key_that_may_sign_no_handshake_fails() -> None:
    leaf = make.leaf("2", **FRESH)
    facts = msgspec.structs.replace(leaf.facts, key_usage=("key_cert_sign",))
    found = judge(
        (facts, *(one.facts for one in leaf.chain)),
        policy(),
        request_key_sha256=facts.public_key_sha256,
        expectation=expected(),
        certificate_url=URL,
        known=(),
        now=make.NOW,
    )
    assert [one.check for one in found.not_passed] == ["key-usage"]


@pytest.mark.parametrize("what", ["runtime", f"vaults/{make.VAULT_URL}", "scale sets of /subscriptions/x"])
def test_what_the_cluster_did_not_tell_passes_nothing(what: str) -> None:
    seen = make.observation(make.common_name_world())
    gone = () if what.startswith("vaults/") else seen.vaults
    partly = msgspec.structs.replace(
        seen, vaults=gone, unread=(*seen.unread, Unread(what=what, why="403 Forbidden: no"))
    )
    found = report(make.leaf("2", **FRESH), expectation=expectation_of(partly))
    assert reason(found, "newer") == "ClusterUnread"
    assert found.verdict == "unknown"
    message = next(one.message for one in found.checks if one.check == "newer")
    assert "403 Forbidden" in message


def test_another_observed_certificate_that_cannot_be_read_may_link() -> None:
    seen = expected()
    hidden = msgspec.structs.replace(
        seen, links=True, observed_unread=("https://kv.vault.azure.net/certificates/x: 403",)
    )
    leaf = make.leaf("2", **FRESH)
    assert reason(report(leaf, expectation=hidden), "linking") == "ClusterUnread"
    off = msgspec.structs.replace(hidden, links=False)
    assert report(leaf, expectation=off).verdict == "pass"
    own = msgspec.structs.replace(seen, links=True, observed_unread=(f"{URL}: 403",))
    assert report(leaf, expectation=own).verdict == "pass"


def test_nodes_that_nobody_wanted_asked_are_no_hidden_rival() -> None:
    seen = make.observation(make.common_name_world())
    quiet = msgspec.structs.replace(seen, unread=(Unread(what="runtime", why=NODES_NOT_ASKED),))
    assert expectation_of(quiet).rivals_unread == ()
    assert report(make.leaf("2", **FRESH), expectation=expectation_of(quiet)).verdict == "pass"


def test_another_key_than_the_request_fails_and_an_unread_request_is_unknown() -> None:
    leaf = make.leaf("2", **FRESH)
    other = make.leaf("3", **FRESH).facts.public_key_sha256
    assert reason(report(leaf, expectation=None, key=other), "key-matches-request") == "OtherKey"
    unread = report(leaf, expectation=None, key=None)
    assert unread.verdict == "unknown"


def test_a_chain_in_the_wrong_order_is_put_in_order() -> None:
    leaf = make.leaf("2", **FRESH)
    chain = tuple(one.facts for one in (leaf, *leaf.chain))
    assert ordered(tuple(reversed(chain)), leaf.facts.public_key_sha256) == (chain, ())


def test_names_within_those_of_another_observed_certificate_link() -> None:
    seen = expected()
    other = make.leaf("app", common_name="app.example.com", dns_names=(make.COMMON_NAME, "app.example.com"))
    observed = {f"{make.VAULT_URL}/certificates/app": other.facts}
    leaf = make.leaf("2", **FRESH)
    on = msgspec.structs.replace(seen, observed=observed, links=True)
    assert reason(report(leaf, expectation=on), "linking") == "Links"
    off = msgspec.structs.replace(seen, observed=observed, links=False)
    assert reason(report(leaf, expectation=off), "linking") == "Holds"


@pytest.mark.parametrize(
    ("key", "verdict"),
    [(Key(), "pass"), (Key(exportable=False), "fail"), (Key(type="EC", curve="P-256"), "fail")],
    ids=["RSA", "not exportable", "elliptic curve"],
)
def test_a_key_that_the_nodes_cannot_use_is_refused_before_it_is_made(key: Key, verdict: str) -> None:
    found = _predicted(policy(key=key))
    assert next(one.verdict for one in found.checks if one.check == "key-usable") == verdict


def test_a_form_that_windows_cannot_import_is_refused_before_it_is_asked_for() -> None:
    asked = policy(content_type="application/x-pem-file")
    on_windows = msgspec.structs.replace(expected(), os="Windows")
    assert reason(_predicted(asked, expectation=on_windows), "key-usable") == "KeyUnusable"
    on_linux = msgspec.structs.replace(expected(), os="Linux", runtime="11.0.0.0")
    assert reason(_predicted(asked, expectation=on_linux), "key-usable") == "Holds"


def _predicted(asked: EnrolmentPolicy, **more: Any) -> GateReport:
    given: dict[str, Any] = {
        "expectation": expected(),
        "certificate_url": URL,
        "previous": make.leaf().facts,
        "known": (),
        "given_issuers": (),
        "accepted": frozenset(),
        "now": make.NOW,
    }
    return predict(asked, **(given | more))


def test_the_last_versions_issuer_is_what_is_predicted() -> None:
    assert _predicted(policy(issuer=Issuer(name="ContosoCA"))).verdict == "pass"
    given = (make.authority("Example Issuing CA B").facts,)
    found = _predicted(policy(issuer=Issuer(name="ContosoCA")), given_issuers=given)
    assert found.pins_to_add == (given[0].thumbprint,)


def test_an_unknown_issuer_is_unknown_until_it_is_accepted() -> None:
    asked = policy(issuer=Issuer(name="ContosoCA"))
    nobody = make.leaf(ca="Nobody Knows CA").facts
    assert _predicted(asked, previous=nobody).verdict == "unknown"
    assert _predicted(asked, previous=nobody, accepted=frozenset({"issuer-next-time"})).verdict == "pass"


def test_a_new_name_is_predicted_by_what_the_same_issuer_of_the_vault_had_signed_last() -> None:
    new = f"{make.VAULT_URL}/certificates/another"
    asked = policy(issuer=Issuer(name="ExampleCA"))
    found = _predicted(asked, previous=None, certificate_url=new)
    check = next(one for one in found.checks if one.check == "issuer-pinned")
    assert check.verdict == "pass"
    assert make.authority().thumbprint in check.message
    for other in (
        {"expectation": expected(pins=make.authority("Example Issuing CA B").thumbprint)},
        {"certificate_url": "https://another.vault.azure.net/certificates/another"},
        {"expectation": msgspec.structs.replace(expected(), known=())},
    ):
        given = {"previous": None, "certificate_url": new} | other
        assert reason(_predicted(asked, **given), "issuer-pinned") == "IssuerUnknown"


def test_self_signed_cannot_be_pinned_beforehand() -> None:
    assert reason(_predicted(policy(issuer=Issuer(name="Self"))), "issuer-pinned") == "SelfSigned"


def test_lets_encrypt_is_refused_for_a_cluster_with_dates_and_a_way_out() -> None:
    acme = Issuer(name="acme", acme=Acme(directory="https://acme-v02.api.letsencrypt.org/directory"))
    found = _predicted(policy(issuer=acme))
    check = next(one for one in found.checks if one.check == "sunset")
    assert check.reason == "Sunset"
    assert "2026-07-08" in check.message
    assert "private authority" in check.message


@pytest.mark.parametrize(
    ("common_name", "issuer", "dns_names", "token"),
    [
        ("bücher.example.com", "Self", (), "NotInSan"),
        ("mycluster", "ContosoCA", (), "NotInSan"),
        ("shop.example.com", "Self", (), "NotInSan"),
        ("shop.example.com", "ContosoCA", (), "Holds"),
        ("shop.example.com", "Self", ("*.example.com",), "Holds"),
    ],
)
def test_a_name_that_will_be_in_no_san_is_refused_before_anything_is_sent(
    common_name: str, issuer: str, dns_names: tuple[str, ...], token: str
) -> None:
    asked = policy(subject=f"CN={common_name}", dns_names=dns_names, issuer=Issuer(name=issuer))
    assert reason(_predicted(asked, expectation=None), "name-in-san") == token


def test_without_a_cluster_nothing_is_asked_of_its_pins() -> None:
    leaf = make.leaf("2", ca="Example Issuing CA B", **FRESH)
    assert report(leaf, expectation=None, asked=policy(renewal=Renewal(days_before_expiry=30))).verdict == "pass"
