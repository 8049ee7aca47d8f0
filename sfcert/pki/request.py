"""What does a signing request ask for, and for which key? PKCS #10 only. Floor 1. Source: RFC 2986."""

from __future__ import annotations

import base64
import hashlib
import textwrap

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from sfcert.model.base import Value
from sfcert.model.certificate import AlternativeNames
from sfcert.pki.names import names_in


class RequestFacts(Value):
    """`public_key_sha256` is over SubjectPublicKeyInfo, upper-case hex, as in `Certificate`."""

    common_name: str | None
    alternative_names: AlternativeNames
    public_key_sha256: str


def read_request(der: bytes) -> RequestFacts:
    """The facts of one request, DER. Raises ValueError where it is none."""
    request = x509.load_der_x509_csr(der)
    spki = request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    names = [str(one.value) for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return RequestFacts(
        common_name=names[-1] if names else None,
        alternative_names=names_in(request.extensions),
        public_key_sha256=hashlib.sha256(spki).hexdigest().upper(),
    )


def pem_of_request(der: bytes) -> str:
    """PEM text of a request, as authorities take it (RFC 7468)."""
    return _pem("CERTIFICATE REQUEST", der)


def pem_of_certificates(ders: tuple[bytes, ...]) -> str:
    """PEM text of certificates, in their order."""
    return "".join(_pem("CERTIFICATE", der) for der in ders)


def _pem(label: str, der: bytes) -> str:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
