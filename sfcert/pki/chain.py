"""Who signed whom? Direct issuers, by verified signature. Leaves out: trust, revocation, validity in time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from sfcert.model.certificate import Certificate


@lru_cache(maxsize=4096)
def _verifies(leaf_der: bytes, issuer_der: bytes) -> bool:
    leaf, issuer = x509.load_der_x509_certificate(leaf_der), x509.load_der_x509_certificate(issuer_der)
    try:
        leaf.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def is_issued_by(leaf: Certificate, issuer: Certificate) -> bool:
    """Whether `issuer`'s name and key signed `leaf`. A self-signed certificate issued itself."""
    return leaf.issuer == issuer.subject and _verifies(leaf.der, issuer.der)


def direct_issuers(leaf: Certificate, known: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Every known certificate whose key signed `leaf`, by thumbprint; several where an authority was certified twice
    with one key. Empty when none is known."""
    found = {one.thumbprint: one for one in known if is_issued_by(leaf, one)}
    return tuple(found[key] for key in sorted(found))
