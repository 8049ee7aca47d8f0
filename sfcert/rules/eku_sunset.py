"""Will the next certificate of this authority still be good for client authentication? Floor 3.

Source: the sunsets in dated.toml.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from sfcert.dated import rows
from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving, unread_deliveries
from sfcert.rules.eku_missing import lacking
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from unread_deliveries(observation, "its authority goes on granting client authentication")
    for delivery, certificate, _, leaf in serving(observation):
        if lacking(leaf.ekus):
            continue  # it is gone already: eku-missing
        for row in rows("sunsets"):
            ends = row["client_authentication_ends"]
            assert isinstance(ends, date)
            if not any(str(word).lower() in leaf.issuer.lower() for word in row["issuers"]):
                continue
            if ends > leaf.not_after_utc.date():
                continue  # at least one renewal lies before it
            yield fail(
                delivery.subject,
                "EndsBeforeRenewal",
                f"{row['authority']} grants client authentication until {ends.isoformat()}; the certificate that "
                f"follows {certificate.name} will come without it, and probably from another issuer.",
                "Move to a private authority, whose issuers you pin, before the next renewal.",
                authority=row["authority"],
                client_authentication_ends=ends.isoformat(),
                source=row["source"],
            )


RULE = Rule(
    id="eku-sunset",
    severity="warning",
    reasons={"EndsBeforeRenewal": "The authority stops granting client authentication before the next renewal."},
    check=check,
)
