"""How is a plan reviewed? The same `Plan` value as terminal text and as Markdown for a pull request.

Order is the plan's own and therefore stable. No view computes anything that the plan does not say.
"""

from __future__ import annotations

from sfcert.enrol.granted import asked_names, in_words
from sfcert.enrol.words import acme_lines, usage_words
from sfcert.model.ids import parse_resource_id
from sfcert.model.plan import EnrolOperation, Plan, PropertyChange, Stage
from sfcert.model.proof import Proof
from sfcert.views.text import PLAIN, Page, counted, duration, instant, short_value

SYMBOL = {"deployment": "▲", "vault": "◆", "instances": "■", "enrol": "✚", "wait": "◌", "manual": "✋"}
LEGEND = "▲ deployment   ◆ vault   ■ instances   ✚ enrolment   ◌ watch   ✋ by people   ! point of no return"
EVIDENCE = (
    "[runtime] is asked of Service Fabric itself, [tls] seen in a handshake with each node, all else read from Azure."
)
#: What stands behind the verdicts of a proof and in its states; see docs/explanation/proof.md.
NOTATION = (
    "Two ways in which the resource provider may bring a change to the nodes: phases (trust first, then what is "
    "presented) and a single-walk. V is what a node accepts, P what it presents, by thumbprint (TP) or by name (CN)."
)
_CHANGE = {"Create": "+", "Modify": "~", "Delete": "-"}
_STATUS_STYLE = {"ready": "green", "blocked": "red", "nothing-to-do": "green"}
_MARKDOWN_LIMIT = 60_000
#: Three pins and their commas: whoever reviews a change of pins has to see them whole.
_WHOLE_PINS = 3 * 41 + 5


def headline(plan: Plan) -> str:
    """The verdict in one line."""
    proof = f"{plan.proof.verdict} over {plan.proof.states} states and {plan.proof.pairs} pairs"
    match plan.status:
        case "ready":
            note = "" if plan.appliable else ", for review only"
            return f"ready: {counted(len(plan.stages), 'stage')}, {proof}{note}"
        case "blocked":
            return f"blocked: {counted(len(plan.blocked_by), 'reason')}; {proof}"
        case _:
            if plan.manual_steps:
                return "nothing to do for now: what comes next is told under By people"
            return "nothing to do: the cluster is what the playbook leads to"


def goal_text(plan: Plan, quote: str = "") -> str:
    """The goal's certificate; one that a stage has yet to enrol has no thumbprint to speak of."""
    assert plan.goal is not None
    stage = next((one for one in plan.stages if one.enrol and one.enrol.stand_in == plan.goal.thumbprint), None)
    if stage is None:
        return f"certificate {quote}{plan.goal.thumbprint}{quote}"
    return (
        f"the certificate that stage {quote}{stage.id}{quote} enrols; "
        f"{quote}{plan.goal.thumbprint}{quote} stands for its thumbprint"
    )


def enrolment_lines(stage: Stage) -> list[str]:
    """What a stage asks for, of whom and how, and what the plan counts on."""
    if stage.enrol is None:
        return []
    policy, operation = stage.enrol.policy, stage.enrol
    key = f"{policy.key.type} {policy.key.curve or policy.key.size}"
    renewed = (
        "the vault, from the plan's end on"
        if policy.renewal.by == "vault" and not policy.issuer.is_merged
        else "sfcert (`sfcert renew --due`)"
    )
    names = ", ".join(in_words(asked_names(policy)))
    asks = f"asks for: {policy.subject}; names {names}; {key}; {usage_words(policy.ekus)}; "
    counts = f"counts on: an issuer of {_issuers(operation)}; NotBefore after every certificate in use; "
    return [
        f"{asks}{policy.validity_months} months; renewed by {renewed}",
        f"{counts}NotAfter from {instant(operation.lives_until_utc)} on",
        *acme_lines(policy, operation.vault_url),
    ]


def _issuers(operation: EnrolOperation) -> str:
    """The issuers that the gate takes, by name where their certificate was seen."""
    names: dict[str, str] = {}
    if operation.known_issuers_pem:
        # a plan without an enrolment is shown without reading certificates
        from sfcert.pki import read_pem_chain

        known = read_pem_chain(operation.known_issuers_pem.encode())
        names = {one.thumbprint: one.common_name or one.subject for one in known}
    return ", ".join(f"{one} ({names.get(one, 'its certificate was not seen')})" for one in operation.issuers)


def cancel_lines_of(stage: Stage) -> tuple[str, ...]:
    """The lines by which a stage's open request is cancelled by hand; empty where it asks for nothing."""
    return tuple(stage.undo.get("cancel") or ())


def change_line(change: PropertyChange, longest: int = 60, *, of: str = "") -> str:
    return f"{_CHANGE[change.kind]} {of}{change.path}: {_values(change, longest)}"


