"""`sfcert status`: how the certificates of a vault stand."""

from __future__ import annotations

from pathlib import Path

import click

from sfcert.cli.enrolling import checked_name, checked_vault, vault_options
from sfcert.cli.output import answer, form_option, write_whole


@click.command("status")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@vault_options
@click.option(
    "--metrics", metavar="FILE|PORT", help="Also write Prometheus text to FILE, or serve it at PORT until interrupted."
)
@form_option
def command(names: tuple[str, ...], vault_url: str, state: Path | None, metrics: str | None, form: str) -> int:
    """The conditions Ready and Issuing of certificates, their renewal, and the last failure.

    Ends with 0; with 5 where a certificate that was named is not ready.
    """
    from sfcert.cli.certificate_looks import look_at
    from sfcert.cli.connect import connect
    from sfcert.cli.page import page_of_terminal
    from sfcert.model.codec import pretty
    from sfcert.views.enrolment import status_human, statuses_human
    from sfcert.views.enrolment_metrics import metrics_text

    vault = checked_vault(vault_url)
    wanted = list({one.lower(): checked_name(one) for one in names}.values())
    connection = connect()
    if metrics == "-":
        raise click.UsageError("--metrics: standard output holds the status; name a FILE or a PORT.")
    if metrics is not None and metrics.isascii() and metrics.isdigit():
        from sfcert.cli.metrics_server import serve_metrics

        serve_metrics(
            int(metrics),
            lambda: metrics_text(look_at(connection, vault, wanted, state)),
            ready=lambda server: click.echo(
                f"Serving /metrics on port {server.server_address[1]}. Interrupt to end.", err=True
            ),
        )
        return 0
    found = look_at(connection, vault, wanted, state)
    if metrics is not None:
        write_whole(Path(metrics), metrics_text(found))
    if form == "json":
        answer(pretty({"format": "sfcert.certificates/1", "vault_url": vault, "certificates": found}))
    elif len(wanted) == 1:
        answer(status_human(found[0], page_of_terminal()))
    else:
        answer(statuses_human(found, page_of_terminal()))
    return 5 if wanted and any(one.conditions[0].status != "True" for one in found) else 0
