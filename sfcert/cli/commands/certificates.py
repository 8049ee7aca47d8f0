"""`sfcert certificates`: what a vault holds."""

from __future__ import annotations

from pathlib import Path

import click

from sfcert.cli.enrolling import checked_name, checked_vault, vault_options
from sfcert.cli.output import answer, form_option
from sfcert.cli.span import Span


class _ListByDefault(click.Group):
    """A group whose options without a command mean the list: `sfcert certificates --watch`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("certificates", cls=_ListByDefault)
def command() -> None:
    """What a vault holds: a list (also without its name, such as `certificates --watch`), or one certificate."""


@command.command("list")
@vault_options
@click.option("--watch", "follow", is_flag=True, help="Look again and again; say what changed.")
@click.option(
    "--every",
    type=Span(),
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="Between two looks.",
)
@click.option(
    "--timeout", type=Span(), metavar="DURATION", help="With --watch: stop after 90s, 15m, 6h … (default: never)."
)
@form_option
def list_all(vault_url: str, state: Path | None, follow: bool, every: float, timeout: float | None, form: str) -> int:
    """Every certificate of the vault, one a line. With --watch, the lines that change, as they change."""
    from sfcert.cli.certificate_looks import look_at
    from sfcert.cli.connect import connect
    from sfcert.cli.page import page_of_terminal
    from sfcert.model.codec import canonical, pretty
    from sfcert.views.enrolment import statuses_human

    if every < 1:
        raise click.UsageError("--every: at least 1s, so that the vault is not asked without a pause.")
    vault = checked_vault(vault_url)
    connection = connect()
    began = connection.clock.now()
    shown: dict[str, object] = {}
    while True:
        found = look_at(connection, vault, (), state)
        changed = [one for one in found if shown.get(one.name) != one]
        shown = {one.name: one for one in found}
        if not follow:
            document = {"format": "sfcert.certificates/1", "vault_url": vault, "certificates": found}
            answer(pretty(document) if form == "json" else statuses_human(found, page_of_terminal()))
            return 0
        if changed:
            lines = b"\n".join(canonical(one) for one in changed).decode() if form == "json" else None
            answer(lines or statuses_human(changed, page_of_terminal()))
        if timeout is not None and (connection.clock.now() - began).total_seconds() >= timeout:
            return 0
        connection.clock.sleep(every)


@command.command("show")
@click.argument("name")
@vault_options
@form_option
def show(name: str, vault_url: str, state: Path | None, form: str) -> int:
    """Names, issuer, key, dates, conditions and tags of one certificate."""
    from sfcert.cli.certificate_looks import look_at
    from sfcert.cli.connect import connect
    from sfcert.cli.page import page_of_terminal
    from sfcert.model.codec import pretty
    from sfcert.views.enrolment import status_human

    found = look_at(connect(), checked_vault(vault_url), [checked_name(name)], state)[0]
    answer(pretty(found) if form == "json" else status_human(found, page_of_terminal()))
    return 0
