"""Names asked for against names granted, and what the gate and a resumed run make of it."""

from __future__ import annotations

import base64
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sfcert.enrol.gate import judge
from sfcert.enrol.granted import added_names, is_same, lacking_names
from sfcert.enrol.reading import is_ours, policy_of_leaf
from sfcert.model.certificate import AlternativeNames
from sfcert.model.enrolment import EnrolmentPolicy, GateCheck, Issuer, Record, Sans
from tests import make

FRESH = {"not_before": make.NOW - timedelta(hours=1), "not_after": make.NOW + timedelta(days=120)}
UPN = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x10svc@corp.example")
ADDRESS = x509.IPAddress(ip_address("192.0.2.1"))
MAIL = x509.RFC822Name("ops@example.com")


def asked(**sans: tuple[str, ...]) -> EnrolmentPolicy:
    return EnrolmentPolicy(
        subject=f"CN={make.COMMON_NAME}",
        dns_names=(make.COMMON_NAME,),
        sans=Sans(**sans),
        issuer=Issuer(name="Unknown"),
    )


def judged(policy: EnrolmentPolicy, **leaf: Any) -> GateCheck:
    issued = make.leaf("2", **FRESH, **leaf)
    found = judge(
        tuple(one.facts for one in (issued, *issued.chain)),
        policy,
        request_key_sha256=issued.facts.public_key_sha256,
        expectation=None,
        certificate_url=f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}",
        known=(),
        now=make.NOW,
    )
    return next(one for one in found.checks if one.check == "name-in-san")


@pytest.mark.parametrize(
    ("policy", "more", "lacks"),
    [
        (asked(emails=("ops@example.com",)), (), "e-mail address ops@example.com"),
        (asked(upns=("svc@corp.example",)), (MAIL,), "user principal name svc@corp.example"),
        (asked(emails=("ops@example.com",), upns=("svc@corp.example",)), (UPN,), "e-mail address ops@example.com"),
        (asked(uris=("spiffe://example/shop",)), (MAIL,), "URI spiffe://example/shop"),
        (asked(ip_addresses=("192.0.2.1", "192.0.2.2")), (ADDRESS,), "address 192.0.2.2"),
    ],
)
def test_a_name_of_any_kind_that_was_not_granted_fails(
    policy: EnrolmentPolicy, more: tuple[x509.GeneralName, ...], lacks: str
) -> None:
    found = judged(policy, more_names=more)
    assert (found.reason, found.message) == ("SanMissing", f"Asked for, but not in it: {lacks}.")


def test_names_of_every_kind_that_were_granted_pass() -> None:
    found = judged(asked(emails=("Ops@Example.com",), upns=("svc@corp.example",)), more_names=(MAIL, UPN))
    assert (found.verdict, found.message) == ("pass", "Every name that was asked for is in it.")


def test_what_the_authority_added_is_told_and_no_reason_to_refuse() -> None:
    found = judged(asked(), dns_names=(make.COMMON_NAME, "www.example.com"), more_names=(MAIL,))
    assert found.verdict == "pass"
    assert found.message.endswith("The authority added: www.example.com, e-mail address ops@example.com.")


def test_the_subjects_own_name_is_no_addition() -> None:
    policy = EnrolmentPolicy(subject="CN=a.example.com", issuer=Issuer(name="Unknown"))
    assert added_names(policy, AlternativeNames(dns_names=("A.example.com", "b.example.com"))) == ("b.example.com",)


def test_a_certificate_from_elsewhere_asked_for_what_it_has() -> None:
    leaf = make.leaf("2", more_names=(MAIL, UPN)).facts
    policy = policy_of_leaf(leaf)
    assert (policy.sans.emails, policy.sans.upns) == (("ops@example.com",), ("svc@corp.example",))


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("dns_names", "A.example", "a.example", True),
        ("uris", "HTTPS://Example.com/Path", "https://example.com/Path", True),
        ("uris", "https://example.com/Path", "https://example.com/path", False),
        ("uris", "http://[", "http://[", True),
        ("ip_addresses", "2001:DB8:0::1", "2001:db8::1", True),
        ("ip_addresses", "192.0.2.1", "192.0.2.2", False),
        ("ip_addresses", "192.0.2", "192.0.2", True),
    ],
)
def test_names_are_the_same_by_what_they_name(kind: str, one: str, other: str, same: bool) -> None:
    assert is_same(AlternativeNames(**{kind: (one,)}), AlternativeNames(**{kind: (other,)})) is same


def test_names_of_different_kinds_are_never_the_same() -> None:
    assert not is_same(AlternativeNames(emails=("a@b.example",)), AlternativeNames(upns=("a@b.example",)))
    assert lacking_names(asked(emails=("a@b.example",)), AlternativeNames(upns=("a@b.example",)))


def test_an_open_request_with_another_e_mail_address_is_somebody_else_s() -> None:
    names = x509.SubjectAlternativeName([x509.DNSName(make.COMMON_NAME), MAIL])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, make.COMMON_NAME)])
    built = x509.CertificateSigningRequestBuilder(subject).add_extension(names, critical=False)
    signed = built.sign(make.key("leaf-1"), hashes.SHA256()).public_bytes(Encoding.DER)
    record = Record(vault_url=make.VAULT_URL, name="c", step="requesting", policy_digest="d")
    pending = {"csr": base64.b64encode(signed).decode()}
    assert is_ours(pending, record, asked(emails=("ops@example.com",)), "d")
    assert not is_ours(pending, record, asked(emails=("others@example.com",)), "d")
