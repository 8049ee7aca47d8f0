"""How does a vault turn a policy and a key into a request or a certificate?

Knows no vault and no operation; see lifecycle for when this happens.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.authority import building
from sfcert.sim.authority.authorities import Authority
from sfcert.sim.authority.keys import PrivateKey
from sfcert.sim.keyvault import policy as policies

BACKDATED = timedelta(minutes=10)


def request_for(policy: dict[str, Any], key: PrivateKey) -> bytes:
    """The signing request as DER, with the names and usages of the policy (RFC 2986)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(policies.subject_of(policy))
    if sans := policies.sans_of(policy):
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    if ekus := policy["x509_props"]["ekus"]:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in ekus]), False)
    builder = builder.add_extension(building.usage(policy["x509_props"]["key_usage"]), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def sign_self(policy: dict[str, Any], key: PrivateKey, now: datetime, serial: int) -> x509.Certificate:
    """A certificate that is its own issuer, dated ten minutes back as the vault does."""
    return building.certificate(
        subject=policies.subject_of(policy),
        public_key=key.public_key(),
        serial=serial,
        not_before=now - BACKDATED,
        not_after=policies.expiry(policy, now),
        signer=key,
        issuer=None,
        sans=policies.sans_of(policy),
        ekus=policy["x509_props"]["ekus"],
        key_usage=policy["x509_props"]["key_usage"],
    )


def sign_by(signer: Authority, policy: dict[str, Any], key: PrivateKey, now: datetime) -> x509.Certificate:
    """A certificate by an authority, dated back as that one does."""
    return signer.sign(
        policies.subject_of(policy),
        key.public_key(),
        sans=policies.sans_of(policy),
        not_before=now - signer.backdate,
        not_after=policies.expiry(policy, now),
        ekus=policy["x509_props"]["ekus"],
        key_usage=policy["x509_props"]["key_usage"],
    )
