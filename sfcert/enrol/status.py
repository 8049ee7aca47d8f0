"""How does a certificate stand? Conditions as cert-manager has them, from what the vault shows and a run remembers.
Floor 3. Leaves out: looking, and what nodes present."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from sfcert.enrol.policy import policy_changes
from sfcert.enrol.reading import is_enabled, latest_version, leaf_of_version, policy_from_vault, status_of, version_id
from sfcert.enrol.reasons import CONDITION_REASONS
from sfcert.enrol.renewal import Timing, next_attempt, renewal_timing
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import CertificateStatus, Condition, EnrolmentPolicy, Record
from sfcert.model.frozen import OWNER_TAG

Json = dict[str, Any]
Answer = Literal["True", "False", "Unknown"]


def certificate_status(
    vault_url: str,
    name: str,
    body: Json | None,
    record: Record | None,
    now: datetime,
    *,
    advice: tuple[datetime, datetime] | None = None,
) -> CertificateStatus:
    """The status of one certificate.

    Args:
        body: as `EnrolmentVault.fetch_certificate` gives it; None where the vault has no such name.
        record: what an earlier run remembers, None where there is none.
        advice: the authority's renewal window, None where there is none; the record's is taken then.

    Raises:
        ValueError: the vault's bytes are no certificate.
    """
    version = latest_version(body)
    leaf = leaf_of_version(version)
    wanted = wanted_policy(body, record)
    timing = _timing(leaf, wanted, record, advice, now)
    attempt = next_attempt(record.failures if record else ())
    pending = status_of((body or {}).get("pending"))
    ready = _ready(body, version, leaf, wanted, record, now)
    issuing = _issuing(pending, body, version, timing, attempt, record, now)
    return CertificateStatus(
        vault_url=vault_url,
        name=name,
        version=version_id(version) if version else None,
        thumbprint=leaf.thumbprint if leaf else None,
        common_name=leaf.common_name if leaf else None,
        dns_names=leaf.dns_names if leaf else (),
        issuer=leaf.issuer if leaf else None,
        key=f"{leaf.key_type} {leaf.key_bits}" if leaf else None,
        not_before_utc=leaf.not_before_utc if leaf else None,
        not_after_utc=leaf.not_after_utc if leaf else None,
        renewal_utc=timing.renewal_utc if timing else None,
        revision=len((body or {}).get("versions") or ()),
        is_enabled=is_enabled(version) if version else None,
        is_due=timing.is_due(now) if timing else version is None and (attempt is None or now >= attempt),
        next_attempt_utc=attempt,
        conditions=(ready, issuing),
        last_failure=record.failures[-1] if record and record.failures else None,
        failed_attempts=len(record.failures) if record else 0,
        pending_status=pending,
        tags=dict((body or {}).get("tags") or {}),
    )


def wanted_policy(body: Json | None, record: Record | None) -> EnrolmentPolicy | None:
    """The policy that an enrolment wrote down, else the vault's own; None where there is neither."""
    if record is not None and record.policy is not None:
        return record.policy
    raw = (body or {}).get("policy")
    return policy_from_vault(raw, (body or {}).get("tags") or {}) if raw else None


def with_transitions(record: Record, status: CertificateStatus, now: datetime) -> Record:
    """The record with the instants at which the conditions last changed, whole seconds as cert-manager's."""
    now = now.replace(microsecond=0)
    ready, issuing = status.conditions
    changes: dict[str, Any] = {}
    if record.ready_status != ready.status:
        changes |= {"ready_status": ready.status, "ready_since_utc": now}
    if record.issuing_status != issuing.status:
        changes |= {"issuing_status": issuing.status, "issuing_since_utc": now}
    return msgspec.structs.replace(record, **changes) if changes else record