def change_lines_of(stage: Stage, longest: int = 60) -> list[tuple[PropertyChange, str]]:
    """The changes of a stage, each in one line; with the name of its resource where the stage touches several."""
    found = []
    for resource in stage.touched:
        of = f"{parse_resource_id(resource).name}: " if len(stage.touched) > 1 else ""
        found += [(change, change_line(change, longest, of=of)) for change in stage.changes_of(resource)]
    return found


def _values(change: PropertyChange, longest: int) -> str:
    before, after = short_value(change.before, longest), short_value(change.after, longest)
    match change.kind:
        case "Create":
            return after
        case "Delete":
            return before
        case _:
            return f"{before} → {after}"


def safe_stop(stage: Stage) -> str:
    if stage.safe_to_stop_until_utc is None:
        return "do not stop after it"
    return f"safe to stop after it until {instant(stage.safe_to_stop_until_utc)}"


def _change_lines(change: PropertyChange, page: Page) -> list[str]:
    """The path whole and on a line of its own, so that it can be copied; the values below it."""
    sign = {"Create": "green", "Modify": "cyan", "Delete": "red"}[change.kind]
    values = _values(change, max(page.width - 20, _WHOLE_PINS))
    return [page.paint(f"      {_CHANGE[change.kind]} {change.path}", sign), *page.wrap(values, 8)]


def stage_lines(stage: Stage, page: Page) -> list[str]:
    """One stage: what, why, every change, its gates, its time, and where one may stop."""
    mark = "!" if stage.is_point_of_no_return else " "
    lines = [page.paint(f"{mark} {SYMBOL[stage.kind]} {stage.id}", "bold")]
    lines += page.wrap(stage.action, 4)
    lines += page.wrap(stage.reason, 4, "why: ")
    for text in enrolment_lines(stage):
        lines += page.wrap(text, 4)
    for resource in stage.touched:
        changes = stage.changes_of(resource)
        if changes and len(stage.touched) > 1:
            lines += page.wrap(f"of {parse_resource_id(resource).name}:", 6)
        for change in changes:
            lines += _change_lines(change, page)
    for opening, gates in (("before: ", stage.gates_in), ("then see: ", stage.gates_out)):
        for gate in gates:
            level = "" if gate.level == "arm" else f" [{gate.level}]"
            lines += page.wrap(gate.says + level, 4, opening)
    lines += page.wrap(f"{duration(stage.deadline.seconds)} at most ({stage.deadline.computed_from})", 4, "time: ")
    lines += page.wrap(safe_stop(stage), 4)
    if undo := stage.undo.get("how"):
        lines += page.wrap(str(undo), 4, "undo: ")
    return lines


def _proof_lines(plan: Plan, page: Page) -> list[str]:
    proof = plan.proof
    lines = [page.paint("Proof", "bold") + f": {proof.verdict}; {proof.states} states, {proof.pairs} pairs checked"]
    lines += page.wrap(NOTATION, 2) if proof.stages else []
    for stage in proof.stages:
        readings = ", ".join(f"{name} {verdict}" for name, verdict in sorted(stage.readings.items()))
        lines += page.wrap(f"{stage.stage}: {stage.verdict} ({readings})", 2)
        if stage.before == stage.after:
            continue
        for one in stage.before:
            lines += page.wrap(f"{one.name}: {one.runs}; presents {one.presents}", 6, "before ")
        for one in stage.after:
            lines += page.wrap(f"{one.name}: {one.runs}; presents {one.presents}", 6, "after  ")
    lines += [line for text in _orders(proof) for line in page.wrap(text, 2, "order: ")]
    if proof.counterexample is not None:
        lines += page.wrap(proof.counterexample.sentence, 2, "counter-example: ")
    for missing in proof.missing:
        lines += page.wrap(missing, 2, "not known: ")
    lines += [line for text in proof.assumptions for line in page.wrap(text, 2, "assumed: ")]
    return lines


