"""`sfcert merge`: bring the signed chain back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sfcert.cli.enrolling import (
    checked_name,
    checked_vault,
    expectation_for,
    for_cluster,
    gate_options,
    means_for,
    plan_option,
    read_chain_file,
    vault_options,
)
from sfcert.cli.output import answer, form_option
from sfcert.errors import InputError


@click.command("merge")
@click.argument("name")
@vault_options
@click.option(
    "--chain",
    "chains",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE|-",
    help="Leaf and issuers (PEM, DER or PKCS #7), in any order; '-' is standard input.",
)
@gate_options
@plan_option
@click.option("--keep-pending", is_flag=True, help="Leave the request open where the gate refuses the chain.")
@form_option
def command(
    name: str,
    vault_url: str,
    state: Path | None,
    chains: tuple[Path, ...],
    keep_pending: bool,
    form: str,
    **options: Any,
) -> int:
    """Merge what an authority has signed into the pending request of certificate NAME, through the gate.

    Where the gate refuses, nothing is merged, the request is cancelled, and the command ends with 3. A request stays
    open where the gate could not judge, and where `sfcert` did not begin it from here. The same chain twice is merged
    once.
    """
    from sfcert.cli.connect import connect
    from sfcert.cli.page import page_of_terminal
    from sfcert.enrol.status import wanted_policy
    from sfcert.model.codec import pretty
    from sfcert.views.enrolment import enrolled_human
    from sfcert.workflows.enrolment import merge
    from sfcert.workflows.enrolment.request import Request

    vault = checked_vault(vault_url)
    named = for_cluster(options)
    named.check(vault, checked_name(name))
    certificates = tuple(one for path in chains for one in read_chain_file(path))
    connection = connect(named.source, may_read_secret=named.may_read_secret)
    means = means_for(connection, vault, checked_name(name), state, None, may_read_secret=named.may_read_secret)
    policy = wanted_policy(means.vault.fetch_certificate(vault, name), means.memory.load())
    if policy is None:
        raise InputError("CertificateNotFound", f"{vault} has no certificate {name}. Ask with `sfcert enrol` first.")
    request = Request(
        vault_url=vault,
        name=name,
        policy=policy,
        expectation=expectation_for(named),
        given_issuers=named.issuers,
        signed_by=named.signed_by,
        accepted=named.accepted,
    )
    done = merge(request, means, certificates, keep_pending=keep_pending)
    answer(pretty(done) if form == "json" else enrolled_human(done, page=page_of_terminal()))
    return 0
