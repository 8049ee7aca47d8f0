"""How do other tools read an audit? SARIF 2.1.0, with each rule's page as its help. Floor 5.

Source: OASIS SARIF 2.1.0 (sections 3.27 result, 3.49 reportingDescriptor); what code scanning services read of it.
Leaves out: writing it anywhere.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

from sfcert import __version__
from sfcert.model.codec import to_plain
from sfcert.model.finding import Audit, Finding, Severity
from sfcert.rules import catalogue, explain

Json = dict[str, Any]
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_FILE_AND_LINE = re.compile(r"(?P<file>[^:\n]*[^:\n/]):(?P<line>[1-9][0-9]*)(?::(?P<column>[1-9][0-9]*))?")


def _pascal(rule_id: str) -> str:
    return "".join(part.capitalize() for part in rule_id.split("-"))


def _first_sentence(page: str) -> str:
    """The first line of text below the title's first heading: what the rule checks."""
    lines = [line for line in page.splitlines()[1:] if line.strip() and not line.startswith("#")]
    return lines[0].strip() if lines else ""


def _rules() -> list[Json]:
    described: list[Json] = []
    for rule in catalogue():
        page = explain(rule.id)
        described.append(
            {
                "id": rule.id,
                "name": _pascal(rule.id),
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": _first_sentence(page) or rule.title},
                "help": {"text": page, "markdown": page},
                "defaultConfiguration": {"level": _LEVEL[rule.severity]},
                "properties": {"blocksPlan": rule.blocks_plan, "reasons": rule.reasons},
                **({"deprecatedIds": list(rule.aliases)} if rule.aliases else {}),
            }
        )
    page = explain("suppression-expired")
    described.append(
        {
            "id": "suppression-expired",
            "name": "SuppressionExpired",
            "shortDescription": {"text": page.splitlines()[0].removeprefix("# ")},
            "fullDescription": {"text": _first_sentence(page)},
            "help": {"text": page, "markdown": page},
            "defaultConfiguration": {"level": "warning"},
        }
    )
    return described


def _location(subject: str, cluster_id: str) -> Json:
    """A place in a file where the subject is one; else the subject's name, with the cluster's id as its address.

    Code scanning asks for a physical location, so resources get their id (or URL) as the address.
    """
    match = _FILE_AND_LINE.fullmatch(subject)
    if match and not subject.startswith(("https://", "/subscriptions/")):
        region: Json = {"startLine": int(match["line"])}
        if match["column"]:
            region["startColumn"] = int(match["column"])
        place: Json = {"artifactLocation": {"uri": quote(match["file"])}, "region": region}
        return {"physicalLocation": place}
    address = subject if subject.startswith("https://") else quote((subject or cluster_id).lstrip("/"), safe="/")
    return {
        "physicalLocation": {"artifactLocation": {"uri": address}},
        "logicalLocations": [{"fullyQualifiedName": subject, "kind": "resource"}],
    }


def _fingerprint(finding: Finding) -> str:
    """The same fault keeps its fingerprint while its message is reworded."""
    said = "\n".join((finding.rule, finding.subject.lower(), finding.reason))
    return hashlib.sha256(said.encode()).hexdigest()


def _result(finding: Finding, places: dict[str, int], cluster_id: str, *, is_suppressed: bool) -> Json:
    text = f"{finding.message} {finding.remedy}".strip()
    result: Json = {
        "ruleId": finding.rule,
        # a result that says "cannot tell" is `review`, which takes no level of its own
        "kind": "review" if finding.verdict == "unknown" else "fail",
        "level": "none" if finding.verdict == "unknown" else _LEVEL[finding.severity],
        "message": {"text": text},
        "locations": [_location(finding.subject, cluster_id)],
        "partialFingerprints": {"sfcertFinding/v1": _fingerprint(finding)},
        "properties": {
            "verdict": finding.verdict,
            "severity": finding.severity,
            "reason": finding.reason,
            "blocksPlan": finding.blocks_plan,
            "evidence": to_plain(finding.evidence),
        },
    }
    if finding.rule in places:
        result["ruleIndex"] = places[finding.rule]
    if is_suppressed:
        why = str(finding.evidence.get("suppressed_because", ""))
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return result


def sarif(audit: Audit) -> Json:
    """One SARIF log with one run. Suppressed findings are in it, marked as such.

    Effects: none (reads the shipped rule pages).
    """
    rules = _rules()
    places = {str(rule["id"]): place for place, rule in enumerate(rules)}
    results = [_result(one, places, audit.cluster_id, is_suppressed=False) for one in audit.findings]
    results += [_result(one, places, audit.cluster_id, is_suppressed=True) for one in audit.suppressed]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "sfcert", "semanticVersion": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "properties": {
                            "clusterId": audit.cluster_id,
                            "observedAtUtc": audit.observed_at_utc.isoformat(),
                            "verdict": audit.verdict,
                        },
                    }
                ],
                "results": results,
            }
        ],
    }
