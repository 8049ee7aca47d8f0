"""Where does a certificate say its issuer can be fetched? Addresses only; fetching is a port's. Floor 1.

Source: RFC 5280 section 4.2.2.1.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from sfcert.model.certificate import Certificate
from sfcert.pki.read import read_certificate, read_pem_chain


def issuer_addresses(certificate: Certificate) -> tuple[str, ...]:
    """The plain http addresses of caIssuers, in the certificate's order; others (ldap, https) are left out.

    https is left out as the RFC advises against it: checking that server would need a chain of its own.
    """
    parsed = x509.load_der_x509_certificate(certificate.der)
    try:
        access = parsed.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
    except x509.ExtensionNotFound:
        return ()
    assert isinstance(access, x509.AuthorityInformationAccess)
    return tuple(
        entry.access_location.value
        for entry in access
        if entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(entry.access_location, x509.UniformResourceIdentifier)
        and entry.access_location.value.lower().startswith("http://")
    )


def read_issuer_answer(answer: bytes) -> tuple[Certificate, ...]:
    """The certificates in what an address answered: DER, PEM, or a certs-only PKCS#7, itself DER or PEM.

    Raises:
        ValueError: it is none of these.
    """
    try:
        return read_pem_chain(answer)
    except ValueError:
        is_pem = b"-----BEGIN" in answer
        read = pkcs7.load_pem_pkcs7_certificates if is_pem else pkcs7.load_der_pkcs7_certificates
        try:
            found = read(answer)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError("it is neither PEM nor DER of a certificate, nor a PKCS #7 of some") from error
        if not found:
            raise ValueError("it is an empty PKCS #7") from None
        return tuple(read_certificate(one.public_bytes(Encoding.DER)) for one in found)
