"""`sfcert watch`: until the nodes present what is declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sfcert.cli.commands.apply import plan_source, ports_for
from sfcert.cli.output import answer
from sfcert.cli.plan_file import load_plan, stage_of
from sfcert.cli.source import Source, node_options
from sfcert.cli.span import Span


@click.command("watch")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@click.option("--cluster", metavar="RESOURCE_ID", help="A live cluster, instead of a PLAN.")
@click.option("--endpoint", metavar="HOST[:PORT]", help="Any TLS server (port 443), instead of a PLAN.")
@click.option(
    "--server-name", metavar="NAME", help="What is asked for by SNI and looked for among the names (default: HOST)."
)
@click.option("--expect-thumbprint", metavar="T", help="The certificate that it shall serve: SHA-1 in hex.")
@click.option(
    "--expect-issuer",
    "expect_issuers",
    multiple=True,
    metavar="T",
    help="A direct issuer that it may come from: SHA-1 in hex; repeatable.",
)
@click.option(
    "--issuer-pem",
    "issuer_pems",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Issuers (PEM) that clients know without being served them; repeatable.",
)
@click.option(
    "--vault-certificate",
    metavar="URL",
    help="It shall serve the newest version of this one, https://…/certificates/NAME.",
)
@click.option("--stage", metavar="STAGE", help="Only this stage of the plan.")
@click.option(
    "--timeout", type=Span(), metavar="DURATION", help="Give up after 90s, 15m, 6h … with exit code 5 (default: never)."
)
@click.option("--follow", is_flag=True, help="Go on looking after everything was seen.")
@click.option("--json", "as_json", is_flag=True, help="One JSON event a line.")
@node_options
def command(
    plan: Path | None,
    cluster: str | None,
    endpoint: str | None,
    server_name: str | None,
    expect_thumbprint: str | None,
    expect_issuers: tuple[str, ...],
    issuer_pems: tuple[Path, ...],
    vault_certificate: str | None,
    stage: str | None,
    timeout: float | None,
    follow: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Look until the nodes present what is declared: by PLAN, by one of its stages, or by what a cluster says.

    With --endpoint: until that server serves what is expected of it. A handshake shows the leaf, its names, its issuer
    and its dates; the host's name has to be among the names, and the issuer in the chain.

    Ends with 0 when everything was seen, with 5 and the open gates when it was not within the timeout.
    """
    from sfcert.cli.connect import connect, nodes_of
    from sfcert.cli.page import page_of_terminal
    from sfcert.views.run import RunHuman, RunJson
    from sfcert.workflows.watch import watch

    if (plan is not None) + (cluster is not None) + (endpoint is not None) != 1:
        raise click.UsageError("Name one: a PLAN file, --cluster RESOURCE_ID or --endpoint HOST:PORT.")
    expects = (server_name, expect_thumbprint, vault_certificate)
    if endpoint is None and (expect_issuers or issuer_pems or any(one is not None for one in expects)):
        raise click.UsageError("--server-name, --expect-…, --issuer-pem and --vault-certificate go with --endpoint.")
    if stage is not None and plan is None:
        raise click.UsageError("--stage goes with a PLAN.")
    view = RunJson(answer) if as_json else RunHuman(answer, page_of_terminal())
    if endpoint is not None:
        from sfcert.cli.endpoint import watch_one

        watch_one(
            endpoint,
            server_name=server_name,
            thumbprint=expect_thumbprint,
            issuers=expect_issuers,
            issuer_pems=issuer_pems,
            vault_certificate=vault_certificate,
            emit=view,
            timeout_s=timeout,
            follow=follow,
        )
        return 0
    if plan is not None:
        loaded = load_plan(plan)
        if stage is not None:
            # told before anybody is asked to sign in
            stage_of(loaded, stage)
        source = plan_source(loaded, options)
        connection = connect(source)
        watch(
            loaded,
            ports_for(loaded, source, connection),
            emit=view,
            stage=stage,
            timeout_s=timeout,
            follow=follow,
        )
        return 0
    assert cluster is not None
    source = Source(cluster=cluster, bundle=None, template=None, parameters=None, now=None, **options)
    connection = connect(source)
    ports = connection.ports(nodes_of(source, connection, cluster))
    watch(cluster, ports, emit=view, timeout_s=timeout, follow=follow)
    return 0
