"""Which chain lies in a PFX? The certificates alone; the private key is dropped before any is returned. Floor 1."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from sfcert.model.certificate import Certificate
from sfcert.pki.read import read_certificate


def chain_of_pfx(pfx: bytes) -> tuple[Certificate, ...]:
    """The certificates beside the leaf, in the file's order; empty where it carries the leaf alone.

    Raises:
        ValueError: the bytes are no PFX, or it has a password (the vault sets none).
    """
    _, _, others = pkcs12.load_key_and_certificates(pfx, None)
    return tuple(read_certificate(one.public_bytes(Encoding.DER)) for one in others or ())
