"""What does a secret's value look like, and what is in an imported one? PFX and PEM, with chain.

Source: RFC 7292 for PFX; Key Vault's two content types `application/x-pkcs12` and `application/x-pem-file`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)

from sfcert.sim.authority.keys import PrivateKey
from sfcert.sim.keyvault.failures import bad_parameter
from sfcert.sim.keyvault.state import PEM, PFX, StoredVersion


def secret_value(version: StoredVersion) -> str:
    """The secret behind a certificate version: base64 PFX without a password, or PEM (key first, then leaf, chain).

    A key that may not be exported is left out; the certificates are still there.
    """
    if version.content_type == PEM:
        parts = [one.public_bytes(Encoding.PEM).decode("ascii") for one in (version.leaf, *version.chain)]
        if version.exportable:
            key = version.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            parts.insert(0, key.decode("ascii"))
        return "".join(parts)
    key_or_none = version.key if version.exportable else None
    pfx = pkcs12.serialize_key_and_certificates(
        None, key_or_none, version.leaf, list(version.chain) or None, NoEncryption()
    )
    return base64.b64encode(pfx).decode("ascii")


def read_import(
    value: str, password: str | None, content_type: str | None
) -> tuple[PrivateKey, x509.Certificate, tuple[x509.Certificate, ...], str]:
    """Key, leaf, the other certificates (direct issuer first where it can be found) and the content type.

    Raises:
        VaultFailure: 400 for what is neither a PFX nor a PEM with one key and its certificate.
    """
    if content_type == PEM or "-----BEGIN" in value:
        key, certificates = _read_pem(value)
        kind = PEM
    else:
        key, certificates = _read_pfx(value, password)
        kind = PFX
    leaf = next((one for one in certificates if one.public_key() == key.public_key()), None)
    if leaf is None:
        raise bad_parameter(
            "The public key of the end-entity certificate in the specified X.509 certificate content does not match "
            "the public part of the specified private key. Please check if certificate is valid."
        )
    return key, leaf, chain_order(leaf, [one for one in certificates if one != leaf]), kind


def chain_order(leaf: x509.Certificate, others: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """`others` with the direct issuer first, then upwards; what does not link keeps its place at the end."""
    left, ordered, below = list(others), [], leaf
    while (above := next((one for one in left if one.subject == below.issuer), None)) is not None:
        ordered.append(above)
        left.remove(above)
        below = above
    return (*ordered, *left)


def _read_pfx(value: str, password: str | None) -> tuple[PrivateKey, list[x509.Certificate]]:
    try:
        raw = base64.b64decode(value, validate=False)
        key, leaf, others = pkcs12.load_key_and_certificates(raw, (password or "").encode() or None)
    except (ValueError, binascii.Error) as error:
        raise bad_parameter(
            "The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in "
            "valid PKCS#12 format."
        ) from error
    if key is None or leaf is None:
        raise bad_parameter("The specified PKCS#12 X.509 certificate content has no private key.")
    return _supported(key), [leaf, *others]


def _read_pem(value: str) -> tuple[PrivateKey, list[x509.Certificate]]:
    blocks = re.findall(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", value, re.DOTALL)
    try:
        if any(kind.endswith("PRIVATE KEY") for kind in blocks):
            at = re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", value, re.DOTALL)
            assert at is not None
            key = load_pem_private_key(at.group(0).encode(), None)
            certificates = x509.load_pem_x509_certificates(value.encode())
        else:
            # the SDK also accepts a base64 of the whole text
            text = base64.b64decode(value, validate=True)
            key = load_pem_private_key(text, None) if b"-----BEGIN" in text else load_der_private_key(text, None)
            certificates = x509.load_pem_x509_certificates(text)
    except (ValueError, TypeError, binascii.Error) as error:
        raise bad_parameter(
            "The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate is "
            "in valid PEM format."
        ) from error
    return _supported(key), list(certificates)


def _supported(key: object) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return key
    raise bad_parameter("The private key of the specified X.509 certificate is of a kind that is not supported.")
