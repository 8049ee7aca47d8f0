"""Is a certificate of the cluster expired, or about to be? Floor 3. Source: service-fabric.md 7 rows 11, 12, 20."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.trust.past_the_end import PLAYBOOK, can_be_recovered, setting_helps

#: Enough to issue, deliver and walk a declaration through every domain without haste.
SOON = timedelta(days=14)


def ends_soon(leaf: Certificate, now: datetime) -> bool:
    """Whether it has expired, or does within two weeks or the last fifth of a shorter life."""
    # a fifth of a short life is when vaults renew: no alarm before that
    return leaf.not_after_utc - now <= min(SOON, (leaf.not_after_utc - leaf.not_before_utc) / 5)


def _judge(observation: Observation, subject: str, leaf: Certificate, whose: str, now: datetime) -> Judgement | None:
    left = leaf.not_after_utc - now
    if not ends_soon(leaf, now):
        return None
    is_over = left <= timedelta()
    return fail(
        subject,
        "Expired" if is_over else "ExpiresSoon",
        f"{whose} certificate {leaf.thumbprint} "
        + (f"expired on {leaf.not_after_utc:%Y-%m-%d}." if is_over else f"expires in {left.days} days."),
        _remedy(observation, leaf, is_over=is_over),
        thumbprint=leaf.thumbprint,
        not_after_utc=leaf.not_after_utc.isoformat(),
    )


def _remedy(observation: Observation, leaf: Certificate, *, is_over: bool) -> str:
    cluster = observation.cluster
    if is_over and can_be_recovered(cluster, leaf):
        return f"sfcert plan --playbook {PLAYBOOK} tells what may still be done, and does what can be a stage."
    if is_over:
        return "Bring a certificate that is valid to every machine first; then change what is declared."
    renew = "Renew it now, and see it on every node."
    if setting_helps(cluster, leaf):
        renew += f" Where time is short, sfcert plan --playbook {PLAYBOOK} lets nodes go on past its end first."
    return renew


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from unread_deliveries(observation, "it is about to expire")
    seen: set[str] = set()
    for delivery, _, _, leaf in serving(observation):
        seen.add(leaf.thumbprint)
        found = _judge(observation, delivery.subject, leaf, "The cluster's", now)
        if found is not None:
            yield found
    cluster = observation.cluster
    for leaf in observation.known_certificates():
        if leaf.thumbprint in seen:
            continue
        if leaf.thumbprint in cluster.certificate.thumbprints:
            found = _judge(observation, cluster.id, leaf, "The cluster's", now)
        elif leaf.thumbprint in cluster.reverse_proxy.thumbprints:
            found = _judge(observation, cluster.id, leaf, "The reverse proxy's", now)
        else:
            found = None
        if found is not None:
            yield found


RULE = Rule(
    id="certificate-expiring",
    severity="error",
    reasons={
        "Expired": "A certificate that is declared or delivered has expired.",
        "ExpiresSoon": "It expires within two weeks, or within the last fifth of a shorter life.",
    },
    severity_of={"ExpiresSoon": "warning"},
    check=check,
)
