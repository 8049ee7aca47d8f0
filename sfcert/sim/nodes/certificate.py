"""What does a simulated node know of one certificate? Parsed facts, once, beside the certificate itself.

The embedded Azure's own reading of X.509: it shares nothing with the planner's. Leaves out revocation (the simulated
world has no revoked certificates) and name forms that Service Fabric does not look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtensionOID, NameOID

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """One leaf with the chain that came with it.

    `issuer_thumbprint` is the *direct* issuer's, None when the chain does not hold it. `ekus` is None when the leaf has
    no such extension (then every use is allowed). `root_thumbprint` is None when the chain stops before a root.
    """

    thumbprint: str
    subject_cn: str
    dns_names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    ekus: frozenset[str] | None
    self_signed: bool
    issuer_thumbprint: str | None
    root_thumbprint: str | None
    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def names(self) -> frozenset[str]:
        """Every name that the linking rule compares, lower case: the DNS names, or the subject where there are none."""
        return frozenset(name.lower() for name in (self.dns_names or (self.subject_cn,)))


def thumbprint_of(certificate: x509.Certificate) -> str:
    """SHA-1 over the DER, upper-case hex: the name by which Windows and Azure know a certificate."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


@lru_cache(maxsize=4096)
def read(leaf: x509.Certificate, chain: tuple[x509.Certificate, ...] = ()) -> Certificate:
    """Parse a leaf and put its chain in order, each link verified by signature.

    Kept for the same bytes: agents look at the same few certificates every hour of virtual time.
    Certificates of `chain` that do not belong to the leaf's path are left out, as a validator would.
    """
    path = _path(leaf, chain)
    self_signed = _issued(leaf, leaf)
    last = path[-1] if path else leaf
    return Certificate(
        thumbprint=thumbprint_of(leaf),
        subject_cn=_common_name(leaf),
        dns_names=_dns_names(leaf),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        ekus=_ekus(leaf),
        self_signed=self_signed,
        issuer_thumbprint=thumbprint_of(leaf) if self_signed else (thumbprint_of(path[0]) if path else None),
        root_thumbprint=thumbprint_of(last) if _issued(last, last) else None,
        leaf=leaf,
        chain=path,
    )


def _path(leaf: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    path: list[x509.Certificate] = []
    left = [certificate for certificate in chain if certificate != leaf]
    current = leaf
    while not _issued(current, current):
        above = next((candidate for candidate in left if _issued(candidate, current)), None)
        if above is None:
            break
        left.remove(above)
        path.append(above)
        current = above
    return tuple(path)


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    if issuer.subject != subject.issuer:
        return False
    try:
        subject.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    # Windows takes the last CN of the subject's sequence as written, which is the most specific one.
    return str(found[-1].value) if found else ""


def _dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return ()
    value = extension.value
    assert isinstance(value, x509.SubjectAlternativeName)
    return tuple(value.get_values_for_type(x509.DNSName))


def _ekus(certificate: x509.Certificate) -> frozenset[str] | None:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)
    except x509.ExtensionNotFound:
        return None
    value = extension.value
    assert isinstance(value, x509.ExtendedKeyUsage)
    return frozenset(oid.dotted_string for oid in value)
