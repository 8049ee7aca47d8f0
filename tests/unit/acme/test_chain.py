"""Which of a CA's chains is taken, by the name of an issuer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sfcert.acme.chain import Certificates, pick
from sfcert.pki import read_certificate

KEY = ec.generate_private_key(ec.SECP256R1())
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def chain(*names: str) -> Certificates:
    """One certificate for each name, issued by the next one; the last name is only an issuer."""
    return tuple(
        read_certificate(
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(issuer))
            .public_key(KEY.public_key())
            .serial_number(1)
            .not_valid_before(BEGIN)
            .not_valid_after(BEGIN + timedelta(days=1))
            .sign(KEY, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )
        for subject, issuer in pairwise(names)
    )


LONG = chain("leaf", "E5", "Root X2", "Root X1")
SHORT = chain("leaf", "E5", "Root X2")


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, (0, True)),
        ("Root X1", (0, True)),
        ("Root X2", (1, True)),
        ("root x2", (1, True)),
        ("E5", (0, True)),
        ("Root X3", (0, False)),
    ],
)
def test_the_chain_that_ends_with_the_issuer_goes_before_one_that_only_passes_it(
    wanted: str | None, chosen: tuple[int, bool]
) -> None:
    assert pick([LONG, SHORT], wanted) == chosen
