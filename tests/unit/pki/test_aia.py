"""What an authority answers: certificates as PEM, DER or PKCS #7, and nothing else."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from sfcert.pki.aia import read_issuer_answer
from tests import make

LEAF = make.leaf()
CHAIN = (LEAF, *LEAF.chain)
X509 = [one.x509 for one in CHAIN]
WANTED = {one.thumbprint for one in CHAIN}


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_pkcs7_is_read_in_both_encodings(encoding: Encoding) -> None:
    found = read_issuer_answer(pkcs7.serialize_certificates(X509, encoding))
    assert {one.thumbprint for one in found} == WANTED


def test_pem_and_der_are_read() -> None:
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in X509)
    assert [one.thumbprint for one in read_issuer_answer(pem)] == [one.thumbprint for one in CHAIN]
    assert [one.thumbprint for one in read_issuer_answer(LEAF.der)] == [LEAF.thumbprint]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n",
        LEAF.der[:40],
    ],
    ids=["nothing", "a word", "PEM of no certificate", "PEM of no PKCS #7", "a certificate cut short"],
)
def test_anything_else_is_refused_in_one_sentence(answer: bytes) -> None:
    with pytest.raises(ValueError, match="neither PEM nor DER"):
        read_issuer_answer(answer)
