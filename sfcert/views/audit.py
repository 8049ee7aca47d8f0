"""How are findings read? As terminal text, JSON, Markdown for a pull request, or SARIF. Floor 5.

The order is the audit's own and therefore stable. What a template cannot say is gathered in one line for people; in the
other forms each finding stands by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from sfcert.model.codec import pretty, to_plain
from sfcert.model.finding import SEVERITIES, Audit, Finding, Verdict
from sfcert.views.text import PLAIN, Page, instant, short_value

_MARK = {"error": "✗", "warning": "!", "info": "·"}
_UNKNOWN_MARK = "?"
LEGEND = "✗ error   ! warning   · info   ? could not be judged"
_STYLE = {"error": "red", "warning": "yellow", "info": "dim"}
_VERDICT_STYLE: dict[Verdict, str] = {"pass": "green", "fail": "red", "unknown": "yellow"}


class AuditView(Protocol):
    def render(self, audit: Audit) -> str:
        """The whole audit as text that ends with a newline."""
        ...


def headline(audit: Audit) -> str:
    """The verdict in one line."""
    counts: dict[str, int] = {}
    for finding in audit.findings:
        word = "unknown" if finding.verdict == "unknown" else finding.severity
        counts[word] = counts.get(word, 0) + 1
    said = [
        f"{counts[word]} {word}{'s' if counts[word] > 1 and word not in ('unknown', 'info') else ''}"
        for word in (*SEVERITIES, "unknown")
        if word in counts
    ]
    found = ", ".join(said) if said else "nothing found"
    silenced = f", {len(audit.suppressed)} suppressed" if audit.suppressed else ""
    return f"{audit.verdict}: {found}{silenced}; {audit.passed} of {audit.rules_run} rules passed"


def _is_outside_template(finding: Finding) -> bool:
    return finding.verdict == "unknown" and finding.reason == "NotInTemplate"


def _mark(finding: Finding) -> str:
    return _UNKNOWN_MARK if finding.verdict == "unknown" else _MARK[finding.severity]


def _gathered(findings: list[Finding]) -> list[list[Finding]]:
    """Findings in their order; unknowns for one and the same reason on one subject come together at the first."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for place, one in enumerate(findings):
        key: tuple[str, ...] = (str(place),)
        if one.verdict == "unknown" and "unread" in one.evidence:
            key = (one.severity, one.subject, one.reason, str(one.evidence["unread"]))
        groups.setdefault(key, []).append(one)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class AuditHuman:
    """For a terminal: one head line and a few wrapped lines for each finding."""

    page: Page = PLAIN

    def _block(self, alike: list[Finding]) -> list[str]:
        """One finding, or several rules that stand before the same closed door."""
        page, first = self.page, alike[0]
        tags: list[str] = [first.severity] if first.verdict == "unknown" else []
        tags += ["blocks a plan"] if any(one.blocks_plan for one in alike) else []
        note = f"  ({', '.join(tags)})" if tags else ""
        rules = first.rule if len(alike) == 1 else f"{len(alike)} rules"
        lines = [page.paint(f"{_mark(first)} {rules} · {first.reason}{note}", _STYLE[first.severity])]
        lines += page.wrap(first.subject, 4, "on: ")
        if len(alike) > 1:
            lines += page.wrap(", ".join(one.rule for one in alike), 4, "rules: ")
            lines += page.wrap(f"{first.evidence.get('unread')} {first.evidence.get('why')}.", 4)
        else:
            lines += page.wrap(first.message, 4)
        if first.verdict == "fail":
            for path, value in first.evidence.items():
                lines += page.wrap(f"{path} = {short_value(value, max(page.width - 10, 30))}", 6)
        elif "traceback" in first.evidence:
            lines += [f"      {line}" for line in str(first.evidence["traceback"]).splitlines()]
        lines += page.wrap(first.remedy, 4, "→ ")
        return lines

    def render(self, audit: Audit) -> str:
        page = self.page
        lines = [page.paint(headline(audit), _VERDICT_STYLE[audit.verdict])]
        lines += page.wrap(f"{audit.cluster_id}, as of {instant(audit.observed_at_utc)}", 0)
        shown = [one for one in audit.findings if not _is_outside_template(one)]
        outside = sorted({one.rule for one in audit.findings if _is_outside_template(one)})
        if shown:
            lines += ["", page.paint(LEGEND, "dim")]
        for alike in _gathered(shown):
            lines += ["", *self._block(alike)]
        if outside:
            lines += ["", *page.wrap(", ".join(outside), 2, "a template cannot say all that these rules ask: ")]
        for finding in audit.suppressed:
            until, why = finding.evidence.get("suppressed_until"), finding.evidence.get("suppressed_because")
            said = f"{finding.rule} on {finding.subject}, until {until}: {why}"
            lines += ["", *page.wrap(said, 2, "suppressed: ")]
        if shown:
            lines += ["", f"Read more: sfcert explain {shown[0].rule}"]
        return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


@dataclass(frozen=True, slots=True)
class AuditMarkdown:
    """For a pull request: a table, then the remedies and the evidence folded away."""

    def render(self, audit: Audit) -> str:
        lines = [f"## Audit: {headline(audit)}", ""]
        lines += [f"`{audit.cluster_id}`, as of {instant(audit.observed_at_utc)}", ""]
        if audit.findings:
            lines += ["| | rule | reason | subject | what |", "|---|---|---|---|---|"]
        for one in audit.findings:
            level = f"{_mark(one)} {'unknown, ' if one.verdict == 'unknown' else ''}{one.severity}"
            blocks = " **blocks a plan**" if one.blocks_plan else ""
            lines.append(
                f"| {level} | `{one.rule}` | {one.reason} | `{_cell(one.subject)}` | {_cell(one.message)}{blocks} |"
            )
        for one in audit.findings:
            evidence = json.dumps(to_plain(one.evidence), indent=1, ensure_ascii=False, default=str)
            title = _cell(f"{one.rule} · {one.reason} · {one.subject}")
            lines += ["", f"<details><summary>{title}</summary>", "", _cell(one.remedy), ""]
            lines += ["```json", evidence.replace("```", "'''"), "```", "", "</details>"]
        for one in audit.suppressed:
            why, until = one.evidence.get("suppressed_because"), one.evidence.get("suppressed_until")
            lines += ["", f"Suppressed until {until}: `{one.rule}` on `{_cell(one.subject)}`: {_cell(str(why))}"]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class AuditJson:
    """`sfcert.audit/1`, one document."""

    def render(self, audit: Audit) -> str:
        return pretty(audit)


@dataclass(frozen=True, slots=True)
class AuditSarif:
    """SARIF 2.1.0, one document."""

    def render(self, audit: Audit) -> str:
        from sfcert.views.sarif import sarif

        return json.dumps(sarif(audit), indent=2, ensure_ascii=False) + "\n"


def audit_view(audit: Audit, form: str, page: Page = PLAIN) -> str:
    """The audit in one of the forms human, json, markdown, sarif. KeyError for any other: a bug of the caller."""
    views: dict[str, AuditView] = {
        "human": AuditHuman(page),
        "json": AuditJson(),
        "markdown": AuditMarkdown(),
        "sarif": AuditSarif(),
    }
    return views[form].render(audit)
