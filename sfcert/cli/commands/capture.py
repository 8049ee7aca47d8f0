"""`sfcert capture`: read everything that is needed, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sfcert.cli.output import answer, write_whole
from sfcert.cli.reading import load_bundle_of
from sfcert.cli.source import Source, live_options


@click.command("capture")
@live_options
@click.option(
    "--certificate",
    "certificates",
    multiple=True,
    metavar="URL",
    help="A vault certificate to read besides; where it is not there, the bundle says so.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The bundle to write."
)
def command(output: Path, certificates: tuple[str, ...], **options: Any) -> int:
    """Read everything that is needed, once, into a bundle for offline work.

    No secret is in it. What could not be read is in it by name, with the reason.
    """
    from sfcert.model.ids import parse_vault_url
    from sfcert.sources.bundle import bundle_text
    from sfcert.sources.live import CaptureOptions
    from sfcert.views.capture import capture_human

    strange = [one for one in certificates if parse_vault_url(one) is None]
    if strange:
        raise click.UsageError(f"--certificate {strange[0]}: https://VAULT/certificates/NAME is needed.")
    if options["cluster"] is None:
        raise click.UsageError("Name the cluster: --cluster RESOURCE_ID.")
    source = Source(**options, bundle=None, template=None, parameters=None)
    wanted = CaptureOptions(certificate_urls=tuple(sorted(set(certificates)))) if certificates else None
    bundle = load_bundle_of(source, wanted)
    write_whole(output, bundle_text(bundle))
    answer(capture_human(bundle, str(output)))
    return 0
