"""Which world does a command look at? `--cluster`, `--bundle` or `--template`, with what belongs to each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sfcert.cli.stacked import stacked

#: In which years a clock may be set: a proof looks a century ahead, and no calendar of Python's goes past 9999.
_YEARS = range(1970, 3000)


class Instant(click.ParamType[datetime]):
    """`2026-11-22T10:00:00Z`, or the same without seconds, or a date; UTC where no zone is given."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            parsed = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an instant such as 2026-11-22T10:00:00Z", param, ctx)
        if parsed.year not in _YEARS:
            self.fail(f"{value!r} lies outside the years {_YEARS.start} to {_YEARS.stop - 1}", param, ctx)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


node_options = stacked(
    click.option(
        "--sf-endpoint", metavar="URL", help="Service Fabric's own endpoint (default: what the cluster says)."
    ),
    click.option(
        "--sf-client-certificate",
        type=click.Path(path_type=Path),
        metavar="PEM",
        envvar="SFCERT_SF_CLIENT_CERTIFICATE",
        show_envvar=True,
        help="Certificate and key in one PEM file, which the cluster accepts as a client.",
    ),
    click.option("--sf-aad", is_flag=True, help="Sign in to Service Fabric with Entra ID instead of a certificate."),
    click.option(
        "--read-secret", is_flag=True, help="Allow reading the PFX (in memory) where no other source tells the issuer."
    ),
)

_cluster = click.option("--cluster", metavar="RESOURCE_ID", help="A live cluster: /subscriptions/…/clusters/NAME.")
_now = click.option(
    "--now",
    type=Instant(),
    metavar="INSTANT",
    help="Judge as if it were this instant: 2026-11-22, 2026-11-22T10:00:00Z; UTC without a zone.",
)

source_options = stacked(
    _cluster,
    click.option(
        "--bundle",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A world that `sfcert capture` has written; nothing is asked of Azure.",
    ),
    click.option(
        "--template",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="An authored ARM template (JSON), for review only.",
    ),
    click.option(
        "--parameters", type=click.Path(path_type=Path), metavar="FILE", help="Parameters of the template (JSON)."
    ),
    _now,
    node_options,
)


def _not_live(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        raise click.UsageError(
            f"{parameter.opts[0]}: only a live cluster is read here, --cluster RESOURCE_ID; a bundle was captured "
            "already, and what a template would make is not there to be read."
        )


#: For a command that reads what is there. The other sources are known by name, so that they are refused with a reason.
live_options = stacked(
    _cluster,
    _now,
    node_options,
    *(
        click.option(name, hidden=True, help="Refused.", expose_value=False, callback=_not_live, is_eager=True)
        for name in ("--bundle", "--template", "--parameters")
    ),
)


@dataclass(frozen=True, slots=True)
class Source:
    """What was named on the command line. Exactly one of the three is set."""

    cluster: str | None
    bundle: Path | None
    template: Path | None
    parameters: Path | None
    now: datetime | None
    sf_endpoint: str | None = None
    sf_client_certificate: Path | None = None
    sf_aad: bool = False
    read_secret: bool = False


def source_of(options: dict[str, Any]) -> Source:
    """Take the source's options out of a command's keyword arguments.

    Raises:
        click.UsageError: none or several of the three are given.
    """
    source = Source(**{name: options.pop(name) for name in Source.__dataclass_fields__})
    given = [one for one in (source.cluster, source.bundle, source.template) if one is not None]
    if len(given) != 1:
        raise click.UsageError("Name one source: --cluster RESOURCE_ID, --bundle FILE or --template FILE.")
    if source.parameters is not None and source.template is None:
        raise click.UsageError("--parameters goes with --template.")
    return source
