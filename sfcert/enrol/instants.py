"""What is so much later, where dates end? Floor 3.

Certificates may carry the year 9999 for "never" (RFC 5280, 4.1.2.5), and settings any number.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def later(at: datetime, by: timedelta) -> datetime:
    """`at + by` for `by` not below nought, at most the last instant that a date can hold."""
    return at + by if by <= LAST_INSTANT - at else LAST_INSTANT
