"""Does a TLS endpoint serve what is expected of it? What one handshake showed, as facts and checks. Floor 3, pure.

Whether a public root vouches for the chain is not asked: the direct issuer is what a cluster pins.
Leaves out the handshake (`sfcert.azure.handshake`) and waiting (`sfcert.workflows.watch_endpoint`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from sfcert.enrol.names import covers
from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.endpoint import EndpointCheck, EndpointSight
from sfcert.pki import direct_issuers


class Expected(Value):
    """What is looked for. `server_name` is sent as SNI and has to be among the names; None: none is asked.

    `thumbprint` and `issuers` (any of them) None or empty: not asked. `vault_thumbprint` is that of the newest enabled
    version of `vault_certificate` at this look, None where the vault has none. `known` are certificates that a client
    has without being served them, such as a root that signs leaves itself.
    """

    endpoint: str
    server_name: str | None = None
    thumbprint: str | None = None
    issuers: tuple[str, ...] = ()
    vault_certificate: str | None = None
    vault_thumbprint: str | None = None
    known: tuple[Certificate, ...] = ()


def is_address(host: str) -> bool:
    """Whether a host is an IP address, for which no certificate's DNS name can stand."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def sight_of(chain: Sequence[Certificate], expected: Expected, now: datetime) -> EndpointSight:
    """What one handshake showed, and which of the expectations hold.

    Args:
        chain: as served, leaf first; never empty.
        now: aware UTC.
    """
    leaf = chain[0]
    issuers = (leaf,) if leaf.is_self_signed else direct_issuers(leaf, (*chain[1:], *expected.known))
    checks = [_name(leaf, expected), _date(leaf, now), _chain(leaf, issuers)]
    if expected.thumbprint is not None:
        checks.append(_same("thumbprint", leaf.thumbprint, expected.thumbprint, "was asked for"))
    if expected.issuers:
        checks.append(_issuer(issuers, expected.issuers))
    if expected.vault_certificate is not None:
        newest = expected.vault_thumbprint
        checks.append(
            _same("vault", leaf.thumbprint, newest, f"is the newest version of {expected.vault_certificate}")
            if newest is not None
            else EndpointCheck(
                check="vault", holds=False, message=f"{expected.vault_certificate} has no version that is enabled."
            )
        )
    return EndpointSight(
        endpoint=expected.endpoint,
        server_name=expected.server_name,
        at_utc=now,
        thumbprint=leaf.thumbprint,
        subject=leaf.subject,
        common_name=leaf.common_name,
        dns_names=leaf.dns_names,
        issuer=leaf.issuer,
        issuer_thumbprints=tuple(one.thumbprint for one in issuers),
        not_before_utc=leaf.not_before_utc,
        not_after_utc=leaf.not_after_utc,
        key=f"{leaf.key_type} {leaf.key_bits}",
        chain=tuple(one.subject for one in chain[1:]),
        checks=tuple(one for one in checks if one is not None),
    )


def unreachable(expected: Expected, why: str, now: datetime) -> EndpointSight:
    """The sight of an endpoint that did not answer, or speaks no TLS."""
    return EndpointSight(
        endpoint=expected.endpoint,
        server_name=expected.server_name,
        at_utc=now,
        checks=(EndpointCheck(check="reachable", holds=False, message=why),),
    )


def _name(leaf: Certificate, expected: Expected) -> EndpointCheck | None:
    wanted = expected.server_name
    if wanted is None:
        return None
    holds = any(covers(one, wanted) for one in leaf.dns_names)
    listed = ", ".join(leaf.dns_names) or "none"
    message = f"{wanted} is among its names." if holds else f"{wanted} is not among its names ({listed})."
    return EndpointCheck(check="name", holds=holds, message=message)


def _date(leaf: Certificate, now: datetime) -> EndpointCheck:
    if now < leaf.not_before_utc:
        return EndpointCheck(check="date", holds=False, message=f"It is valid from {leaf.not_before_utc:%F %T} UTC on.")
    if now >= leaf.not_after_utc:
        return EndpointCheck(check="date", holds=False, message=f"It expired on {leaf.not_after_utc:%F %T} UTC.")
    left = leaf.not_after_utc - now
    told = f"{left.days} days" if left >= timedelta(days=1) else f"{left.seconds // 3600} hours"
    return EndpointCheck(check="date", holds=True, message=f"It is valid for another {told}.")


def _chain(leaf: Certificate, issuers: Sequence[Certificate]) -> EndpointCheck:
    if issuers:
        return EndpointCheck(
            check="chain", holds=True, message="The certificate that signed it is served with it, or known."
        )
    message = f"Nothing that is served with it signed it: {leaf.issuer} is missing in the chain, and was not given."
    return EndpointCheck(check="chain", holds=False, message=message)


def _issuer(issuers: Sequence[Certificate], wanted: tuple[str, ...]) -> EndpointCheck:
    found = [one.thumbprint for one in issuers]
    holds = any(one in wanted for one in found)
    told = ", ".join(found) or "an issuer that was not served"
    words = "is among" if holds else "is not among"
    message = f"Its direct issuer, {told}, {words} those expected ({', '.join(wanted)})."
    return EndpointCheck(check="issuer", holds=holds, message=message)


def _same(check: str, served: str, wanted: str, what: str) -> EndpointCheck:
    if served == wanted:
        return EndpointCheck(check=check, holds=True, message=f"{wanted} is served, which {what}.")
    return EndpointCheck(check=check, holds=False, message=f"{served} is served; {wanted} {what}.")
