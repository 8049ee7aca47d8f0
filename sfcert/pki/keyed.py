"""How does a certificate with its key get from PEM into a PFX? In memory; nothing here prints or keeps a key. Floor 1.

Source: RFC 7292. Key Vault takes a PFX without password, base64.
"""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PublicFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from sfcert.model.certificate import Certificate
from sfcert.pki.read import read_certificate


def pfx_of_pem(chain_pem: bytes, key_pem: bytes, name: str) -> tuple[str, tuple[Certificate, ...]]:
    """The PFX as base64, a secret, and the chain's facts, leaf first.

    Args:
        chain_pem: leaf first, its issuers after it, as `tls.crt` has them.
        key_pem: the leaf's private key, without password.

    Raises:
        ValueError: one sentence, without anything of the key: what cannot be used.
    """
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        raise ValueError("tls.crt holds no certificate") from None
    try:
        key = load_pem_private_key(key_pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # no cause: a parser's message could carry parts of the key
        raise ValueError("tls.key holds no private key that can be read, or one with a password") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("tls.key is neither an RSA key nor one on an elliptic curve")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != chain[0].public_key().public_bytes(*form):
        raise ValueError("tls.key is not the key of the first certificate in tls.crt")
    pfx = serialize_key_and_certificates(name.encode(), key, chain[0], chain[1:], NoEncryption())
    facts = tuple(read_certificate(one.public_bytes(Encoding.DER)) for one in chain)
    return base64.b64encode(pfx).decode("ascii"), facts
