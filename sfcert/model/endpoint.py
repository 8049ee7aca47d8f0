"""What did a handshake with one TLS endpoint show? Values only. Floor 0."""

from __future__ import annotations

from datetime import datetime

from sfcert.model.base import Value


class EndpointCheck(Value):
    """One expectation: reachable, name, date, chain, thumbprint, issuer or vault."""

    check: str
    holds: bool
    message: str


class EndpointSight(Value):
    """One look at an endpoint. Facts of the leaf are None or empty where none was shown; instants aware UTC.

    `issuer_thumbprints` are the certificates of the chain whose key signed the leaf, itself where it is self-signed;
    `chain` the subjects of what is served after it.
    """

    endpoint: str
    server_name: str | None
    at_utc: datetime
    checks: tuple[EndpointCheck, ...]
    thumbprint: str | None = None
    subject: str | None = None
    common_name: str | None = None
    dns_names: tuple[str, ...] = ()
    issuer: str | None = None
    issuer_thumbprints: tuple[str, ...] = ()
    not_before_utc: datetime | None = None
    not_after_utc: datetime | None = None
    key: str | None = None
    chain: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything that was asked holds; nothing seen holds nothing."""
        return bool(self.checks) and all(one.holds for one in self.checks)
