"""Does a node accept what it is shown? The validation rules by thumbprint and by name.

Pure. Leaves out revocation. The reason tokens are the simulator's own words but for `CertificateNotMatched`, which is
what Service Fabric writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfcert.sim.nodes.certificate import CLIENT_AUTH, Certificate
from sfcert.sim.nodes.manifest import Trusts


@dataclass(frozen=True, slots=True)
class Judge:
    """What a validator has besides the rule: its clock, its trusted roots, and whether it can fetch missing issuers."""

    now: datetime
    trusted_roots: frozenset[str] = frozenset()
    can_fetch_issuers: bool = True
    accept_expired_pinned: bool = False


def refusal(certificate: Certificate, trusts: Trusts, judge: Judge) -> str | None:
    """Why the rule refuses this certificate, or None when it accepts it.

    Args:
        certificate: the leaf with the chain as it was shown.
        trusts: accepted thumbprints and names; being in one of them is enough.

    Returns:
        `<token>: <sentence>`; where several rules refuse, the one that came closest.

    Source: reference 2.2 (thumbprint: only dates are fatal), 2.3 (name: complete chain, pins on the direct issuer, the
    leaf itself when self-signed; untrusted root tolerated only with pins).
    """
    by_thumbprint = certificate.thumbprint in trusts.thumbprints
    if certificate.not_before > judge.now:
        return f"CertificateNotYetValid: not valid before {certificate.not_before.isoformat()}"
    if certificate.not_after <= judge.now:
        tolerated = by_thumbprint and certificate.self_signed and judge.accept_expired_pinned
        return None if tolerated else f"CertificateExpired: expired on {certificate.not_after.isoformat()}"
    if by_thumbprint:
        return None
    reasons = [_name_refusal(certificate, name, pins, judge) for name, pins in trusts.names]
    if any(reason is None for reason in reasons):
        return None
    closest = [
        reason for reason in reasons if reason is not None and not reason.startswith("CertificateNotMatched: no")
    ]
    if closest:
        return closest[0]
    return "CertificateNotMatched: no thumbprint and no name that is accepted matches"


def _name_refusal(certificate: Certificate, name: str, pins: frozenset[str], judge: Judge) -> str | None:
    if not _covers(certificate, name):
        return f"CertificateNotMatched: not named {name}"
    if certificate.issuer_thumbprint is None:
        return "PartialChain: the direct issuer was not shown and cannot be found"
    if certificate.root_thumbprint is None and not judge.can_fetch_issuers:
        return "PartialChain: the chain stops before a root"
    if pins:
        if certificate.issuer_thumbprint in pins:
            return None
        return f"CertificateNotMatched: its direct issuer {certificate.issuer_thumbprint} is not pinned for {name}"
    if certificate.self_signed:
        return f"UntrustedRoot: self-signed, and not pinned to itself for {name}"
    if certificate.root_thumbprint in judge.trusted_roots:
        return None
    return f"UntrustedRoot: {name} is not pinned and the chain ends in a root that this machine does not trust"


def _covers(certificate: Certificate, declared: str) -> bool:
    """The name rule: for a certificate with client use the subject alone, else (and as the second try) the subject or
    any SAN, with wildcards, all without regard to case."""
    wanted = declared.lower()
    if (certificate.ekus is None or CLIENT_AUTH in certificate.ekus) and certificate.subject_cn.lower() == wanted:
        return True
    return any(_same(pattern.lower(), wanted) for pattern in (certificate.subject_cn, *certificate.dns_names))


def _same(pattern: str, name: str) -> bool:
    if pattern == name:
        return True
    if not pattern.startswith("*."):
        return False
    head, _, tail = name.partition(".")
    return bool(head) and tail == pattern[2:]
