"""Which world does a command look at? `--cluster`, `--bundle` or `--template`, into one `Bundle` and its facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sfcert.errors import Fault, InputError

if TYPE_CHECKING:
    from sfcert.model.bundle import Bundle
    from sfcert.model.observation import Observation
    from sfcert.sources.live import CaptureOptions

F = TypeVar("F", bound=Callable[..., Any])


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
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _stack(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return apply


#: What it takes to look at nodes, and to read issuers that no vault tells.
node_options = _stack(
    click.option(
        "--sf-endpoint", metavar="URL", help="Service Fabric's own endpoint (default: what the cluster says)."
    ),
    click.option(
        "--sf-client-certificate",
        type=click.Path(path_type=Path),
        metavar="PEM",
        envvar="SFCERT_SF_CLIENT_CERTIFICATE",
        show_envvar=True,
        help="Certificate and key that the cluster accepts as a client.",
    ),
    click.option("--sf-aad", is_flag=True, help="Authenticate to Service Fabric with Entra instead."),
    click.option(
        "--read-secret", is_flag=True, help="Allow reading the PFX (in memory) where no other source tells the issuer."
    ),
)

source_options = _stack(
    click.option("--cluster", metavar="RESOURCE_ID", help="A live cluster."),
    click.option("--bundle", type=click.Path(path_type=Path), metavar="FILE", help="A captured world."),
    click.option("--template", type=click.Path(path_type=Path), metavar="FILE", help="An authored ARM template."),
    click.option("--parameters", type=click.Path(path_type=Path), metavar="FILE", help="Parameters of the template."),
    click.option("--now", type=Instant(), metavar="INSTANT", help="Judge as if it were this instant (UTC)."),
    node_options,
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


def read_text(path: Path) -> str:
    """A file's text, UTF-8 with or without BOM. Raises InputError FileUnreadable."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError("FileUnreadable", f"{path} cannot be read.", [Fault(error.strerror or str(error))]) from error
    except UnicodeDecodeError as error:
        raise InputError("FileUnreadable", f"{path} is not UTF-8 text (byte {error.start}).") from error


def load_bundle_of(source: Source, wanted: CaptureOptions | None = None) -> Bundle:
    """The source as a bundle. A live one is read now, with what else is `wanted` of it.

    Raises:
        InputError, RemoteError: as the reader of that kind of source says.
    """
    if source.bundle is not None:
        from sfcert.sources.bundle import load_bundle

        return load_bundle(source.bundle)
    if source.template is not None:
        from sfcert.sources.template import read_template

        parameters = read_text(source.parameters) if source.parameters else None
        return read_template(
            read_text(source.template),
            str(source.template),
            parameters,
            str(source.parameters) if source.parameters else None,
            now=source.now or datetime.now(UTC),
        )
    assert source.cluster is not None
    from sfcert.cli.connect import capture_now, connect

    return capture_now(source, connect(source), wanted)


def look(source: Source, wanted: CaptureOptions | None = None) -> Observation:
    """The source as facts, judged at `--now` or at the instant that it was captured."""
    from sfcert.sources.observe import observe

    return observe(load_bundle_of(source, wanted), source.now)
