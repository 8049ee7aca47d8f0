"""A run as people see it: what has not changed since the last look is not said again."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from sfcert.converge.node_table import NodeRow, NodeTable
from sfcert.model.progress import Event
from sfcert.views.run import RunHuman, RunJson
from tests import make


def table(presents: str) -> NodeTable:
    row = NodeRow(
        node="_nt0_0",
        node_type="nt0",
        upgrade_domain="0",
        status="Up",
        presents=presents,
        evidence="tls",
        issuer=None,
        expires_utc=None,
        instance="0",
    )
    return NodeTable(at_utc=make.NOW, rows=(row,), level="tls")


def test_nodes_that_present_what_they_did_before_are_listed_once_and_a_machine_gets_every_look() -> None:
    people: list[str] = []
    machines: list[str] = []
    views = (RunHuman(people.append), RunJson(machines.append))
    for number, thumbprint in enumerate(["A" * 40, "A" * 40, "B" * 40]):
        at = make.NOW + timedelta(minutes=number)
        seen = msgspec.structs.replace(table(thumbprint), at_utc=at)
        for view in views:
            view(Event(type="nodes", at_utc=at, data={"table": seen}))
    assert [line.split()[4] for line in people if "_nt0_0" in line] == ["A" * 40, "B" * 40]
    assert len([line for line in machines if '"nodes"' in line]) == 3


def test_what_people_have_to_do_is_told_in_sentences_not_as_comments_of_a_shell() -> None:
    told: list[str] = []
    steps = ["Mend the nodes", "# On every node: let the script set it.", "az vmss restart"]
    RunHuman(told.append)(Event(type="manual-step", at_utc=make.NOW, data={"steps": steps}))
    assert [line.strip() for line in told[1:]] == [
        "- Mend the nodes",
        "On every node: let the script set it.",
        "- az vmss restart",
    ]


def test_one_stage_is_one_stage() -> None:
    told: list[str] = []
    for stages in (["10-a"], ["10-a", "20-b"]):
        RunHuman(told.append)(Event(type="run-started", at_utc=make.NOW, data={"stages": stages, "cluster_id": "/x/c"}))
    assert [line.split("  ")[1] for line in told] == ["1 stage for c", "2 stages for c"]
