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
def command(output: Path, **options: Any) -> int:
    """Read everything that is needed, once, into a bundle for offline work.

    No secret is in it. What could not be read is in it by name, with the reason.
    """
    from sfcert.sources.bundle import bundle_text
    from sfcert.views.capture import capture_human

    bundle = load_bundle_of(source_of(options))
    write_whole(output, bundle_text(bundle))
    answer(capture_human(bundle, str(output)))
    return 0
