"""What is there to be known of a fault? Its page: what goes wrong, where that is met in Azure, who gets over it.

The sentence and the options come from the service that declares the fault; the text beside them lies in a file of the
fault's name in this folder. Leaves out: what a fault does (see who declares it).
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from importlib.resources import files

from sfcert.sim.assemble import build
from sfcert.sim.kernel.faults import REQUESTS, TEMPO, Fault

#: How wide a column of names has to be.
WIDTH = 30


@functools.cache
def declared() -> dict[str, Fault]:
    """Every fault of an embedded Azure, by name."""
    # the list is the same in every world: neither instant nor seed matter
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=1)
    return {fault.name: fault for fault in azure.faults.declared()}


def catalogue() -> dict[str, str]:
    """Every fault with its sentence."""
    return {name: fault.sentence for name, fault in declared().items()}


def text_of(name: str) -> str:
    """What the folder says of a fault, in Markdown, without its heading."""
    return (files(__package__) / f"{name}.md").read_text(encoding="utf-8").strip()


def page_of(name: str) -> str:
    """The whole page of a fault, in Markdown.

    Raises:
        KeyError: there is no such fault.
    """
    fault = declared()[name]
    lines = [f"# {name}", "", fault.sentence, "", text_of(name)]
    if fault.options:
        lines += ["", "Its own options:", "", *_rows(fault.options)]
    if fault.of_requests:
        lines += ["", "Which requests:", "", *_rows(REQUESTS)]
    lines += ["", "When:", "", *_rows(TEMPO)]
    return "\n".join(lines) + "\n"


def _rows(options: dict[str, str] | object) -> list[str]:
    assert isinstance(options, dict)
    return [f"* `{option}`: {says}" for option, says in options.items()]
