"""The alternative names of a certificate, by kind."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.model.certificate import AlternativeNames
from sfcert.pki.names import alternative_names
from sfcert.pki.request import read_request
from tests import make

UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
MORE = (
    x509.RFC822Name("ops@example.com"),
    x509.OtherName(UPN, b"\x0c\x10svc@corp.example"),
    x509.UniformResourceIdentifier("spiffe://example/shop"),
    x509.IPAddress(ip_address("192.0.2.1")),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.RegisteredID(UPN),
)
NAMES = AlternativeNames(
    dns_names=("a.example.com", "b.example.com"),
    emails=("ops@example.com",),
    upns=("svc@corp.example",),
    uris=("spiffe://example/shop",),
    ip_addresses=("192.0.2.1", "2001:db8::1"),
)


def test_each_kind_is_told_apart_and_keeps_its_order() -> None:
    issued = make.leaf(dns_names=("a.example.com", "b.example.com"), more_names=MORE)
    assert alternative_names(issued.der) == NAMES


def test_a_certificate_without_the_extension_has_none() -> None:
    assert alternative_names(make.leaf(dns_names=()).der) == AlternativeNames()


def test_a_request_is_read_as_a_certificate_is() -> None:
    general = [*(x509.DNSName(one) for one in NAMES.dns_names), *MORE]
    built = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = built.add_extension(x509.SubjectAlternativeName(general), False).sign(make.key("leaf-1"), hashes.SHA256())
    assert read_request(signed.public_bytes(Encoding.DER)).alternative_names == NAMES


LONG = f"{'s' * 200}@corp.example"


@pytest.mark.parametrize(
    ("der", "found"),
    [
        pytest.param(b"\x0c\x81" + bytes([len(LONG)]) + LONG.encode(), (LONG,), id="a length of its own octets"),
        pytest.param(b"\x16\x03a@b", (), id="another kind of string"),
        pytest.param(b"\x0c\x02\xff\xfe", (), id="no UTF-8"),
        pytest.param(b"\x05\x00", (), id="no string at all"),
    ],
)
def test_a_principal_name_is_a_utf8_string_of_any_length(der: bytes, found: tuple[str, ...]) -> None:
    assert alternative_names(make.leaf(more_names=(x509.OtherName(UPN, der),)).der).upns == found
