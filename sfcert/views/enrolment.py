"""How are enrolments and their certificates shown to people? One answer, a table, a page about one certificate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfcert.model.enrolment import CertificateStatus, Enrolled, GateReport
from sfcert.model.progress import Event
from sfcert.views.text import PLAIN, Page, instant, short_value

Json = dict[str, Any]
_MARKS = {"pass": ("✓", "green"), "fail": ("✗", "red"), "unknown": ("?", "yellow")}
_EVENTS = {
    "enrolment-predicted": "The gate predicts: {verdict}.",
    "enrolment-resumed": "Going on with the request of an earlier run ({request_id}).",
    "enrolment-cancelled": "The operation in progress was cancelled ({request_id}).",
    "enrolment-requested": "Asked the vault for a certificate, issuer {issuer} (request {request_id}).",
    "enrolment-issuer-created": "The vault's issuer {issuer} was created, provider {provider}.",
    "enrolment-waiting": "{why}",
    "enrolment-signed": "The authority has signed; {certificates} certificates came.",
    "enrolment-judged": "The gate judges: {verdict}.",
    "enrolment-acme": "{message}",
}


def event_line(event: Event) -> str:
    """One line of progress."""
    text = step_text(event.type.removeprefix("enrolment-"), event.data)
    return f"{event.at_utc:%H:%M:%S} {event.data.get('name', '')}: {text}"


def step_text(what: str, data: Json) -> str:
    """One step of an enrolment in words."""
    pattern = _EVENTS.get(f"enrolment-{what}")
    return pattern.format(**data) if pattern else what


def enrolled_human(done: Enrolled, *, csr_file: str | None = None, page: Page = PLAIN) -> str:
    """What an enrolment came to, with the pins as `fabricSettings` and the template need them."""
    url = f"{done.vault_url}/certificates/{done.name}"
    head = {
        "unchanged": f"{url}: nothing to do.",
        "planned": f"{url}: dry run, nothing was sent.",
        "waiting": f"{url}: the request is out and waits to be signed.",
        "updated": f"{url}: the policy was changed; the version stays.",
        "issued": f"{url}: issued.",
    }[done.outcome]
    lines = [page.paint(head, "bold")]
    if done.changes:
        lines.append("Policy:")
        for one in done.changes:
            word = "needs a new version" if one.needs_new_version else "in place"
            lines.append(f"  {one.path}: {_value(one.path, one.before)} -> {_value(one.path, one.after)} ({word})")
    if done.report is not None:
        lines += _report(done.report, page)
    if done.version is not None:
        rows = [
            ("version", done.version),
            ("thumbprint", done.thumbprint or "unknown"),
            ("name", done.common_name or "none"),
            ("issuer", f"{done.issuer} {done.issuer_thumbprint or '(certificate not known)'}"),
            ("expires", instant(done.not_after_utc)),
        ]
        lines += page.pairs(rows)
    if done.pins and done.common_name:
        lines.append("Pins, as the cluster declares them:")
        lines.append(f'  "certificateCommonName": "{done.common_name}"')
        lines.append(f'  "certificateIssuerThumbprint": "{",".join(done.pins)}"')
    elif done.version is not None and done.outcome != "planned":
        lines.append("Pins: not known. --issuer-pem FILE, or --read-secret, tells who signed it.")
    if done.outcome == "waiting":
        if csr_file is None:
            lines.append((done.csr_pem or "").rstrip())
        elif csr_file == "-":
            lines.append("The request was printed, alone, on standard output.")
        else:
            lines.append(f"The request lies in {csr_file}.")
        lines.append(f"When it is signed: sfcert merge {done.name} --vault {done.vault_url} --chain FILE")
    lines += [line for note in done.notes for line in page.wrap(note, 2, "note: ")]
    return "\n".join(lines) + "\n"


def _value(path: str, value: Any) -> str:
    """A policy's value for people; lifetime actions in words, whose JSON would be cut where it matters."""
    if path != "lifetime_actions" or not isinstance(value, list):
        return short_value(value)
    return ", ".join(_action(one) for one in value) or "none"


def _action(raw: Json) -> str:
    trigger = raw.get("trigger") or {}
    kind = str((raw.get("action") or {}).get("action_type") or "?")
    if trigger.get("days_before_expiry") is not None:
        return f"{kind} {trigger['days_before_expiry']} days before expiry"
    return f"{kind} at {trigger.get('lifetime_percentage')} %"


def _report(report: GateReport, page: Page) -> list[str]:
    lines = [f"Gate, {report.kind}: {report.verdict}"]
    for one in report.checks:
        mark, style = _MARKS[one.verdict]
        reason = f"{one.reason}: " if one.verdict != "pass" else ""
        lines += page.wrap(f"{one.check}: {reason}{one.message}", 2, f"{mark} ")
        if one.remedy:
            lines += page.wrap(one.remedy, 4, "→ ")
        if style != "green" and page.colour:
            lines[-1] = page.paint(lines[-1], style)
    return lines


def statuses_human(found: Sequence[CertificateStatus], page: Page = PLAIN) -> str:
    """A table, one certificate a row: as `kubectl get certificate` shows them."""
    rows = [("NAME", "READY", "ISSUING", "EXPIRES", "RENEWAL", "REVISION", "ISSUER")]
    for one in found:
        ready, issuing = one.conditions
        rows.append(
            (
                one.name,
                ready.status if ready.status == "True" else f"{ready.status} ({ready.reason})",
                issuing.status if issuing.reason == "Idle" else f"{issuing.status} ({issuing.reason})",
                instant(one.not_after_utc) if one.not_after_utc else "-",
                instant(one.renewal_utc) if one.renewal_utc else "-",
                str(one.revision),
                one.issuer or "-",
            )
        )
    return "\n".join(page.table(rows, indent=0)) + "\n"


def status_human(one: CertificateStatus, page: Page = PLAIN) -> str:
    """Everything about one certificate, annotations as tags."""
    lines = [page.paint(f"{one.vault_url}/certificates/{one.name}", "bold")]
    rows = [
        ("version", one.version or "none"),
        ("enabled", {None: "-", True: "yes", False: "no"}[one.is_enabled]),
        ("thumbprint", one.thumbprint or "-"),
        ("name", one.common_name or "-"),
        ("DNS names", ", ".join(one.dns_names) or "-"),
        ("issuer", one.issuer or "-"),
        ("key", one.key or "-"),
        ("valid from", instant(one.not_before_utc) if one.not_before_utc else "-"),
        ("expires", instant(one.not_after_utc) if one.not_after_utc else "-"),
        ("renewal", (instant(one.renewal_utc) + (" (due)" if one.is_due else "")) if one.renewal_utc else "-"),
        ("revision", str(one.revision)),
        ("operation", one.pending_status or "none"),
    ]
    told = [f"{key}: {value}" for key, value in sorted(one.tags.items())]
    rows += zip(("tags", *[""] * len(told)), told, strict=False)
    lines += page.pairs(rows)
    for condition in one.conditions:
        since = f" since {instant(condition.since_utc)}" if condition.since_utc else ""
        head = f"{condition.type} {condition.status}{since}, {condition.reason}: "
        lines += page.wrap(head + condition.message, 2)
    if one.last_failure is not None:
        failed = one.last_failure
        count = f", {one.failed_attempts} in a row" if one.failed_attempts > 1 else ""
        lines += page.wrap(f"last failure {instant(failed.at_utc)}{count}, {failed.token}: {failed.message}", 2)
    return "\n".join(lines) + "\n"
