"""Who signed whom? Direct issuers, and the order of a chain, by verified signature. Leaves out: trust, revocation,
validity in time, and what a certificate means that no other of a chain needs: that is for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def in_order(
    chain: Sequence[Certificate], leaf: Certificate
) -> tuple[tuple[Certificate, ...], tuple[Certificate, ...]]:
    """The leaf's chain out of `chain`, and what of it is left over.

    Args:
        leaf: one of `chain`.

    Returns:
        The leaf, each followed by its issuer, then those that were certified again with a key of that line and what
        signed them. Beside it the certificates that none of these needs, in the order given. What was given twice is
        there once.
    """
    rest = list({one.thumbprint: one for one in chain}.values())
    current: Certificate | None = leaf
    found: list[Certificate] = []
    while current is not None:
        found.append(current)
        rest = [one for one in rest if one.thumbprint != current.thumbprint]
        above = direct_issuers(current, rest) if not current.is_self_signed else ()
        # of several certificates of one key, the one that leads on
        current = next(
            (one for one in above if one.is_self_signed or direct_issuers(one, rest)), next(iter(above), None)
        )
    while more := [one for one in rest if any(is_issued_by(each, one) for each in found if not each.is_self_signed)]:
        found += more
        rest = [one for one in rest if one not in more]
    return tuple(found), tuple(rest)
