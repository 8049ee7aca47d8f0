"""What `sfcert.pki.read` takes out of real X.509 bytes."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import serialization

from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.pki import direct_issuers, is_issued_by, read_certificate, read_pem_chain
from tests import make


def test_reads_the_facts_that_service_fabric_judges_by() -> None:
    issued = make.leaf(dns_names=("shop.fabric.example.com", "*.shop.example.com"))
    facts = read_certificate(issued.der)
    assert facts.thumbprint == hashlib.sha1(issued.der).hexdigest().upper()
    assert facts.common_name == "shop.fabric.example.com"
    assert facts.dns_names == ("shop.fabric.example.com", "*.shop.example.com")
    assert facts.ekus == (SERVER_AUTH, CLIENT_AUTH)
    assert (facts.key_type, facts.key_bits) == ("RSA", 2048)
    assert facts.not_before_utc.tzinfo is not None
    assert not facts.is_self_signed
    assert facts.authority_key_id == make.authority().facts.key_id


def test_a_certificate_without_the_extension_has_no_usage_rather_than_an_empty_one() -> None:
    assert make.leaf(ekus=None).facts.ekus is None


def test_self_signed_is_verified_and_not_read_off_the_names() -> None:
    assert make.certificate("lonely.example.com", key_label="lonely").facts.is_self_signed
    impostor = make.certificate("Example Root", issuer=make.authority(root="Example Root"), key_label="impostor")
    assert not impostor.facts.is_self_signed


def test_the_direct_issuer_is_found_by_signature_and_twins_of_one_key_are_both_listed() -> None:
    twin = make.authority("Example Issuing CA A", key_label="ca Example Issuing CA A", root="Other Root")
    known = [make.authority().facts, twin.facts, make.authority("Example Issuing CA B").facts, make.leaf().facts]
    found = direct_issuers(make.leaf().facts, known)
    assert {one.thumbprint for one in found} == {make.authority().thumbprint, twin.thumbprint}
    assert not is_issued_by(make.leaf().facts, make.authority("Example Issuing CA B").facts)


def test_a_pem_chain_keeps_its_order_and_passes_over_private_keys() -> None:
    issued = make.leaf()
    pem = b"".join(one.x509.public_bytes(serialization.Encoding.PEM) for one in (issued, *issued.chain))
    secret = make.key(issued.key_label).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = read_pem_chain(secret + pem)
    assert [one.thumbprint for one in chain] == [one.thumbprint for one in (issued, *issued.chain)]


def test_a_key_that_nobody_can_read_is_of_no_known_kind_and_like_no_other() -> None:
    issuer = make.authority()
    # the public exponent as a string of bits
    facts = read_certificate(issuer.der.replace(b"\x02\x03\x01\x00\x01", b"\x03\x03\x01\x00\x01", 1))
    assert (facts.key_type, facts.key_bits) == ("unknown", 0)
    assert facts.public_key_sha256 != issuer.facts.public_key_sha256
    assert direct_issuers(make.leaf().facts, [facts]) == ()


@pytest.mark.parametrize("rubbish", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_not_x509_is_refused(rubbish: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words differ by what is wrong
        read_pem_chain(rubbish)
