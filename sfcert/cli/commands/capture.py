"""`sfcert capture`: read everything that is needed, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sfcert.cli.output import answer, write_whole
from sfcert.cli.reading import load_bundle_of
from sfcert.cli.source import source_of, source_options


@click.command("capture")
@source_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The bundle to write."
)
@click.option("--certificate", "urls", multiple=True, metavar="URL", help="A vault certificate to read besides.")
def command(output: Path, urls: tuple[str, ...], **options: Any) -> int:
    """Read everything that is needed, once, into a bundle for offline work.

    No secret is in it. What could not be read is in it by name, with the reason.
    """
    from sfcert.model.ids import parse_vault_url
    from sfcert.sources.bundle import bundle_text
    from sfcert.sources.live import CaptureOptions
    from sfcert.views.capture import capture_human

    for url in urls:
        if parse_vault_url(url) is None:
            raise click.UsageError(f"--certificate: {url!r} is not https://<vault>/certificates/<name>.")
    bundle = load_bundle_of(source_of(options), CaptureOptions(certificate_urls=tuple(sorted(set(urls)))))
    write_whole(output, bundle_text(bundle))
    answer(capture_human(bundle, str(output)))
    return 0