def _timing(
    leaf: Certificate | None,
    wanted: EnrolmentPolicy | None,
    record: Record | None,
    advice: tuple[datetime, datetime] | None,
    now: datetime,
) -> Timing | None:
    if leaf is None or wanted is None:
        return None
    if advice is None and record is not None and record.renewal_start_utc and record.renewal_end_utc:
        advice = (record.renewal_start_utc, record.renewal_end_utc)
    return renewal_timing(
        leaf.not_before_utc,
        leaf.not_after_utc,
        wanted.renewal,
        now=now,
        advice=advice,
        identity=leaf.thumbprint,
        failures=record.failures if record else (),
    )


def _condition(kind: Literal["Ready", "Issuing"], status: Answer, reason: str, message: str, since: Any) -> Condition:
    assert reason in CONDITION_REASONS
    return Condition(type=kind, status=status, reason=reason, message=message, since_utc=since)


def _ready(
    body: Json | None,
    version: Json | None,
    leaf: Certificate | None,
    wanted: EnrolmentPolicy | None,
    record: Record | None,
    now: datetime,
) -> Condition:
    def say(status: Answer, reason: str, message: str) -> Condition:
        since = record.ready_since_utc if record and record.ready_status == status else None
        return _condition("Ready", status, reason, message, since)

    if version is None:
        return say("False", "DoesNotExist", "There is no version yet.")
    if leaf is None:
        return say("Unknown", "Disabled", "The vault does not show the newest version.")
    if not is_enabled(version):
        return say("False", "Disabled", "The newest version is disabled, and the vault falls back on no other.")
    if leaf.not_after_utc <= now:
        return say("False", "Expired", f"It expired on {leaf.not_after_utc:%Y-%m-%d %H:%M} UTC.")
    if leaf.not_before_utc > now:
        return say("False", "NotYetValid", f"It is valid from {leaf.not_before_utc:%Y-%m-%d %H:%M} UTC.")
    # without what an enrolment asked for there is nothing to differ from: the vault's own policy, read as ours, is
    # no wish of anybody's
    raw = (body or {}).get("policy") if record is not None and record.policy is not None else None
    changes = policy_changes(raw, wanted) if raw and wanted is not None else ()
    if changes:
        more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
        return say("False", "PolicyDiffers", f"{changes[0].path} differs from the policy{more}.")
    return say("True", "Ready", f"In date until {leaf.not_after_utc:%Y-%m-%d %H:%M} UTC.")


def _issuing(
    pending: str | None,
    body: Json | None,
    version: Json | None,
    timing: Timing | None,
    attempt: datetime | None,
    record: Record | None,
    now: datetime,
) -> Condition:
    def say(status: Answer, reason: str, message: str) -> Condition:
        since = record.issuing_since_utc if record and record.issuing_status == status else None
        return _condition("Issuing", status, reason, message, since)

    failures, operation = record.failures if record else (), (body or {}).get("pending")
    if pending == "inprogress":
        detail = str((operation or {}).get("status_details") or "An operation is in progress.")
        return say("True", "Pending", " ".join(detail.split()))
    if failures:
        if attempt is not None and attempt > now:
            return say(
                "False", "BackingOff", f"{failures[-1].message} Next attempt after {attempt:%Y-%m-%d %H:%M} UTC."
            )
        return say("False", "Failed", failures[-1].message)
    if pending == "failed" and version is None:
        error = (operation or {}).get("error") or {}
        return say("False", "Failed", str(error.get("message") or "The vault's operation failed."))
    owner = ((body or {}).get("tags") or {}).get(OWNER_TAG)
    if owner is not None:
        return say("False", "Frozen", f"A plan has frozen its renewal ({OWNER_TAG} says {owner}).")
    if timing is not None and timing.is_due(now):
        return say("True", "Renewing", f"Due since {timing.renewal_utc:%Y-%m-%d %H:%M} UTC.")
    if version is None:
        return say("False", "DoesNotExist", "There is no version, and no operation to make one; `sfcert enrol` asks.")
    return say("False", "Idle", "Nothing is to be done.")
