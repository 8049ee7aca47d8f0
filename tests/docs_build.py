"""Write the generated pages of the reference from the code that they describe: `make docs`.

`pages()` gives every page as path -> text; a test compares them with what is committed.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import msgspec

from sfcert import dated
from sfcert.cli.main import COMMANDS, cli
from sfcert.converge.gates import GATE_KINDS
from sfcert.converge.reasons import REASONS
from sfcert.enrol.manifest_certificate import usages_told
from sfcert.enrol.manifest_fields import FIELDS
from sfcert.enrol.policy import policy_schema
from sfcert.enrol.reasons import CERT_MANAGER_REASONS, CONDITION_REASONS, GATE_REASONS
from sfcert.errors import TOKENS, ConvergenceError, InputError, RefusedError, RemoteError
from sfcert.model.bundle import Bundle
from sfcert.model.enrolment import CertificateStatus, Enrolled, Record
from sfcert.model.finding import Audit
from sfcert.model.forecast import Forecast
from sfcert.model.inspect import Inspect
from sfcert.model.plan import Plan
from sfcert.model.rehearsal import Rehearsal
from sfcert.playbook import load_playbook, playbook_names
from sfcert.rules import catalogue
from sfcert.sim import faults
from sfcert.sim.kernel.faults import REQUESTS, TEMPO
from sfcert.sim.worlds.specs import WORLDS
from sfcert.views.enrolment_metrics import metric_names
from tests.sim.clients.api_versions import OF_AZ
from tests.sim.clients.az_table import ROWS, commands

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
_NOTE = "<!-- Written by `make docs`; change the code instead. -->\n\n"
_FORMATS: dict[str, Any] = {
    "bundle": Bundle,
    "inspect": Inspect,
    "audit": Audit,
    "forecast": Forecast,
    "plan": Plan,
    "rehearsal": Rehearsal,
    "enrolled": Enrolled,
    "enrolment": Record,
    "certificate-status": CertificateStatus,
}


def _usage(command: click.Command, path: str) -> list[str]:
    context = click.Context(command, info_name=path, max_content_width=96, terminal_width=96)
    lines = [f"## {path}", "", "```text", command.get_help(context), "```", ""]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            lines += _usage(inner, f"{path} {name}")
    return lines


def _commands() -> str:
    context = click.Context(cli, info_name="sfcert")
    lines = ["# Commands", ""]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        lines += _usage(command, f"sfcert {name}")
    return _NOTE + "\n".join(lines)


def _errors() -> str:
    families = {InputError: "1", RefusedError: "3, 4 or 6", RemoteError: "1", ConvergenceError: "5 (1 where it failed)"}
    lines = ["# Errors", "", "Each error has a token beside its sentence; `--format json` carries it.", ""]
    lines += ["| family | exit code |", "|---|---|"]
    lines += [f"| {family.__name__} | {code} |" for family, code in families.items()]
    for token, sentence in TOKENS.items():
        lines += ["", f"## {token}", "", sentence]
    return _NOTE + "\n".join(lines) + "\n"


def _rules() -> str:
    lines = ["# Rules", "", "`sfcert explain RULE` prints the page of a rule.", ""]
    lines += ["| rule | severity | blocks a plan | obligation |", "|---|---|---|---|"]
    for rule in catalogue():
        page = f"../../sfcert/rules/{rule.id.replace('-', '_')}.md"
        blocks = "yes" if rule.blocks_plan else ""
        lines.append(f"| [{rule.id}]({page}) | {rule.severity} | {blocks} | {rule.title} |")
    return _NOTE + "\n".join(lines) + "\n"


def _reasons() -> str:
    lines = [
        "# Gates and reasons",
        "",
        "A gate is looked for, never assumed.",
        "",
        "| gate | is passed when |",
        "|---|---|",
    ]
    lines += [f"| {kind} | {sentence} |" for kind, sentence in GATE_KINDS.items()]
    lines += ["", "Each look at a gate or a resource gives a reason:", "", "| reason | means |", "|---|---|"]
    lines += [f"| {reason} | {sentence} |" for reason, sentence in REASONS.items()]
    for title, reasons in (
        ("The gate of enrolment says of each question:", GATE_REASONS),
        ("The conditions Ready and Issuing of a certificate say:", CONDITION_REASONS),
    ):
        lines += ["", title, "", "| reason | means |", "|---|---|"]
        lines += [f"| {reason} | {sentence} |" for reason, sentence in reasons.items()]
    return _NOTE + "\n".join(lines) + "\n"


def _assumptions() -> str:
    lines = ["# Assumptions", "", f"As of {dated.read_on()}. The list is closed; `--accept ID` takes one from it.", ""]
    for row in dated.rows("assumptions"):
        lines += [f"## {row['id']}", "", row["text"], "", f"* If it is wrong: {row['if_wrong']}"]
        lines += [f"* To check it: {row['check']}", f"* Source: {row['source']}", ""]
    lines += ["# Standing assumptions", "", "Listed with every proof, never asked for.", ""]
    for row in dated.rows("standing_assumptions"):
        lines += [f"* {row['text']} ({row['source']})"]
    return _NOTE + "\n".join(lines) + "\n"


def _playbooks() -> str:
    folder = ROOT / "playbooks"
    lines = ["# Playbooks", "", "`sfcert plan --playbook NAME` takes one; `--playbooks DIR` takes yours instead.", ""]
    lines += ["| playbook | leads |", "|---|---|"]
    books = [load_playbook(folder, name) for name in playbook_names(folder)]
    lines += [f"| [{one.name}](#{one.name}) | {one.title[:1].lower()}{one.title[1:]} |" for one in books]
    for one in books:
        lines += ["", f"## {one.name}", "", one.explains, ""]
        if one.exempts:
            told = ", ".join(f"`{rule}`" for rule in one.exempts)
            lines += [f"Findings of {told} do not block it, because it is their remedy.", ""]
        lines += ["| stage | what | undo | gates after it |", "|---|---|---|---|"]
        lines += [
            f"| `{stage.id}` | {stage.action} | {stage.undo} | {', '.join(stage.gates_out)} |"
            for stage in one.definitions()
        ]
    return _NOTE + "\n".join(lines) + "\n"


#: What a field's fate is called on the page.
_FATES = {
    "same": "as there",
    "turned": "differs",
    "idle": "no meaning here",
    "refused": "refused",
}


#: A field of a Certificate's status -> the same in ours.
_STATUS = {
    "conditions[].lastTransitionTime": "conditions[].since_utc",
    "notBefore": "not_before_utc",
    "notAfter": "not_after_utc",
    "renewalTime": "renewal_utc",
    "revision": "revision",
    "lastFailureTime": "last_failure.at_utc",
    "failedIssuanceAttempts": "failed_attempts",
}
_OWN_METRICS = ("certificate_revision", "certificate_last_attempt_failed")


def _cert_manager() -> str:
    lines = [
        "# cert-manager's fields",
        "",
        "What `sfcert enrol --manifest` makes of each field of cert-manager's API (v1, as of 1.21), of the annotations",
        "that an `Ingress` may bear, and of `tls.cert-manager` in NGINX's `VirtualServer`. A field that is not listed",
        'is refused as a misspelt one. A refused field that is not set (`false`, `""`, `[]`) refuses nothing.',
        "What differs is told as a note where it matters. How to go about it:",
        "[come from cert-manager](../how-to/come-from-cert-manager.md).",
    ]
    for place, fields in FIELDS.items():
        lines += ["", f"## {place}", "", "| field | becomes | |", "|---|---|---|"]
        lines += [f"| `{name}` | {_FATES[field.fate]} | {field.says} |" for name, field in fields.items()]
    lines += ["", "## Usages", "", "| usage | asked of the vault as |", "|---|---|"]
    lines += [f"| `{usage}` | {told} |" for usage, told in usages_told().items()]
    lines += ["", "`cert sign` and `crl sign` are an authority's, and refused.", "", "## Conditions", ""]
    lines += ["The reasons of `Ready` and `Issuing`:", "", "| here | there |", "|---|---|"]
    lines += [f"| `{reason}` | {CERT_MANAGER_REASONS.get(reason, '')} |" for reason in CONDITION_REASONS]
    lines += ["", "`Disabled` is of a version that the vault does not give out, not of a renewal's policy."]
    lines += ["", "A failure backs off as there: one hour, doubled with each in a row, at most 32 hours."]
    lines += ["", "## Status", "", "`sfcert status --format json`:", "", "| there | here |", "|---|---|"]
    known_fields = {one.name for one in msgspec.structs.fields(CertificateStatus)}
    assert {here.partition(".")[0].removesuffix("[]") for here in _STATUS.values()} <= known_fields
    lines += [f"| `{there}` | `{here}` |" for there, here in _STATUS.items()]
    lines += ["", "## Metrics", "", "| there | here |", "|---|---|"]
    known = [name for name in metric_names() if name not in _OWN_METRICS]
    lines += [f"| `certmanager_{name}` | `sfcert_{name}` |" for name in known]
    lines += [f"| | `sfcert_{name}` |" for name in _OWN_METRICS]
    lines += [
        "",
        "The label `vault` takes the place of `namespace`; `issuer_name` is the subject of the issuer that signed, so",
        "there is no `issuer_kind` and no `issuer_group`. An instant that is not known is left out, where cert-manager",
        "says 0.",
    ]
    return _NOTE + "\n".join(lines) + "\n"


#: The vendor's clients that the test run drives, by distribution.
_SDKS = (
    "azure-identity",
    "azure-keyvault-certificates",
    "azure-keyvault-secrets",
    "azure-mgmt-authorization",
    "azure-mgmt-compute",
    "azure-mgmt-dns",
    "azure-mgmt-keyvault",
    "azure-mgmt-msi",
    "azure-mgmt-resource-deployments",
    "azure-mgmt-servicefabric",
)


def _az_commands() -> list[str]:
    return [f"{len(ROWS)} rows:", "", "```text", *[f"az {command}" for command in commands()], "```"]


def _versions() -> list[str]:
    lines = ["| SDK | version |", "|---|---|"]
    lines += [f"| `{name}` | {metadata.version(name)} |" for name in _SDKS]
    lines += ["", "| what `az` asks for | api-version |", "|---|---|"]
    return [*lines, *[f"| `{kind}` | {', '.join(versions)} |" for kind, versions in OF_AZ.items()]]


def _worlds() -> list[str]:
    return [
        "| world | what is there |",
        "|---|---|",
        *[f"| `{name}` | {one.sentence} |" for name, one in WORLDS.items()],
    ]


def _embedded_azure(page: str) -> str:
    """The page as it stands, with the parts between its marks written anew: the rest is by hand, boxes included."""
    for mark, lines in (("az", _az_commands()), ("versions", _versions()), ("worlds", _worlds())):
        begin, end = f"<!-- {mark}: written by `make docs` -->", f"<!-- {mark}: end -->"
        whole = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
        text = "\n".join([begin, *lines, end])
        page, found = whole.subn(lambda _, text=text: text, page)  # type: ignore[misc]  # bound to this turn of the loop
        assert found == 1, f"embedded-azure.md has no place for '{mark}'"
    return page


def _faults() -> str:
    lines = ["# Faults of the embedded Azure", "", "`sfcert sim fault` lists them, `sfcert sim fault NAME` arms one,"]
    lines += [
        "`sfcert sim fault NAME --off` disarms it, `sfcert sim fault NAME --explain` prints its section here.",
        "",
    ]
    lines += ["Options are given as `OPTION=VALUE`. Every fault takes these:", ""]
    lines += ["| option | tempo |", "|---|---|"]
    lines += [f"| `{option}` | {says} |" for option, says in TEMPO.items()]
    lines += ["", "Those that strike requests take these as well:", "", "| option | which requests |", "|---|---|"]
    lines += [f"| `{option}` | {says} |" for option, says in REQUESTS.items()]
    lines += ["", "| fault | what goes wrong |", "|---|---|"]
    lines += [f"| [{name}](#{name}) | {fault.sentence} |" for name, fault in faults.declared().items()]
    for name, fault in faults.declared().items():
        kind = "Strikes requests." if fault.of_requests else "Changes the world."
        lines += ["", f"## {name}", "", f"{fault.sentence} {kind}", "", faults.text_of(name)]
        if fault.options:
            lines += ["", "| option | means |", "|---|---|"]
            lines += [f"| `{option}` | {says} |" for option, says in fault.options.items()]
    return _NOTE + "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Every generated file of the reference, by path, as it should read now."""
    found = {
        REFERENCE / "cli.md": _commands(),
        REFERENCE / "errors.md": _errors(),
        REFERENCE / "rules.md": _rules(),
        REFERENCE / "reasons.md": _reasons(),
        REFERENCE / "assumptions.md": _assumptions(),
        REFERENCE / "playbooks.md": _playbooks(),
        REFERENCE / "faults.md": _faults(),
        REFERENCE / "cert-manager.md": _cert_manager(),
    }
    for name, kind in _FORMATS.items():
        schema = msgspec.json.schema(kind)
        found[REFERENCE / "schemas" / f"{name}.json"] = json.dumps(schema, indent=2, sort_keys=True) + "\n"
    embedded = REFERENCE / "embedded-azure.md"
    found[embedded] = _embedded_azure(embedded.read_text("utf-8"))
    policy = json.dumps(policy_schema(), indent=2, sort_keys=True) + "\n"
    found[REFERENCE / "schemas" / "policy.json"] = policy
    return found


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