def plan_human(plan: Plan, *, file: str | None = None, page: Page = PLAIN) -> str:
    """The review for a terminal. `file` is where the plan was written, for the suggested next command."""
    lines = [
        page.paint(headline(plan), _STATUS_STYLE[plan.status]),
        f"  cluster   {plan.cluster_id}",
        f"  playbook  {plan.playbook}",
        f"  digest    {plan.digest}",
    ]
    if plan.goal is not None:
        pins = ", ".join(plan.goal.issuer_thumbprints) or "none"
        lines += page.wrap(f"{plan.goal.common_name}, {goal_text(plan)}", 2, "goal      ")
        lines += page.wrap(f"{pins} ({plan.goal.issuer_source})", 2, "pins      ")
    if plan.accepted:
        lines.append(f"  accepted  {', '.join(plan.accepted)}")
    if plan.blocked_by:
        lines += ["", page.paint("Blocked by", "red")]
        lines += [line for reason in plan.blocked_by for line in page.wrap(reason, 2, "- ")]
    if plan.findings:
        lines += ["", page.paint("Findings", "bold")]
        for finding in plan.findings:
            lines += page.wrap(f"{finding.severity} {finding.rule} ({finding.verdict}): {finding.message}", 2, "- ")
    if plan.stages:
        lines += ["", page.paint("Stages", "bold"), *page.wrap(LEGEND, 2), *page.wrap(EVIDENCE, 2)]
        for stage in plan.stages:
            lines += ["", *stage_lines(stage, page)]
        touched = sum(len(stage.changes) for stage in plan.stages)
        checked, verb = "checked against every body that is sent", "changes" if touched == 1 else "change"
        lines += ["", *page.wrap(f"{counted(touched, 'property')} {verb}; 0 others are touched ({checked}).")]
        lines += ["", *_proof_lines(plan, page)]
    elif plan.proof.counterexample or plan.proof.missing:
        lines += ["", *_proof_lines(plan, page)]
    for title, items in (("By people", plan.manual_steps), ("Outside this cluster", plan.dependants)):
        if items:
            lines += ["", page.paint(title, "bold")]
            lines += [line for item in items for line in page.wrap(item, 2, "- ")]
    if plan.status == "ready":
        if not plan.appliable:
            next_step = "plan again with --cluster to get one that can be applied"
        elif file is None:
            next_step = "plan again with -o FILE, which sfcert apply takes"
        else:
            next_step = f"sfcert apply {file}"
        lines += ["", f"Next: {next_step}"]
    return "\n".join(lines) + "\n"


def _fold(summary: str, body: list[str]) -> list[str]:
    return ["<details><summary>" + summary + "</summary>", "", *body, "", "</details>", ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def plan_markdown(plan: Plan) -> str:
    """The review as Markdown, stable in order, short enough for a pull-request comment.

    The first line is a hidden marker by which a comment can be found and replaced.
    """
    lines = [
        f"<!-- sfcert-plan {plan.cluster_id} {plan.playbook} -->",
        f"### {headline(plan)}",
        "",
        f"`{plan.cluster_id}`  ",
        f"playbook `{plan.playbook}`, digest `{plan.digest}`",
        "",
    ]
    if plan.goal is not None:
        pins = ", ".join(f"`{one}`" for one in plan.goal.issuer_thumbprints)
        lines += [
            f"Goal: `{plan.goal.common_name}`, {goal_text(plan, '`')}, pinned to {pins or 'nothing'}.",
            "",
        ]
    if plan.blocked_by:
        lines += ["**Blocked by**", "", *(f"- {reason}" for reason in plan.blocked_by), ""]
    if plan.stages:
        lines += ["| stage | what | why | at most | stop |", "|---|---|---|---|---|"]
        for stage in plan.stages:
            mark = " ❗" if stage.is_point_of_no_return else ""
            lines.append(
                f"| `{stage.id}`{mark} | {_cell(stage.action)} | {_cell(stage.reason)} "
                f"| {duration(stage.deadline.seconds)} | {safe_stop(stage)} |"
            )
        lines.append("")
    proof = [f"Verdict: **{plan.proof.verdict}**.", ""]
    if plan.proof.counterexample:
        proof += [f"Counter-example: {plan.proof.counterexample.sentence}", ""]
    proof += ["| stage | verdict | readings | states | pairs |", "|---|---|---|---|---|"]
    for one in plan.proof.stages:
        readings = ", ".join(f"{name} {verdict}" for name, verdict in sorted(one.readings.items()))
        proof.append(f"| `{one.stage}` | {one.verdict} | {readings} | {one.states} | {one.pairs} |")
    proof += ["", *(f"- order: {text}" for text in _orders(plan.proof))]
    proof += [f"- not known: {text}" for text in plan.proof.missing]
    proof += [f"- assumed: {text}" for text in plan.proof.assumptions]
    lines += _fold(f"Proof: {plan.proof.verdict}", proof)
    if plan.findings:
        rows = [f"- **{one.severity}** `{one.rule}` ({one.verdict}): {one.message}" for one in plan.findings]
        lines += _fold(f"Findings: {len(plan.findings)}", rows)
    for title, items in (("By people", plan.manual_steps), ("Outside this cluster", plan.dependants)):
        if items:
            lines += [f"**{title}**", "", *(f"- {item}" for item in items), ""]
    for stage in plan.stages:
        if asked := enrolment_lines(stage):
            lines += _fold(f"<code>{stage.id}</code>: the enrolment", [f"- {one}" for one in asked])
        if stage.changes:
            block = ["```diff", *(line for _, line in change_lines_of(stage, _WHOLE_PINS)), "```"]
            folded = _fold(f"<code>{stage.id}</code>: {counted(len(stage.changes), 'property')}", block)
            if sum(map(len, lines)) + sum(map(len, folded)) < _MARKDOWN_LIMIT:
                lines += folded
            else:
                lines.append(f"`{stage.id}` changes {counted(len(stage.changes), 'property')}; see `sfcert show`.")
    return "\n".join(lines).rstrip() + "\n"


def _orders(proof: Proof) -> list[str]:
    return [f"{order}: {verdict}" for order, verdict in proof.orders.items()]
