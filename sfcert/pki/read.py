"""Which facts does a certificate state? Bytes in, `Certificate` out. Leaves out: whether anybody should trust it.

Source: RFC 5280; thumbprints are SHA-1 over the DER, as Windows and Key Vault write them.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from sfcert.model.certificate import Certificate

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def _common_name(name: x509.Name) -> str | None:
    values = [str(attribute.value) for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return values[-1] if values else None


def _extension(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> x509.ExtensionType | None:
    try:
        return certificate.extensions.get_extension_for_oid(oid).value
    except x509.ExtensionNotFound:
        return None


def _key(certificate: x509.Certificate) -> tuple[str, int]:
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return "unknown", 0
    match key:
        case rsa.RSAPublicKey():
            return "RSA", key.key_size
        case ec.EllipticCurvePublicKey():
            return "EC", key.key_size
        case dsa.DSAPublicKey():
            return "DSA", key.key_size
        case ed25519.Ed25519PublicKey():
            return "Ed25519", 256
        case ed448.Ed448PublicKey():
            return "Ed448", 456
        case _:
            return "unknown", 0


def _public_key_info(certificate: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo, or the whole certificate where the key is of a kind that is not known here, or broken: such
    a key then never counts as the same as another's."""
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (UnsupportedAlgorithm, ValueError):
        return certificate.public_bytes(Encoding.DER)


def _is_self_signed(certificate: x509.Certificate) -> bool:
    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


@lru_cache(maxsize=4096)
def read_certificate(der: bytes) -> Certificate:
    """The facts of one certificate, parsed once per run.

    Args:
        der: one X.509 certificate, DER.

    Raises:
        ValueError: the bytes are no certificate, or one that no parser accepts.

    Effects: none.
    """
    certificate = x509.load_der_x509_certificate(der)
    key_type, key_bits = _key(certificate)
    names = _extension(certificate, ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    ekus = _extension(certificate, ExtensionOID.EXTENDED_KEY_USAGE)
    usage = _extension(certificate, ExtensionOID.KEY_USAGE)
    constraints = _extension(certificate, ExtensionOID.BASIC_CONSTRAINTS)
    key_id = _extension(certificate, ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    authority = _extension(certificate, ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    spki = _public_key_info(certificate)
    return Certificate(
        thumbprint=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        common_name=_common_name(certificate.subject),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        issuer_common_name=_common_name(certificate.issuer),
        serial=f"{certificate.serial_number:X}",
        dns_names=tuple(names.get_values_for_type(x509.DNSName))
        if isinstance(names, x509.SubjectAlternativeName)
        else (),
        not_before_utc=certificate.not_valid_before_utc,
        not_after_utc=certificate.not_valid_after_utc,
        ekus=tuple(eku.dotted_string for eku in ekus) if isinstance(ekus, x509.ExtendedKeyUsage) else None,
        key_usage=tuple(word for word in _USAGES if getattr(usage, word)) if isinstance(usage, x509.KeyUsage) else None,
        key_type=key_type,
        key_bits=key_bits,
        public_key_sha256=hashlib.sha256(spki).hexdigest().upper(),
        key_id=key_id.digest.hex().upper() if isinstance(key_id, x509.SubjectKeyIdentifier) else None,
        authority_key_id=authority.key_identifier.hex().upper()
        if isinstance(authority, x509.AuthorityKeyIdentifier) and authority.key_identifier
        else None,
        is_ca=constraints.ca if isinstance(constraints, x509.BasicConstraints) else False,
        is_self_signed=_is_self_signed(certificate),
        der=der,
    )


def read_pem_chain(pem: bytes) -> tuple[Certificate, ...]:
    """Every certificate of a PEM text, in its order; private keys in it are passed over, never parsed.

    One DER certificate is taken too. Raises ValueError where there is no certificate at all.
    """
    if b"-----BEGIN" not in pem:
        return (read_certificate(pem),)
    found = x509.load_pem_x509_certificates(pem)
    return tuple(read_certificate(one.public_bytes(Encoding.DER)) for one in found)
