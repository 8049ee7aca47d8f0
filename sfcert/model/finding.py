"""What is wrong, and how sure are we? One finding of the audit, and the audit as a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sfcert.model.base import Value

FORMAT = "sfcert.audit/1"
Verdict = Literal["pass", "fail", "unknown"]
Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Finding(Value):
    """One judgement by one rule on one subject. `evidence` is field path -> value seen (never a secret).

    `reason` is a CamelCase token from the rule's closed list; machines read it, `message` may be reworded.
    `subject` is a resource id, a vault certificate's URL or file:line.
    """

    rule: str
    verdict: Verdict
    severity: Severity
    blocks_plan: bool
    subject: str
    reason: str
    message: str
    remedy: str
    evidence: dict[str, Any]


class Audit(Value):
    """What the catalogue says of one observation. `findings` holds failures and unknowns only, in stable order.

    `verdict`: fail when an error-level rule failed; unknown when one could not be judged; else pass.
    `suppressed` are findings that a suppression silenced, with its reason in the evidence.
    """

    cluster_id: str
    observed_at_utc: datetime
    verdict: Verdict
    findings: tuple[Finding, ...]
    rules_run: int
    passed: int
    format: str = FORMAT
    suppressed: tuple[Finding, ...] = ()
