"""When does each certificate rotate next, and until when can a person still act? `sfcert.forecast/1`. Floor 0.

Instants are aware UTC, whole seconds. What lies ahead is a span, never a point: its two ends are the most prompt and
the slowest course of events. Leaves out: how the spans are computed (`sfcert.enrol`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from sfcert.model.base import Value

FORMAT = "sfcert.forecast/1"
Role = Literal["cluster", "reverse-proxy", "client", "application"]
#: Why something cannot be foretold. Closed; each with its sentence.
UNKNOWN_REASONS: Mapping[str, str] = {
    "VaultUnread": "The vault that holds the certificate was not read.",
    "CertificateUnread": "The certificate, or its bytes, was not read.",
    "PolicyUnread": "The certificate's policy was not read: nobody can say who renews it.",
    "NotInTemplate": "A template does not hold what is inside a vault.",
    "ValueUnresolved": "A declaration is an expression that could not be evaluated.",
    "NameNotDelivered": "A declared name is carried by no certificate that is known to reach the machines.",
    "ClientElsewhere": "A client's certificate lies with the client.",
    "MarginUnreadable": "The value of CertificateExpirySafetyMargin is not one that can be read.",
    "DurationUnreadable": "A timeout of the cluster is written in a form that cannot be read.",
}


class Span(Value):
    """Both ends belong to it; `earliest_utc <= latest_utc`."""

    earliest_utc: datetime
    latest_utc: datetime


class Summand(Value):
    """One part of the way from asking for a version to the last connection that still uses the old one.

    `step` says which: issue (the authority answers), bring (to the machines), declare (people change the declaration),
    notice (nodes load it), let-go (old sessions end). `seconds` is the most that it may take.
    """

    step: Literal["issue", "bring", "declare", "notice", "let-go"]
    what: str
    seconds: int
    source: str


class LastMoment(Value):
    """The last moment at which `action` is still in time; `at_utc` is the certificate's end less the sum.

    `is_passed` is judged at the forecast's own instant.
    """

    at_utc: datetime
    action: str
    sum: tuple[Summand, ...]
    is_passed: bool


class Rotation(Value):
    """One change from a certificate to its successor.

    `begins` and `expires` are the validity of the one that goes; points while it is known (`replaces`, its thumbprint),
    spans where it is itself foretold (`replaces` None). `due` is when the policy asks for the successor, `on_nodes`
    when new connections use it: both None where a person has to begin. `sessions_until_utc` is the latest moment at
    which an old connection may still use the old one, by the pessimistic bound. `warns` is when Service Fabric begins
    to warn, None where that cannot be told. `slack_s` is what is left between the end of the slowest course and the
    expiry; negative: too late by as much. `deadline_utc` is the last moment for asking, at its earliest.
    """

    number: int
    state: Literal["under-way", "overdue", "expected", "by-person"]
    replaces: str | None
    begins: Span
    expires: Span
    trigger: str
    due: Span | None
    on_nodes: Span | None
    sessions_until_utc: datetime | None
    warns: Span | None
    slack_s: int | None
    deadline_utc: datetime


class Mark(Value):
    """A dated fact of the world that bears on the certificate."""

    at_utc: datetime
    kind: Literal["validity-step", "eku-sunset"]
    says: str
    source: str


class Unknown(Value):
    """What cannot be foretold. `reason` is a token of `UNKNOWN_REASONS`."""

    subject: str
    reason: str
    what: str
    why: str


class CertificateForecast(Value):
    """One certificate that the cluster depends on.

    `subject` is the vault certificate's URL, else `thumbprint <hex>`. `selected` is how its users find it: by its name
    (a newer one is taken by itself), by thumbprint (people change the declaration), or by an application, which is not
    looked at. `arrives` is the way to the machines. `renews` is who asks for the next version. `deadline` is None where
    nothing depends on the certificate any more, or nobody can say.
    """

    subject: str
    common_name: str | None
    thumbprint: str
    roles: tuple[Role, ...]
    selected: Literal["name", "thumbprint", "application"]
    arrives: Literal["extension", "secret", "elsewhere"]
    scale_sets: tuple[str, ...]
    renews: Literal["vault", "person", "unknown"]
    renews_because: str
    not_before_utc: datetime
    not_after_utc: datetime
    rotations: tuple[Rotation, ...]
    deadline: LastMoment | None
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]


class Forecast(Value):
    """All of them, by deadline, nearest first. `supposes` says of which world: the one seen, or the one that a plan
    leads to. `assumptions` hold for every number."""

    cluster_id: str
    as_of_utc: datetime
    horizon_utc: datetime
    supposes: Literal["what-was-seen", "plan-applied"]
    certificates: tuple[CertificateForecast, ...]
    unknown: tuple[Unknown, ...]
    assumptions: tuple[str, ...]
    format: str = FORMAT

    @property
    def passed(self) -> tuple[CertificateForecast, ...]:
        """Those for which the last moment is over."""
        return tuple(one for one in self.certificates if one.deadline is not None and one.deadline.is_passed)
