"""The simulated certificate authorities: what they sign must stand before an outside chain builder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import verification

from sfcert.sim.authority import install
from sfcert.sim.authority.authorities import EKUS_BOTH, Authorities, thumbprint
from sfcert.sim.authority.building import CLIENT_AUTH, SERVER_AUTH, name_of
from sfcert.sim.kernel.azure import Azure

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture
def authorities() -> Authorities:
    azure = Azure(start=START, seed=7, tenant_id="t", subscription_id="s")
    install(azure)
    return azure.service("authority", Authorities)


def make_pair(authorities: Authorities) -> None:
    authorities.create("root", not_before=START - YEAR, not_after=START + 10 * YEAR)
    authorities.create("sub", not_before=START - YEAR, not_after=START + 5 * YEAR, parent="root")


def test_a_leaf_verifies_through_the_intermediate_to_the_root(authorities: Authorities) -> None:
    make_pair(authorities)
    issued = authorities.get("sub").issue(
        "a.example", ["a.example"], not_before=START, not_after=START + timedelta(days=90), ekus=EKUS_BOTH
    )
    store = verification.Store([authorities.get("root").certificate])
    verifier = verification.PolicyBuilder().store(store).time(START + timedelta(days=1))
    chain = verifier.build_server_verifier(x509.DNSName("a.example")).verify(issued.leaf, [issued.chain[0]])
    assert [thumbprint(one) for one in chain] == [issued.thumbprint, *(thumbprint(one) for one in issued.chain)]


def test_the_chain_begins_with_the_direct_issuer_and_ends_with_the_root(authorities: Authorities) -> None:
    make_pair(authorities)
    issued = authorities.get("sub").issue("a", [], not_before=START, not_after=START + YEAR)
    assert issued.chain == (authorities.get("sub").certificate, authorities.get("root").certificate)


def test_key_identifiers_link_leaf_and_issuer(authorities: Authorities) -> None:
    make_pair(authorities)
    leaf = authorities.get("sub").issue("a", ["a"], not_before=START, not_after=START + YEAR).leaf
    above = authorities.get("sub").certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    below = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert below.key_identifier == above.digest


def test_a_twin_has_the_same_key_and_name_but_another_thumbprint(authorities: Authorities) -> None:
    make_pair(authorities)
    twin = authorities.create("sub2", not_before=START, not_after=START + YEAR, parent="root", same_key_as="sub")
    first = authorities.get("sub")
    assert twin.key is first.key
    assert twin.certificate.subject == first.certificate.subject
    assert twin.thumbprint != first.thumbprint
    leaf = first.issue("a", ["a"], not_before=START, not_after=START + YEAR).leaf
    leaf.verify_directly_issued_by(twin.certificate)


def test_no_two_leaves_share_a_key_unless_told(authorities: Authorities) -> None:
    make_pair(authorities)
    sub = authorities.get("sub")
    first = sub.issue("a", ["a"], not_before=START, not_after=START + YEAR)
    second = sub.issue("a", ["a"], not_before=START, not_after=START + YEAR)
    third = sub.issue("a", ["a"], not_before=START, not_after=START + YEAR, key=first.key)
    assert first.key is not second.key
    assert third.key is first.key
    assert len({first.thumbprint, second.thumbprint, third.thumbprint}) == 3


def test_a_self_signed_leaf_has_no_chain_and_is_its_own_issuer(authorities: Authorities) -> None:
    issued = authorities.self_signed("a", ["a"], not_before=START - YEAR, not_after=START + YEAR)
    assert issued.chain == ()
    issued.leaf.verify_directly_issued_by(issued.leaf)
    assert issued.leaf.not_valid_before_utc == START - YEAR


@pytest.mark.parametrize(("ekus"), [(), (SERVER_AUTH,), (SERVER_AUTH, CLIENT_AUTH)])
def test_usages_are_those_asked_for(authorities: Authorities, ekus: tuple[str, ...]) -> None:
    leaf = authorities.self_signed("a", ["a"], not_before=START, not_after=START + YEAR, ekus=ekus).leaf
    try:
        found = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        found = x509.ExtendedKeyUsage([])
    assert tuple(oid.dotted_string for oid in found) == ekus


def test_names_keep_reading_order() -> None:
    name = name_of('CN=a.example, O="Example, Inc", C=DE')
    assert [part.value for part in name] == ["a.example", "Example, Inc", "DE"]


def test_the_abbreviations_of_windows_are_read() -> None:
    name = name_of("CN=a.example, E=a@b.example, S=Bavaria")
    assert [part.value for part in name] == ["a.example", "a@b.example", "Bavaria"]


def test_the_keys_of_a_subject_are_read_in_any_case() -> None:
    assert name_of("cn=a.example, o=Example") == name_of("CN=a.example, O=Example")


def test_ca_path_constraint_and_usage_are_set(authorities: Authorities) -> None:
    make_pair(authorities)
    extensions = authorities.get("sub").certificate.extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
