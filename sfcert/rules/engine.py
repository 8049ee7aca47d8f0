"""How is a rule judged, and what does it say? The rule, its judgement, and the run over the whole catalogue. Floor 3.

A rule is one module with `RULE` and one page of the same name. Its check yields what failed and what could not be
judged; a rule that yields nothing passed, also where it does not apply. Leaves out: which rules there are
(`registry`), silencing (`suppressions`), printing (`sfcert.views`).

What an authored template can never hold (the inside of a vault, running machines) is reported as `NotInTemplate`:
unknown, but at level info. The question to a template is whether the definition is right, and a definition cannot be
sent back for what no definition can say. A value *of* the template that stays open (`ValueUnresolved`) and a part of a
live cluster that could not be read keep the full level of their rule.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sfcert.model.base import Value
from sfcert.model.finding import SEVERITIES, Audit, Finding, Severity, Verdict
from sfcert.model.observation import Observation
from sfcert.rules.suppressions import Suppression, apply_suppressions

#: Reasons that any rule may give for not knowing. A rule's own reasons stand beside it.
SHARED_REASONS: Mapping[str, str] = {
    "NotInTemplate": "An authored template cannot say it; ask the live cluster or a capture.",
    "ValueUnresolved": "The value is an expression that nothing at hand can evaluate.",
    "VaultUnread": "The inside of the vault could not be read.",
    "CertificateUnread": "The vault was read, but not this certificate, its policy or its bytes.",
    "ResourceUnread": "A resource that decides it was not read.",
    "InstancesUnread": "The machines of the scale set were not listed.",
    "IssuerUnknown": "The certificate that signed the leaf is not known.",
    "RuleCrashed": "The rule itself failed; this is a bug in sfcert.",
}


class Judgement(Value):
    """What one rule says of one subject. `reason` is from the rule's list or from `SHARED_REASONS` (unknown only)."""

    verdict: Literal["fail", "unknown"]
    subject: str
    reason: str
    message: str
    remedy: str
    evidence: dict[str, Any]


Check = Callable[[Observation, datetime], Iterator[Judgement]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `reasons`: token -> sentence, closed. `severity_of` and `blocks` differ from the rule's own by reason.

    `blocks_plan`: while it fails or is unknown no rollover may start. `aliases` are ids that it once had.
    """

    id: str
    severity: Severity
    reasons: Mapping[str, str]
    check: Check
    blocks_plan: bool = False
    severity_of: Mapping[str, Severity] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


class RuleInfo(Value):
    """A rule for lists, pages and SARIF: `title` is the obligation, from the first line of its page."""

    id: str
    severity: Severity
    blocks_plan: bool
    title: str
    reasons: dict[str, str]
    severities: dict[str, Severity]
    aliases: tuple[str, ...]


def fail(subject: str, reason: str, message: str, remedy: str, **evidence: Any) -> Judgement:
    return Judgement(verdict="fail", subject=subject, reason=reason, message=message, remedy=remedy, evidence=evidence)


def fail_at(subject: str, reason: str, message: str, remedy: str, evidence: Mapping[str, Any]) -> Judgement:
    """As `fail`, with evidence by field path."""
    return fail(subject, reason, message, remedy, **evidence)


def unknown(subject: str, reason: str, message: str, remedy: str, **evidence: Any) -> Judgement:
    return Judgement(
        verdict="unknown", subject=subject, reason=reason, message=message, remedy=remedy, evidence=evidence
    )


def _severity(rule: Rule, judgement: Judgement) -> Severity:
    if judgement.reason == "NotInTemplate":
        return "info"
    return rule.severity_of.get(judgement.reason, rule.severity)


def judge(rule: Rule, observation: Observation, now: datetime) -> tuple[Finding, ...]:
    """What one rule finds, each subject and reason once, in the order of subjects.

    Raises:
        Nothing. A rule that raises becomes one finding, unknown, `RuleCrashed`, with the traceback as evidence.
    """
    judgements: list[Judgement] = []
    try:
        for one in rule.check(observation, now):
            known = rule.reasons if one.verdict == "fail" else {**rule.reasons, **SHARED_REASONS}
            assert one.reason in known, f"{rule.id} gave {one.reason}, which is not in its list"
            judgements.append(one)
    except Exception:  # a broken rule must not hide the others, and must not count as passed
        judgements.append(
            unknown(
                observation.cluster.id,
                "RuleCrashed",
                f"The rule {rule.id} failed to run, so nothing is known of what it checks.",
                "Report this with the evidence; the other rules are not affected.",
                traceback=traceback.format_exc(limit=-6),
            )
        )
    found: dict[tuple[str, str, str], Finding] = {}
    for one in judgements:
        severity = _severity(rule, one)
        finding = Finding(
            rule=rule.id,
            verdict=one.verdict,
            severity=severity,
            # what blocks is the error: milder reasons of the same rule are advice
            blocks_plan=rule.blocks_plan and severity == "error",
            subject=one.subject,
            reason=one.reason,
            message=one.message,
            remedy=one.remedy,
            evidence=one.evidence,
        )
        found.setdefault((one.subject, one.reason, one.message), finding)
    return tuple(found[key] for key in sorted(found))


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """fail when an error-level rule failed, unknown when one could not be judged, else pass."""
    verdicts = {finding.verdict for finding in findings if finding.severity == "error"}
    if "fail" in verdicts:
        return "fail"
    return "unknown" if "unknown" in verdicts else "pass"


def run(
    rules: Sequence[Rule],
    observation: Observation,
    *,
    now: datetime,
    min_severity: Severity = "info",
    suppressions: Sequence[Suppression] = (),
) -> Audit:
    """Judge every rule and put the findings in stable order: errors first, then by rule, then by subject.

    Args:
        now: aware UTC; the present for expiry and for suppressions.
        min_severity: findings below it are left out of the list; they count as judged all the same.

    Effects: none.
    """
    found = [finding for rule in rules for finding in judge(rule, observation, now)]
    failing_rules = {finding.rule for finding in found}
    kept, silenced, complaints = apply_suppressions(found, suppressions, now, observation.cluster.id)
    levels = SEVERITIES[: SEVERITIES.index(min_severity) + 1]
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    listed = [finding for finding in (*kept, *complaints) if finding.severity in levels]
    listed.sort(key=lambda one: (order[one.severity], one.verdict, one.rule, one.subject, one.reason, one.message))
    return Audit(
        cluster_id=observation.cluster.id,
        observed_at_utc=observation.observed_at_utc,
        verdict=verdict_of(kept),
        findings=tuple(listed),
        rules_run=len(rules),
        passed=len(rules) - len(failing_rules),
        suppressed=silenced,
    )
