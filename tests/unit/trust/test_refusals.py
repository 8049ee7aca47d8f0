"""The resource provider's own refusals (reference 1.2), each with its name."""

from __future__ import annotations

import msgspec
import pytest

from sfcert.model.observation import ClientCertificate, Declaration, PinnedName
from sfcert.trust.refusals import refusals, refusals_of_definition
from tests.unit.trust.small import NAME, by_name, by_thumbprint, pinned, thumbprint

NONE = Declaration(kind="none", path="p")


def names(*declared: PinnedName) -> Declaration:
    return Declaration(kind="common-name", path="p", names=declared, store="My")


def written(text: str) -> Declaration:
    return names(PinnedName(common_name=NAME, issuers=(), issuers_text=text))


def codes(before: Declaration, after: Declaration) -> list[str]:
    return [code for code, _ in refusals(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (by_thumbprint("A"), names(pinned(" ", "I")), "InvalidCommonName"),
        (by_thumbprint("A"), names(*(pinned(f"{n}.example.com", "I") for n in "abc")), "InvalidCommonNameCount"),
        (by_thumbprint("A"), names(pinned(NAME, "I"), pinned(NAME, "J")), "DupeCommonNameNotAllowedForClusterCert"),
        (
            by_thumbprint("A"),
            msgspec.structs.replace(by_name("I"), kind="both", thumbprints=(thumbprint("A"),)),
            "InvalidCommonNameThumbprintPair",
        ),
        (by_thumbprint("A"), written("not hex"), "InvalidCertificateIssuerThumbprints"),
        (by_thumbprint("A"), written("ab,AB"), "InvalidCertificateIssuerThumbprints"),
        (
            by_thumbprint("A"),
            Declaration(kind="thumbprint", path="p", malformed=("\u200eAB",), thumbprints=(thumbprint("A"),)),
            "InvalidClusterCertificateThumbprint",
        ),
        (by_thumbprint("A", "B"), by_thumbprint("A", "C"), "TwoCertificatesToTwoCertificatesNotAllowed"),
        (by_thumbprint("A", "B"), by_thumbprint("B", "A"), "TwoCertificatesToTwoCertificatesNotAllowed"),
        (by_thumbprint("A"), by_thumbprint("B", "C"), "CertificateUpgradeWithNoIntersectionNotAllowed"),
        (by_thumbprint("A", "B"), by_thumbprint("C"), "CertificateUpgradeWithNoIntersectionNotAllowed"),
        (by_thumbprint("A"), by_thumbprint("B"), "AddAndRemoveCertificateNotAllowed"),
        (by_name("I"), by_name("J"), "IssuerThumbprintUpgradeWithNoIntersection"),
        (NONE, by_thumbprint("A"), "AuthenticationTypeCannotBeChangedByAddingCertificate"),
        (by_thumbprint("A"), NONE, "AuthenticationTypeCannotBeChangedByRemovingCertificate"),
    ],
)
def test_refused_with_its_own_name(before: Declaration, after: Declaration, code: str) -> None:
    assert codes(before, after) == [code]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(by_thumbprint("A", "B"), by_name("I"), id="two thumbprints to a name: the kind changes"),
        pytest.param(by_thumbprint("A"), by_thumbprint("A", "B"), id="a secondary is added"),
        pytest.param(by_name("I"), by_name("I", "J"), id="an issuer is added"),
        pytest.param(
            by_thumbprint("A"), written(" AB CD ,ef"), id="blanks in a list are taken, and length is not checked"
        ),
    ],
)
def test_taken(before: Declaration, after: Declaration) -> None:
    assert codes(before, after) == []


def test_the_reverse_proxy_takes_no_pins() -> None:
    found = refusals(NONE, by_name("I"), role="reverse-proxy")
    assert [code for code, _ in found] == ["UnsupportedIssuerThumbprintPair"]


def test_clients_need_a_cluster_certificate_and_names_need_issuers() -> None:
    client = ClientCertificate(kind="common-name", value="ops", issuers=(), is_admin=True)
    found = [code for code, _ in refusals(NONE, NONE, clients=(client,))]
    assert found == ["ClientCertDefinedWithoutServerCert", "ClientCommonNameDefinedWithoutIssuerThumbprint"]


def test_issuers_come_by_store_or_by_pin() -> None:
    settings = {"Security/ServerCertificateIssuerStores": {"Example Root": "Root"}}
    found = refusals(by_thumbprint("A"), by_name("I"), settings=settings)
    assert [code for code, _ in found] == ["IssuerCertStoreAndIssuerPinningCannotBeTogether"]
    assert refusals(by_thumbprint("A"), by_name(), settings=settings) == ()


def test_the_thumbprint_of_a_client_is_hex() -> None:
    client = ClientCertificate(kind="thumbprint", value="\u200eAB", issuers=(), is_admin=True)
    found = refusals(by_thumbprint("A"), by_name("I"), clients=(client,))
    assert [code for code, _ in found] == ["InvalidClientCertificateThumbprint"]


def test_a_certificate_change_does_not_go_with_a_change_of_scale() -> None:
    found = refusals(by_thumbprint("A"), by_thumbprint("A", "B"), scales_too=True)
    assert [code for code, _ in found] == ["CertificateAndScaleUpgradeTogetherNotAllowed"]
    assert refusals(by_thumbprint("A"), by_thumbprint("A"), scales_too=True) == ()


def two(*letters: str) -> Declaration:
    return names(*(pinned(f"{one}.example.com", "I") for one in letters))


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (two("a", "b"), two("a", "c"), ["TwoCertificatesToTwoCertificatesNotAllowed"]),
        (two("a", "b"), two("b", "a"), ["TwoCertificatesToTwoCertificatesNotAllowed"]),
        (two("a"), two("b", "c"), ["CertificateUpgradeWithNoIntersectionNotAllowed"]),
        (two("a", "b"), two("c"), ["CertificateUpgradeWithNoIntersectionNotAllowed"]),
        (two("a"), two("b"), []),
        (two("a"), two("a", "b"), []),
        (two("a", "b"), two("b"), []),
    ],
)
def test_names_are_counted_as_thumbprints_are(before: Declaration, after: Declaration, code: list[str]) -> None:
    assert codes(before, after) == code


def test_a_malformed_thumbprint_is_refused_by_the_name_of_its_role() -> None:
    odd = Declaration(kind="thumbprint", path="p", malformed=("\u200eAB",))
    for role, code in (
        ("cluster", "InvalidClusterCertificateThumbprint"),
        ("reverse-proxy", "InvalidReverseProxyCertificateThumbprint"),
    ):
        assert [one for one, _ in refusals_of_definition(odd, role=role)] == [code]  # type: ignore[arg-type]  # a closed list


@pytest.mark.parametrize(
    ("kind", "value", "issuers", "code"),
    [
        ("common-name", " ", ("I",), ["InvalidCommonName"]),
        ("common-name", "ops.example.com", (), ["ClientCommonNameDefinedWithoutIssuerThumbprint"]),
        ("common-name", "ops.example.com", ("I",), []),
        ("thumbprint", "AB CD", (), []),
        ("thumbprint", "not hex", (), ["InvalidClientCertificateThumbprint"]),
    ],
)
def test_each_client_is_checked_by_its_kind(kind: str, value: str, issuers: tuple[str, ...], code: list[str]) -> None:
    client = ClientCertificate(kind=kind, value=value, issuers=issuers, is_admin=True)  # type: ignore[arg-type]  # a closed list
    found = refusals(by_thumbprint("A"), by_thumbprint("A"), clients=(client,))
    assert [one for one, _ in found] == code
