"""Does the version that stands in a vault do, or is another one asked for? Floor 3, pure.

Leaves out whether a cluster would take it (`sfcert.enrol.gate`).
"""

from __future__ import annotations

from datetime import datetime

from sfcert.enrol.policy import policy_changes, vault_policy
from sfcert.enrol.renewal import renewal_timing
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import EnrolmentPolicy, PolicyChange, Record


def with_unmet(
    changes: tuple[PolicyChange, ...], policy: EnrolmentPolicy, record: Record, leaf: Certificate | None
) -> tuple[PolicyChange, ...]:
    """The changes against the vault's policy, and those that it took up with a request that came to nothing.

    Args:
        record: what is remembered; only what it tells of `leaf`, the newest version, counts.
    """
    if leaf is None or record.issued_policy is None or record.issued_thumbprint != leaf.thumbprint:
        return changes
    known = {one.path for one in changes}
    since = policy_changes(vault_policy(record.issued_policy), policy)
    return (*changes, *(one for one in since if one.needs_new_version and one.path not in known))


def is_enough(
    leaf: Certificate, changes: tuple[PolicyChange, ...], policy: EnrolmentPolicy, record: Record, now: datetime
) -> bool:
    """Whether the newest version is what the policy asks for and not due; due, but left to the vault, it is enough too.

    Args:
        changes: what the policy asks for and the version has not; those that need no new version do not count.
        now: aware UTC.
    """
    if any(one.needs_new_version for one in changes):
        return False
    advice = None
    if record.renewal_start_utc is not None and record.renewal_end_utc is not None:
        advice = (record.renewal_start_utc, record.renewal_end_utc)
    life = (leaf.not_before_utc, leaf.not_after_utc)
    timing = renewal_timing(*life, policy.renewal, now=now, advice=advice, identity=leaf.thumbprint)
    by_vault = policy.renewal.by == "vault" and not policy.issuer.is_merged
    return not timing.is_due(now) or (by_vault and leaf.not_after_utc > now)
