"""Is what the CA sent a chain that may be merged? Read, put in order and checked; nothing is added. Floor 5.

Some CAs send their certificates in another order than they have to. cert-manager sorts them too (its pki package,
`ParseSingleCertificateChain`). Leaves out whether the cluster accepts the chain: that is the gate's question.
Source: RFC 8555, section 9.1 (each certificate certifies the one before it); section 7.4.2 (alternates).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from sfcert.errors import RefusedError

Certificates = tuple[x509.Certificate, ...]


def read_chain(pem: bytes, *, ca: str) -> Certificates:
    """The certificates in the order in which the CA sent them.

    Raises:
        RefusedError: `AcmeChainUnusable` where it is not a PEM chain.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise _unusable(ca, "it is not a list of PEM certificates", "Report it to the CA, then renew.") from error


def read_request(csr_der: bytes) -> x509.CertificateSigningRequest:
    """The certificate request that the vault made.

    Raises:
        RefusedError: it is none.
    """
    try:
        return x509.load_der_x509_csr(csr_der)
    except ValueError as error:
        raise RefusedError(
            "AcmeChainUnusable", "The vault's certificate request cannot be read, so nothing can be signed for it."
        ) from error


def requested_names(request: x509.CertificateSigningRequest) -> frozenset[str]:
    """The names in lower case that the CA will find in the request: its alternative names and its common name."""
    found = {
        str(one.value).lower()
        for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        # a CA takes the common name for a name to verify only if it can be one
        if "." in str(one.value) and " " not in str(one.value)
    }
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset(found)
    return frozenset(found | {one.lower() for one in names.get_values_for_type(x509.DNSName)})


def key_of(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """The public key as DER, to compare."""
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def holds_key(certificate: x509.Certificate, wanted: bytes) -> bool:
    """Whether the certificate is for that key. One whose key is of a kind that nobody can read is for another."""
    try:
        return key_of(certificate) == wanted
    except (ValueError, UnsupportedAlgorithm):
        return False


def in_order(chain: Certificates, request: x509.CertificateSigningRequest) -> Certificates:
    """The same certificates: the request's leaf first, each followed by the one that signed it.

    What was sent twice is there once. The order of the CA stays where it makes no single chain of all of them.
    """
    unlike = tuple(dict.fromkeys(chain))
    wanted = key_of(request)
    found = tuple(one for one in unlike if holds_key(one, wanted))[:1]
    while found:
        above = next((one for one in unlike if one not in found and _is_signed_by(found[-1], one)), None)
        if above is None:
            break
        found = (*found, above)
    return found if len(found) == len(unlike) else chain


def check_chain(chain: Certificates, request: x509.CertificateSigningRequest, *, ca: str) -> None:
    """Nothing, if the chain is for this request's key, leaf first, each certificate signed by the next, two at least.

    Raises:
        RefusedError: `AcmeChainUnusable` with what is wrong and the way out.
    """
    wanted = key_of(request)
    holders = [index for index, one in enumerate(chain) if holds_key(one, wanted)]
    if not holders:
        raise _unusable(
            ca,
            "its certificate is for another key than the vault's request",
            "Another run may have begun a new request in the vault meanwhile: run this again, which makes a new order.",
        )
    if holders[0] != 0:
        raise _unusable(ca, "it does not begin with the certificate that was asked for", _REPORT)
    if len(chain) == 1:
        raise _unusable(
            ca,
            "the issuer's certificate is missing, so nobody can tell which issuer has to be pinned",
            "Choose another chain of this CA, or fetch the issuer's certificate and merge by hand.",
        )
    for index, (below, above) in enumerate(pairwise(chain)):
        if not _is_signed_by(below, above):
            raise _unusable(ca, f"certificate {index + 1} is not signed by the one that follows it", _REPORT)


def pick(chains: Sequence[Certificates], preferred_chain: str | None) -> tuple[int, bool]:
    """Which chain to use, and whether it is what was preferred.

    Args:
        chains: the CA's own first; not empty.
        preferred_chain: an issuer's common name; the case counts for nothing. None takes the CA's own.

    Returns:
        The index of the first chain whose last certificate is by an issuer of that name, else of the first in which any
        certificate is; 0 and False where none is.

    Source: the last one as with cert-manager (pkg/controller/acmeorders) and certbot: a cross-signed root has its
    name in the longer chain too, and who names it wants the shorter one.
    """
    if preferred_chain is None:
        return 0, True
    for is_wanted in (ends_with_issuer, _has_issuer):
        for index, chain in enumerate(chains):
            if is_wanted(chain, preferred_chain):
                return index, True
    return 0, False


def ends_with_issuer(chain: Certificates, name: str) -> bool:
    """Whether the chain's last certificate was issued by that name; the case counts for nothing."""
    return name.casefold() in _names(chain[-1].issuer)


def _has_issuer(chain: Certificates, name: str) -> bool:
    return any(name.casefold() in _names(one.issuer) for one in chain)


def _names(name: x509.Name) -> set[str]:
    return {str(one.value).casefold() for one in name.get_attributes_for_oid(NameOID.COMMON_NAME)}


def _is_signed_by(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


_REPORT = "Report it to the CA; a renewal makes a new order."


def _unusable(ca: str, what: str, way_out: str) -> RefusedError:
    return RefusedError(
        "AcmeChainUnusable", f"The chain from {ca} is not merged: {what}. {way_out} The vault's current version stays."
    )
