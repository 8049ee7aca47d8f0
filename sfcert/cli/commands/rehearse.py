"""`sfcert rehearse`: the plan on a twin of the captured cluster, no Azure touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sfcert.cli.output import answer, form_option
from sfcert.cli.page import page_of_terminal
from sfcert.cli.plan_file import load_plan

BROKE = 3


@click.command("rehearse")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The captured world that the plan was made from; a plan holds none.",
)
@click.option(
    "--faults",
    type=click.Choice(["none", "usual", "hostile"]),
    default="none",
    show_default=True,
    help="usual: throttling, slow answers, a conflict, late reads. hostile: also late failures, lost answers, machines"
    " restarted, re-imaged and added, a clock that is off, both ways in which the provider walks a change.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides everything that is left to chance.")
@click.option("--runs", type=click.IntRange(min=1), default=1, show_default=True, help="How many, with seeds in order.")
@form_option
def command(plan: Path, bundle: Path, faults: Any, seed: int, runs: int, form: str) -> int:
    """Carry out PLAN on a twin of the captured cluster, in virtual time. No Azure is touched.

    Each refused connection is reported. A run that ends early is taken up again, as the same command would be.
    Ends with 0 if every run reached the end with no refused connection, with 3 if one broke.
    """
    from sfcert.cli.rehearsal import rehearse
    from sfcert.sources.bundle import load_bundle
    from sfcert.views.rehearsal import rehearsal_human, rehearsal_json

    found = rehearse(load_plan(plan), load_bundle(bundle), faults=faults, seed=seed, runs=runs)
    answer(rehearsal_json(found) if form == "json" else rehearsal_human(found, page_of_terminal()))
    return 0 if found.verdict == "held" else BROKE
