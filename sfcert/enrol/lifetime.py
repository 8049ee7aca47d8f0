"""How long will the next certificate live, and for what will it be good? Floor 3.

Source: the public schedule and the sunsets in `sfcert/dated.toml`. An authority that is not in that list is taken as a
private one, which grants what it likes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sfcert import dated
from sfcert.model.base import Value
from sfcert.model.certificate import CLIENT_AUTH, Certificate
from sfcert.model.forecast import Mark

#: A month of a vault's policy, on average: authorities count in days.
MONTH = timedelta(days=365) / 12
#: A century: what a policy asks beyond that means "no limit".
MOST_MONTHS = 1200
_ANY_USAGE = "2.5.29.37.0"


class Authority(Value):
    """A public authority of the dated list. `client_usage_ends` is the first day without client authentication."""

    name: str
    client_usage_ends: date
    source: str


def public_authority(leaf: Certificate) -> Authority | None:
    """The public authority that issued this, by the issuer's own words; None where none of the list did."""
    issuer = leaf.issuer.lower()
    for row in dated.rows("sunsets"):
        if any(str(word).lower() in issuer for word in row["issuers"]):
            ends = row["client_authentication_ends"]
            assert isinstance(ends, date)
            return Authority(name=str(row["authority"]), client_usage_ends=ends, source=str(row["source"]))
    return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def schedule() -> tuple[tuple[datetime, timedelta], ...]:
    """The steps of the public maximum, oldest first: from this instant, at most this life."""
    rows = dated.table("validity")["public_maximum"]
    return tuple(sorted((_midnight(row["from"]), timedelta(days=int(row["days"]))) for row in rows))


class Lifetime(Value):
    """The law for lives to come. `wanted_s` is the shorter of what the policy asks and what was granted last time;
    `steps` are (from, at most seconds), oldest first, empty where no public maximum applies."""

    wanted_s: int
    steps: tuple[tuple[datetime, int], ...] = ()

    def of(self, issued: datetime) -> timedelta:
        """The life of a certificate that is issued then."""
        bounds = [most for begins, most in self.steps if begins <= issued]
        return timedelta(seconds=min(self.wanted_s, bounds[-1]) if bounds else self.wanted_s)

    def turns(self, earliest: datetime, latest: datetime) -> tuple[datetime, ...]:
        """The instants of a span at which the life can be longest or shortest: its ends, both sides of each step."""
        second = timedelta(seconds=1)
        inside = [begins for begins, _ in self.steps if earliest < begins <= latest]
        return tuple(sorted({earliest, latest, *inside, *(one - second for one in inside)}))


def lifetime_of(leaf_life: timedelta, months: int | None, authority: Authority | None) -> Lifetime:
    """The law for the successors of a certificate.

    Args:
        leaf_life: of the newest version that is known, what the authority granted last.
        months: validity_months of the policy; None: it does not say, and the last life is taken.
        authority: the public one that issues, None for a private one.
    """
    asked = [MONTH * min(months, MOST_MONTHS)] if months and months > 0 else []
    wanted = int(min([leaf_life, *asked]).total_seconds())
    steps = tuple((begins, int(most.total_seconds())) for begins, most in schedule()) if authority else ()
    return Lifetime(wanted_s=wanted, steps=steps)


def marks_for(
    leaf: Certificate, authority: Authority | None, law: Lifetime, now: datetime, horizon: datetime
) -> tuple[Mark, ...]:
    """The dated facts between now and the horizon that bear on the successors of this certificate, by date.

    A step of the public schedule counts only where it shortens the life; a sunset only where the certificate has the
    usage that ends. A sunset that is past stands at its own date: the very next version will lack the usage.
    """
    if authority is None:
        return ()
    found = []
    for begins, most_s in law.steps:
        if now < begins <= horizon and most_s < law.of(begins - timedelta(seconds=1)).total_seconds():
            says = f"public authorities grant {most_s // 86400} days at most from this day"
            found.append(
                Mark(at_utc=begins, kind="validity-step", says=says, source="CA/Browser Forum ballot SC-081v3")
            )
    ends = _midnight(authority.client_usage_ends)
    if ends <= horizon and (leaf.ekus is None or CLIENT_AUTH in leaf.ekus or _ANY_USAGE in leaf.ekus):
        tense = "no longer grants" if ends <= now else "stops granting"
        says = (
            f"{authority.name} {tense} client authentication: a version asked for from this day comes without it, "
            "and probably from another issuer"
        )
        found.append(Mark(at_utc=ends, kind="eku-sunset", says=says, source=authority.source))
    return tuple(sorted(found, key=lambda one: (one.at_utc, one.kind)))
