"""When does Service Fabric begin to warn that a certificate expires? Floor 3.

The margin is `Security/CertificateExpirySafetyMargin`. The vendor's pages disagree about its unit (seconds, minutes)
and the code reads a time span, so that a plain number is taken both ways and gives a span.
Source: service-fabric.md 1.3.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sfcert import dated
from sfcert.enrol.timespan import LONGEST_S, timespan_s
from sfcert.model.base import Value
from sfcert.model.forecast import Span, Unknown
from sfcert.model.observation import Cluster

SETTING = "CertificateExpirySafetyMargin"


class Margin(Value):
    """How long before the end the warning begins, in seconds. `shortest_s == longest_s` where the unit is no question.
    `text` is the setting as written, None where the default holds."""

    shortest_s: int
    longest_s: int
    text: str | None


def margin_of(cluster: Cluster) -> Margin | Unknown:
    """The cluster's margin; the default of 30 days where the setting is absent."""
    security = next((values for name, values in cluster.settings.items() if name.lower() == "security"), {})
    text = next((value for name, value in security.items() if name.lower() == SETTING.lower()), None)
    if text is None:
        default = dated.timing_s("expiry_warning_s")
        return Margin(shortest_s=default, longest_s=default, text=None)
    plain = text.strip()
    if plain.isascii() and plain.isdigit():
        number = int(plain[:12])
        return Margin(shortest_s=min(number, LONGEST_S), longest_s=min(number * 60, LONGEST_S), text=text)
    seconds = timespan_s(plain)
    if seconds is None:
        return Unknown(
            subject=cluster.id,
            reason="MarginUnreadable",
            what=f"when Service Fabric warns: Security/{SETTING}",
            why=f"its value is {text!r}, which is neither a number nor a time span",
        )
    return Margin(shortest_s=seconds, longest_s=seconds, text=text)


def warning_span(margin: Margin, begins: Span, expires: Span) -> Span:
    """When the warning begins for a certificate of this validity: never before it is valid."""
    return Span(
        earliest_utc=max(expires.earliest_utc - timedelta(seconds=margin.longest_s), begins.earliest_utc),
        latest_utc=max(expires.latest_utc - timedelta(seconds=margin.shortest_s), begins.latest_utc),
    )


def warns_all_its_life(margin: Margin, begins: datetime, ends: datetime) -> bool:
    """Whether the warning never ends, whichever unit the margin has."""
    return (ends - begins).total_seconds() <= margin.shortest_s
