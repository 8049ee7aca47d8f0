"""How does a rehearsal look? One line for each run, more for a run that broke; or one JSON document. Floor 5."""

from __future__ import annotations

from collections import Counter

from sfcert.model.codec import pretty
from sfcert.model.rehearsal import Rehearsal, RehearsalRun
from sfcert.views.text import PLAIN, Page, duration, instant, table

_MOST = 5


def rehearsal_json(rehearsal: Rehearsal) -> str:
    """The whole, `sfcert.rehearsal/1`."""
    return pretty(rehearsal)


def rehearsal_human(rehearsal: Rehearsal, page: Page = PLAIN) -> str:
    """A table of the runs, what went wrong in each that broke, and the verdict as the last line."""
    name = rehearsal.cluster_id.rsplit("/", 1)[-1]
    lines = [page.paint(f"Rehearsal on a twin of {name}, faults: {rehearsal.faults}", "bold"), ""]
    head = ("seed", "provider", "stages", "virtual time", "refused", "retries", "taken up again", "")
    lines += table([head, *(_row(rehearsal, run) for run in rehearsal.runs)])
    for run in rehearsal.runs:
        lines += _details(run, page)
    if rehearsal.left_open:
        lines += ["", "Not in the bundle, so left open on the twin:"]
        lines += [line for one in rehearsal.left_open for line in page.wrap(one, 2, "- ")]
    lines += ["", _verdict(rehearsal, page)]
    return "\n".join(lines) + "\n"


def _row(rehearsal: Rehearsal, run: RehearsalRun) -> tuple[str, ...]:
    return (
        str(run.seed),
        "in phases" if run.reading == "phases" else "all at once",
        f"{len(run.stages_done)} of {rehearsal.stages}",
        duration(run.hours * 3600),
        str(len(run.refused)),
        str(len(run.retries)),
        str(len(run.setbacks) if run.reached_the_end else max(0, len(run.setbacks) - 1)),
        "held" if run.held else "broke",
    )


def _details(run: RehearsalRun, page: Page) -> list[str]:
    if run.held and not run.hardships and not run.setbacks:
        return []
    lines = ["", page.paint(f"Seed {run.seed}", "bold")]
    lines += [line for one in run.hardships for line in page.wrap(one, 2, "· ")]
    for (stage, token, message), times in Counter((one.stage, one.token, one.message) for one in run.setbacks).items():
        often = f" ({times} times)" if times > 1 else ""
        lines += page.wrap(f"{stage or 'before the first stage'}: {token}: {message}{often}", 2, "↻ ")
    for one in run.refused[:_MOST]:
        where = f"in {one.stage}" if one.stage else "before the first stage"
        said = f"{instant(one.at_utc)}, {where}: {one.refuser} refused {one.caller}, which presented {one.presented}"
        lines += [page.paint(line, "red") for line in page.wrap(f"{said}: {one.why}", 2, "✗ ")]
    if len(run.refused) > _MOST:
        lines.append(f"  … and {len(run.refused) - _MOST} more refused connections")
    lines += [line for gate in run.open_gates for line in page.wrap(f"still open: {gate}", 2, "… ")]
    if run.quorum_lost:
        lines.append(page.paint("  ✗ the cluster lost its quorum and is down", "red"))
    return lines


def _verdict(rehearsal: Rehearsal, page: Page) -> str:
    broke = [str(run.seed) for run in rehearsal.runs if not run.held]
    if not broke:
        runs = "The run" if len(rehearsal.runs) == 1 else f"All {len(rehearsal.runs)} runs"
        return page.paint(f"{runs} reached the end, and no connection was refused.", "green")
    said = f"{len(broke)} of {len(rehearsal.runs)} broke (seed {', '.join(broke)}). Do not apply this plan as it is."
    return page.paint(said, "red")
