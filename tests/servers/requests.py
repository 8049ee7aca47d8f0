"""Certificate requests as a vault would make them: the key stays here."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


class Pending:
    """A pending operation of a vault: one request, handed out as often as it is asked for. `asked` counts."""

    def __init__(self, names: Sequence[str]) -> None:
        self.asked = 0
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        built = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(alternative, critical=False)
        self._der = built.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def __call__(self) -> bytes:
        self.asked += 1
        return self._der
