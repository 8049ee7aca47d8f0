"""Certificates with real keys, made in milliseconds: leaves, authorities and their chains."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import gmpy2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH, Certificate
from sfcert.pki import read_certificate
from tests.make.names import COMMON_NAME, NOW

_EXPONENT = 65537


@cache
def key(label: str) -> rsa.RSAPrivateKey:
    """The RSA key of a label: equal labels mean one key, as with a renewal that reuses it.

    It is the same in every process, and so are thumbprints, digests and whatever a seed draws by them.
    """
    p, q = _prime(f"{label}, p"), _prime(f"{label}, q")
    d = rsa.rsa_recover_private_exponent(_EXPONENT, p, q)
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, p * q),
    )
    return numbers.private_key()


def _prime(label: str) -> int:
    """A prime of 1024 bits whose upper two are set, so that the product of two has 2048."""
    start = int.from_bytes(hashlib.shake_256(label.encode()).digest(128)) | 3 << 1022
    return int(gmpy2.next_prime(start))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass(frozen=True)
class Issued:
    """One certificate with its chain, direct issuer first, root last."""

    x509: x509.Certificate
    key_label: str
    chain: tuple[Issued, ...] = ()

    @property
    def der(self) -> bytes:
        return self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def facts(self) -> Certificate:
        return read_certificate(self.der)

    @property
    def thumbprint(self) -> str:
        return hashlib.sha1(self.der).hexdigest().upper()

    @property
    def x5t(self) -> str:
        return base64.urlsafe_b64encode(bytes.fromhex(self.thumbprint)).rstrip(b"=").decode()

    @property
    def base64_der(self) -> str:
        return base64.b64encode(self.der).decode()


@cache
def certificate(
    common_name: str = COMMON_NAME,
    *,
    issuer: Issued | None = None,
    key_label: str = "leaf-1",
    dns_names: tuple[str, ...] | None = None,
    more_names: tuple[x509.GeneralName, ...] = (),
    not_before: datetime = NOW - timedelta(days=30),
    not_after: datetime = NOW + timedelta(days=150),
    ekus: tuple[str, ...] | None = (SERVER_AUTH, CLIENT_AUTH),
    is_ca: bool = False,
    serial: int | None = None,
) -> Issued:
    """One certificate; self-signed where there is no issuer. `dns_names` None means: the common name alone.
    `more_names` are names of other kinds beside them."""
    subject_key = key(key_label)
    signer = key(issuer.key_label) if issuer else subject_key
    issuer_name = issuer.x509.subject if issuer else _name(common_name)
    names_stated = (dns_names, *more_names) if more_names else dns_names
    stated = f"{common_name}|{key_label}|{not_before}|{not_after}|{ekus}|{names_stated}|{issuer and issuer.thumbprint}"
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer_name)
        .public_key(subject_key.public_key())
        .serial_number(serial or int.from_bytes(hashlib.sha256(stated.encode()).digest()[:15], "big"))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not is_ca:
        names = (common_name,) if dns_names is None else dns_names
        if names:
            general = [*(x509.DNSName(name) for name in names), *more_names]
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        if ekus is not None:
            usages = [x509.ObjectIdentifier(oid) for oid in ekus] or [ExtendedKeyUsageOID.CODE_SIGNING]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    signed = builder.sign(signer, hashes.SHA256())
    return Issued(signed, key_label, (issuer, *issuer.chain) if issuer else ())


@cache
def authority(
    name: str = "Example Issuing CA A", *, key_label: str | None = None, root: str = "Example Root"
) -> Issued:
    """An intermediate authority under a root of its own; the same `key_label` gives a twin of one key."""
    above = certificate(
        root,
        key_label=f"root {root}",
        is_ca=True,
        not_before=NOW - timedelta(days=3000),
        not_after=NOW + timedelta(days=3000),
    )
    return certificate(
        name,
        issuer=above,
        key_label=key_label or f"ca {name}",
        is_ca=True,
        not_before=NOW - timedelta(days=1000),
        not_after=NOW + timedelta(days=1000),
    )


def leaf(label: str = "1", *, ca: str = "Example Issuing CA A", **changes: Any) -> Issued:
    """A cluster certificate from a private authority; `label` tells keys apart."""
    return certificate(issuer=authority(ca), key_label=f"leaf-{label}", **changes)
