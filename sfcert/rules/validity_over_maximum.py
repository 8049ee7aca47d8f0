"""Does the policy ask for a longer life than a public authority may grant today? Floor 3.

Source: CA/Browser Forum ballot SC-081v3, by way of dated.toml.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import rows, table
from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail

#: A month of a vault's policy, at its longest.
MONTH_DAYS = 31


def public_authority(leaf: Certificate) -> str | None:
    """The name of the public authority in the dated list that issued this, or None."""
    issuer = leaf.issuer.lower()
    for row in rows("sunsets"):
        if any(str(word).lower() in issuer for word in row["issuers"]):
            return str(row["authority"])
    return None


def public_maximum_days(now: datetime) -> int:
    """The longest life that public authorities may grant on this day."""
    today = now.date()
    steps = [row for row in table("validity")["public_maximum"] if row["from"] <= today]
    return int(steps[-1]["days"]) if steps else int(table("validity")["public_maximum"][0]["days"])


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    longest = public_maximum_days(now)
    yield from unread_deliveries(observation, "its policy asks for no more than may be granted")
    for delivery, certificate, _, leaf in serving(observation):
        authority = public_authority(leaf)
        months = certificate.validity_months
        if authority is None or months is None or (months - 1) * MONTH_DAYS < longest:
            continue
        yield fail(
            delivery.subject,
            "LongerThanPublic",
            f"The policy of {certificate.name} asks for {months} months; {authority}, as a public authority, may grant "
            f"{longest} days today. It will refuse, or grant less than the renewal trigger counts on.",
            "Ask for fewer months, and let lifetime_percentage decide when to renew.",
            validity_months=months,
            maximum_days=longest,
        )


RULE = Rule(
    id="validity-over-maximum",
    severity="warning",
    reasons={"LongerThanPublic": "The policy's months are more than the public maximum of today."},
    check=check,
)
