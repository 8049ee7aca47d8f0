"""What was agreed to be left alone, and until when? Reads a suppression file and applies it to findings. Floor 3.

The file is YAML: a list of `rule`, `reason`, `until` (last day, UTC, inclusive) and, to narrow it, `subject` (a glob,
case aside). A suppression past its last day silences nothing and is itself reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from sfcert.errors import Fault, InputError
from sfcert.model.base import Value
from sfcert.model.finding import Finding

EXPIRED_RULE = "suppression-expired"
_KEYS = frozenset({"rule", "subject", "reason", "until"})


class Suppression(Value):
    """`subject` None: every subject of the rule. `until` is the last day on which it holds, in UTC."""

    rule: str
    reason: str
    until: date
    subject: str | None = None
    where: str = ""


def _read_one(entry: Any, where: str, faults: list[Fault], file: str) -> Suppression | None:
    if not isinstance(entry, dict):
        faults.append(Fault("a suppression is a mapping of rule, reason, until and perhaps subject", file, path=where))
        return None
    before = len(faults)
    for key in sorted(set(map(str, entry)) - _KEYS):
        faults.append(Fault(f"{key!r} is not known; the keys are rule, subject, reason, until", file, path=where))
    for key in ("rule", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            faults.append(Fault(f"{key} is missing", file, path=where))
    until = entry.get("until")
    if isinstance(until, str):
        try:
            until = date.fromisoformat(until)
        except ValueError:
            until = None
    if isinstance(until, datetime):
        until = until.date()
    if not isinstance(until, date):
        faults.append(Fault("until is missing or is not a day (YYYY-MM-DD)", file, path=where))
    subject = entry.get("subject")
    if subject is not None and not isinstance(subject, str):
        faults.append(Fault("subject is not a text", file, path=where))
    if len(faults) > before:
        return None
    assert isinstance(until, date)
    return Suppression(rule=entry["rule"], reason=entry["reason"], until=until, subject=subject, where=where)


def read_suppressions(text: str, file: str) -> tuple[Suppression, ...]:
    """Parse a suppression file; an empty one gives none.

    Raises:
        InputError: SuppressionInvalid, with every fault of the file.
    """
    from sfcert.yaml_text import read_yaml  # here, since most audits read no such file

    listed = read_yaml(text, file, "SuppressionInvalid")
    if isinstance(listed, dict) and set(listed) == {"suppressions"}:
        listed = listed["suppressions"]
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise InputError("SuppressionInvalid", f"{file} is not a list of suppressions.")
    faults: list[Fault] = []
    read = [_read_one(entry, f"[{place}]", faults, file) for place, entry in enumerate(listed)]
    if faults:
        raise InputError("SuppressionInvalid", f"{file} has suppressions that do not say what is needed.", faults)
    return tuple(one for one in read if one is not None)


def load_suppressions(path: Path) -> tuple[Suppression, ...]:
    """Read a suppression file. Raises InputError: FileUnreadable, SuppressionInvalid."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("FileUnreadable", f"{path} cannot be read.", [Fault(str(error))]) from error
    return read_suppressions(text, str(path))


def _covers(one: Suppression, finding: Finding) -> bool:
    if one.rule != finding.rule:
        return False
    return one.subject is None or fnmatchcase(finding.subject.lower(), one.subject.lower())


def apply_suppressions(
    findings: Sequence[Finding], suppressions: Sequence[Suppression], now: datetime, cluster_id: str
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]:
    """Split findings into (kept, suppressed), and say which suppressions have run out.

    Args:
        now: aware UTC.

    Returns:
        Three tuples. A suppressed finding carries `suppressed_because` and `suppressed_until` in its evidence. The
        third holds one warning for each suppression past its last day, whether or not it would still silence anything.
    """
    today = now.astimezone(UTC).date()
    living = [one for one in suppressions if one.until >= today]
    kept: list[Finding] = []
    silenced: list[Finding] = []
    for finding in findings:
        by = next((one for one in living if _covers(one, finding)), None)
        if by is None:
            kept.append(finding)
            continue
        evidence = {
            **finding.evidence,
            "suppressed_because": by.reason,
            "suppressed_until": by.until.isoformat(),
        }
        silenced.append(msgspec.structs.replace(finding, evidence=evidence))
    complaints = tuple(
        Finding(
            rule=EXPIRED_RULE,
            verdict="fail",
            severity="warning",
            blocks_plan=False,
            subject=one.subject or cluster_id,
            reason="SuppressionExpired",
            message=f"The suppression of {one.rule} ran out on {one.until.isoformat()} and silences nothing any more.",
            remedy="Mend what it hid, or agree on a new last day.",
            evidence={"rule": one.rule, "until": one.until.isoformat(), "reason": one.reason},
        )
        for one in suppressions
        if one.until < today
    )
    return tuple(kept), tuple(silenced), complaints
