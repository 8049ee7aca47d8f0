"""What does a timer pass over, and what does it ask first? For `renew --due` and `enrol --due`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfcert.enrol.ports import Memory
    from sfcert.model.enrolment import Enrolled, EnrolmentPolicy, Record


def with_advice(record: Record | None, policy: EnrolmentPolicy, memory: Memory) -> Record | None:
    """The record with the authority's present advice, where it has some and may be asked; kept in the memory."""
    if record is None or policy.issuer.acme is None:
        return record
    import msgspec

    from sfcert.cli.acme_wiring import advice_for

    advice = advice_for(policy.issuer.acme, record.ari_id, record.renewal_ask_again_utc)
    if advice is None or advice.window is None:
        return record
    fresh = msgspec.structs.replace(
        record,
        renewal_start_utc=advice.window[0],
        renewal_end_utc=advice.window[1],
        renewal_ask_again_utc=advice.ask_again_utc,
    )
    memory.save(fresh)
    return fresh


def frozen_by(body: dict[str, Any] | None) -> str | None:
    """Why a certificate's renewal rests while a plan is at work; None where none is."""
    from sfcert.model.frozen import OWNER_TAG

    owner = ((body or {}).get("tags") or {}).get(OWNER_TAG)
    return f"its renewal rests while a plan is at work ({OWNER_TAG} says {owner})" if owner else None


def still_waits(before: Record | None, after: Record | None, done: Enrolled) -> str | None:
    """Why there is nothing new to tell of a request for somebody to sign; None where this run began it, or more than
    waiting came of it.

    Args:
        before: what was remembered before this run, `after` what is now.
    """
    if done.outcome != "waiting" or before is None or after is None or before.step != "pending":
        return None
    if before.request_id is None or before.request_id != after.request_id:
        return None
    return "its request is out and still waits to be signed"


def needs_its_manifest(policy: EnrolmentPolicy) -> str | None:
    """Why a certificate is not renewed by what is remembered alone; None where it can be.

    A secret that came with a manifest is not kept, so an attempt without it could only fail, and its failure would
    hold back the timer that has the manifest.
    """
    solvers = policy.issuer.acme.solvers if policy.issuer.acme is not None else ()
    named = sorted({value for one in solvers for key, value in one.settings.items() if key.endswith("_secret")})
    if not named:
        return None
    return f"needs the secret {named[0]} of its manifest: `sfcert enrol --manifest FILE --due` renews it"


def waits_after_failures(record: Record | None, policy: EnrolmentPolicy, now: datetime) -> str | None:
    """Why the next attempt waits; None where it does not. A policy that was changed since is tried at once.

    Source: cert-manager 1.21, the trigger controller: no back-off where the specification differs from what failed.
    """
    from sfcert.enrol.renewal import next_attempt
    from sfcert.views.text import counted

    if record is None or (record.policy is not None and record.policy != policy):
        return None
    attempt = next_attempt(record.failures)
    if attempt is None or attempt <= now:
        return None
    return f"waits after {counted(len(record.failures), 'failure')}, until {attempt:%Y-%m-%d %H:%M} UTC"
