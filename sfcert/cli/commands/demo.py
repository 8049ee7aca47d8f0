"""`sfcert demo`: the whole main job on the embedded Azure."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("demo")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("sfcert-demo"),
    show_default=True,
    metavar="DIR",
    help="Where the plan's HTML and the run's log go.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Decides all that the world leaves open.")
def command(output: Path, seed: int) -> int:
    """Take a thumbprint cluster of three node types to a common name, then watch its certificate rotate by itself.

    No Azure subscription is touched. Ends with 0 only if all of it was seen.
    """
    from sfcert.cli.demonstration import demonstrate

    return demonstrate(output, seed)
