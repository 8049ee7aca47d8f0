"""`sfcert enrol`: a certificate into the vault, from any issuer, gated by what the cluster takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfcert.cli.enrolling import (
    checked_name,
    checked_vault,
    expectation_for,
    for_cluster,
    gate_options,
    means_for,
    of_several,
    patience_options,
    plan_option,
    vault_options,
)
from sfcert.cli.output import answer, form_option, write_whole
from sfcert.cli.policy_source import Asked, asked_for, policy_options
from sfcert.errors import SfcertError

if TYPE_CHECKING:
    from sfcert.cli.connect import Connection
    from sfcert.model.enrolment import Enrolled


@click.command("enrol")
@click.argument("name", required=False)
@vault_options
@policy_options
@gate_options
@plan_option
@click.option("--dry-run", is_flag=True, help="Show the differences and what the gate predicts; send nothing.")
@click.option("--renew", is_flag=True, help="Ask for a new version although the newest one is good.")
@click.option(
    "--due", is_flag=True, help="For a timer: wait after failures, rest while a plan is at work, ask for advice."
)
@click.option("--cancel-pending", is_flag=True, help="End the operation in progress, whoever began it.")
@click.option("--frozen-by", metavar="MARK", help="Go on although the plan with this mark has frozen its renewal.")
@click.option(
    "--csr",
    type=click.Path(path_type=Path),
    metavar="FILE|-",
    help="Write the request there (PEM); '-' prints it alone on standard output.",
)
@patience_options
@form_option
def command(
    name: str | None,
    vault_url: str,
    state: Path | None,
    dry_run: bool,
    renew: bool,
    due: bool,
    cancel_pending: bool,
    frozen_by: str | None,
    csr: Path | None,
    timeout: float,
    at_once: int,
    form: str,
    **options: Any,
) -> int:
    """Bring certificate NAME of a vault to what its policy asks. Running it again does nothing more.

    The policy comes from --policy FILE, from cert-manager's manifests (--manifest FILE), or from single options.
    With --for-cluster or --for-bundle the gate stands before the merge: what the cluster would refuse is not merged,
    and the command ends with 3 and says which pin comes first.
    """
    from sfcert.cli.acme_wiring import AcmeDesk
    from sfcert.cli.connect import connect
    from sfcert.cli.side_by_side import side_by_side
    from sfcert.cli.timer import still_waits
    from sfcert.workflows.enrolment import enrol
    from sfcert.workflows.enrolment.request import Request

    vault = checked_vault(vault_url)
    named = for_cluster(options)
    asked = asked_for(name, options)
    if csr is not None and len(asked) > 1:
        raise click.UsageError("--csr takes one request; the manifests hold several certificates. Name one.")
    if str(csr) == "-" and form == "json":
        raise click.UsageError("--csr - and --format json both want standard output: the document holds the request.")
    if due and (renew or dry_run):
        raise click.UsageError("--due is for a timer; it goes with neither --renew nor --dry-run.")
    if csr is not None and not (issuer := asked[0].policy.issuer).is_by_hand:
        raise click.UsageError(f"--csr goes with the issuer Unknown; with {issuer.name} there is none to sign.")
    connection = connect(named.source, may_read_secret=named.may_read_secret)
    expectation = expectation_for(named)
    worst = 0
    done: list[Enrolled] = []
    failed: list[tuple[str, SfcertError]] = []

    for each in asked:
        named.check(vault, checked_name(each.name))

    def work(one: Asked) -> Enrolled | None:
        if due and (why := _rests(connection, vault, one, state)):
            click.echo(f"{one.name}: {why}", err=True)
            return None
        request = Request(
            vault_url=vault,
            name=checked_name(one.name),
            policy=one.policy,
            expectation=expectation,
            given_issuers=named.issuers,
            signed_by=named.signed_by,
            accepted=named.accepted,
            dry_run=dry_run,
            renew=renew,
            cancel_pending=cancel_pending,
            frozen_by=frozen_by,
            timeout_s=timeout,
            issuer_password=one.issuer_password,
        )
        may_read = named.may_read_secret
        means = means_for(
            connection, vault, one.name, state, one.policy, one.secrets, desk=desk, may_read_secret=may_read
        )
        before = means.memory.load()
        made = enrol(request, means)
        # whoever wants the request in a file has it there after every run
        if due and csr is None and (why := still_waits(before, means.memory.load(), made)):
            click.echo(f"{one.name}: {why}", err=True)
            return None
        return made

    with AcmeDesk(connection) as desk:
        for one, found in side_by_side(asked, work, at_once):
            if isinstance(found, SfcertError):
                if len(asked) == 1:
                    raise found
                click.echo(f"sfcert: {one.name}: {found.message}", err=True)
                failed.append((one.name, found))
                worst = max(worst, found.exit_code)
                continue
            if found is None:
                continue
            done.append(found)
            _say(found, csr, form, one)
            if found.outcome == "planned" and found.report is not None and found.report.verdict != "pass":
                worst = max(worst, 3)
    if form == "json":
        from sfcert.model.codec import pretty

        several = of_several("sfcert.enrolments/1", vault, "enrolled", done, failed)
        answer(pretty(done[0] if len(asked) == 1 and done else several))
    return worst


def _rests(connection: Connection, vault_url: str, one: Asked, state: Path | None) -> str | None:
    """Why a timer passes this certificate over; None where it does not."""
    from sfcert.cli.enrolment_memory import FileMemory, default_folder
    from sfcert.cli.timer import frozen_by, waits_after_failures, with_advice

    memory = FileMemory(state or default_folder(), vault_url, checked_name(one.name))
    record = with_advice(memory.load(), one.policy, memory)
    if why := waits_after_failures(record, one.policy, connection.clock.now()):
        return why
    means = means_for(connection, vault_url, one.name, state, None)
    return frozen_by(means.vault.fetch_certificate(vault_url, one.name))


def _say(done: Enrolled, csr: Path | None, form: str, asked: Asked) -> None:
    """What is told of each as soon as it is there; the one document of `--format json` comes at the end."""
    from sfcert.cli.page import page_of_terminal
    from sfcert.views.enrolment import enrolled_human

    is_piped = str(csr) == "-"
    if csr is not None and done.csr_pem is not None:
        if is_piped:
            # whoever signs reads standard output: nothing else goes there
            answer(done.csr_pem)
        else:
            write_whole(csr, done.csr_pem)
    for note in asked.notes:
        click.echo(f"note: {note}", err=True)
    if form == "human":
        said = enrolled_human(done, csr_file=str(csr) if csr else None, page=page_of_terminal())
        click.echo(said, nl=False, err=True) if is_piped else answer(said)
