"""`sfcert renew`: a new version of certificates, now or when they are due."""

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
    vault_options,
)
from sfcert.cli.output import answer, form_option
from sfcert.errors import InputError, SfcertError

if TYPE_CHECKING:
    from sfcert.cli.acme_wiring import AcmeDesk
    from sfcert.cli.connect import Connection
    from sfcert.cli.enrolling import ForCluster
    from sfcert.enrol.expectation import Expectation
    from sfcert.model.enrolment import Enrolled


@click.command("renew")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@vault_options
@click.option("--due", is_flag=True, help="Only those that are due, back-off and windows counted: for a timer.")
@gate_options
@patience_options
@form_option
def command(
    names: tuple[str, ...],
    vault_url: str,
    state: Path | None,
    due: bool,
    timeout: float,
    at_once: int,
    form: str,
    **options: Any,
) -> int:
    """Renew certificates by the policy that enrolled them, through the gate.

    Without NAME, --due looks at every certificate of the vault that `sfcert enrol` is remembered for and that the
    vault does not renew by itself. One that fails does not stop the others; the command then ends with its code.
    """
    from sfcert.cli.acme_wiring import AcmeDesk
    from sfcert.cli.connect import connect
    from sfcert.cli.enrolment_memory import default_folder, remembered_names
    from sfcert.cli.page import page_of_terminal
    from sfcert.cli.side_by_side import side_by_side
    from sfcert.model.codec import pretty
    from sfcert.views.enrolment import enrolled_human

    if not names and not due:
        raise click.UsageError("Name what to renew, or say --due.")
    vault = checked_vault(vault_url)
    named = for_cluster(options)
    wanted = list({checked_name(one).lower(): one for one in names}.values())
    wanted = wanted or remembered_names(state or default_folder(), vault)
    if not wanted:
        folder = state or default_folder()
        click.echo(f"{folder} remembers no enrolment into {vault}: is it the --state of whoever enrolled?", err=True)
    connection = connect(named.source, may_read_secret=named.may_read_secret)
    expectation = expectation_for(named)
    done: list[Enrolled] = []
    failed: list[tuple[str, SfcertError]] = []

    def work(name: str) -> Enrolled | str:
        return _renew(
            connection,
            vault,
            name,
            state,
            named,
            expectation,
            desk,
            only_due=due,
            is_swept=not names,
            timeout_s=timeout,
        )

    with AcmeDesk(connection) as desk:
        for name, one in side_by_side(wanted, work, at_once):
            if isinstance(one, SfcertError):
                click.echo(f"sfcert: {name}: {one.message}", err=True)
                failed.append((name, one))
            elif isinstance(one, str):
                click.echo(f"{name}: {one}", err=True)
            else:
                done.append(one)
                if form == "human":
                    answer(enrolled_human(one, page=page_of_terminal()))
    if form == "json":
        answer(pretty(of_several("sfcert.renewals/1", vault, "renewed", done, failed)))
    return max((error.exit_code for _, error in failed), default=0)


def _renew(
    connection: Connection,
    vault_url: str,
    name: str,
    state: Path | None,
    named: ForCluster,
    expectation: Expectation | None,
    desk: AcmeDesk,
    *,
    only_due: bool,
    is_swept: bool,
    timeout_s: float,
) -> Enrolled | str:
    """Renew one certificate; why not, where only due ones are wanted and this one rests.

    Why not too where it `is_swept` along with all that is remembered, and that is an attempt refused before anything
    was asked: a name that was once mistyped would fail the timer for ever.
    """
    from sfcert.cli.enrolment_memory import FileMemory, default_folder
    from sfcert.cli.timer import frozen_by, needs_its_manifest, still_waits, waits_after_failures, with_advice
    from sfcert.enrol.status import certificate_status, wanted_policy
    from sfcert.workflows.enrolment import clean_up, enrol
    from sfcert.workflows.enrolment.request import Request

    memory = FileMemory(state or default_folder(), vault_url, name)
    record = memory.load()
    wrote = record.policy if record else None
    means = means_for(connection, vault_url, name, state, wrote, desk=desk, may_read_secret=named.may_read_secret)
    body = means.vault.fetch_certificate(vault_url, name)
    policy = wanted_policy(body, record)
    if policy is None:
        if is_swept:
            return "nothing was ever asked for under this name"
        raise InputError(
            "CertificateNotFound", f"{vault_url} has no certificate {name}. Ask with `sfcert enrol` first."
        )
    if why := needs_its_manifest(policy):
        if not only_due:
            raise InputError("ManifestInvalid", f"{name} {why}.")
        return why
    if only_due:
        if policy.renewal.by == "vault" and not policy.issuer.is_merged:
            return "not due: the vault renews it by itself"
        if why := frozen_by(body):
            return why
        record = with_advice(record, policy, memory)
        now = connection.clock.now()
        status = certificate_status(vault_url, name, body, record, now)
        waits = waits_after_failures(record, policy, now)
        # what was begun is gone on with, due or not
        is_open = record is not None and record.step != "idle" and waits is None
        if not status.is_due and not is_open:
            clean_up(means)
            return waits or "not due"
    request = Request(
        vault_url=vault_url,
        name=name,
        policy=policy,
        expectation=expectation,
        given_issuers=named.issuers,
        accepted=named.accepted,
        renew=True,
        timeout_s=timeout_s,
    )
    done = enrol(request, means)
    return (still_waits(record, memory.load(), done) if only_due else None) or done
