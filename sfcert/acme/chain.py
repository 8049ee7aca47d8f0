"""Is what the CA sent a chain that may be merged? Read, put in order and checked; nothing is added. Floor 5.

Some CAs send their certificates in another order than they have to. cert-manager sorts them too (its pki package,
`ParseSingleCertificateChain`). Leaves out whether the cluster accepts the chain: that is the gate's question.
Source: RFC 8555, section 9.1 (each certificate certifies the one before it); section 7.4.2 (alternates).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sfcert import pki
from sfcert.errors import RefusedError
from sfcert.model.certificate import Certificate
from sfcert.pki.request import RequestFacts
from sfcert.pki.request import read_request as read_facts

Certificates = tuple[Certificate, ...]


def read_chain(pem: bytes, *, ca: str) -> Certificates:
    """The certificates in the order in which the CA sent them.

    Raises:
        RefusedError: `AcmeChainUnusable` where it is not a PEM chain.
    """
    try:
        return pki.read_pem_chain(pem)
    except ValueError as error:
        raise _unusable(ca, "it is not a list of PEM certificates", "Report it to the CA, then renew.") from error


def read_request(csr_der: bytes) -> RequestFacts:
    """The certificate request that the vault made.

    Raises:
        RefusedError: it is none.
    """
    try:
        return read_facts(csr_der)
    except ValueError as error:
        raise RefusedError(
            "AcmeChainUnusable", "The vault's certificate request cannot be read, so nothing can be signed for it."
        ) from error


def requested_names(request: RequestFacts) -> frozenset[str]:
    """The names in lower case that the CA will find in the request: its alternative names and its common name."""
    found = {one.lower() for one in request.alternative_names.dns_names}
    # a CA takes the common name for a name to verify only if it can be one
    if request.common_name is not None and "." in request.common_name and " " not in request.common_name:
        found.add(request.common_name.lower())
    return frozenset(found)


def in_order(chain: Certificates, request: RequestFacts) -> Certificates:
    """The same certificates: the request's leaf first, each followed by the one that signed it.

    What was sent twice is there once. The order of the CA stays where not all of them belong to the leaf.
    """
    leaf = next((one for one in chain if one.public_key_sha256 == request.public_key_sha256), None)
    if leaf is None:
        return chain
    found, strangers = pki.in_order(chain, leaf)
    return chain if strangers else found


def check_chain(chain: Certificates, request: RequestFacts, *, ca: str) -> None:
    """Nothing, if the chain is for this request's key, leaf first, each certificate signed by the next, two at least.

    Raises:
        RefusedError: `AcmeChainUnusable` with what is wrong and the way out.
    """
    holders = [index for index, one in enumerate(chain) if one.public_key_sha256 == request.public_key_sha256]
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
        if not pki.is_issued_by(below, above):
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
    return _is_by(chain[-1], name)


def _has_issuer(chain: Certificates, name: str) -> bool:
    return any(_is_by(one, name) for one in chain)


def _is_by(certificate: Certificate, name: str) -> bool:
    return (certificate.issuer_common_name or "").casefold() == name.casefold()


_REPORT = "Report it to the CA; a renewal makes a new order."


def _unusable(ca: str, what: str, way_out: str) -> RefusedError:
    return RefusedError(
        "AcmeChainUnusable", f"The chain from {ca} is not merged: {what}. {way_out} The vault's current version stays."
    )
