"""Over how many connections does one look at the nodes go? One while it holds, a new one after each that broke."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.azure.retries import PATIENCE_S
from sfcert.errors import RemoteError
from sfcert.ports import Nodes

from .conftest import Site


def nodes_of(site: Site) -> Nodes:
    assert site.ports.nodes is not None
    return site.ports.nodes


def connections(site: Site) -> int:
    """How often the cluster's balanced endpoint has picked a node for a connection."""
    return site.running.call(lambda azure: int(azure.find_service("endpoints")._turn))


def test_all_parts_of_a_look_go_over_one_connection(site: Site) -> None:
    nodes_of(site).fetch_runtime()  # a certificate that was not seen before costs two more
    before = connections(site)
    runtime = nodes_of(site).fetch_runtime()
    assert connections(site) - before == 1
    assert len(runtime["node_health"]) == 5
    assert None not in runtime.values()


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("connection-reset", {"match": "GetUpgradeProgress", "times": 1}),
        ("unavailable", {"match": "GetUpgradeProgress", "times": 2}),
    ],
    ids=["the connection is cut", "the node is busy, twice"],
)
def test_after_a_failure_the_look_goes_on_over_a_new_connection(
    site: Site, fault: str, options: dict[str, Any]
) -> None:
    whole = nodes_of(site).fetch_runtime()
    site.running.call(lambda azure: azure.faults.arm(fault, {"door": "nodes", **options}))
    before = connections(site)
    again = nodes_of(site).fetch_runtime()
    assert connections(site) - before == 1 + options["times"]
    assert None not in again.values()
    assert again["node_health"].keys() == whole["node_health"].keys()
    assert site.running.call(lambda azure: azure.faults.struck[fault]) == options["times"]


def test_a_cluster_that_does_not_answer_is_waited_for_once_and_not_for_each_part(site: Site) -> None:
    """Nodes, health, progress and manifest each waited five minutes: the plan of a cluster that is down took twenty."""
    site.running.call(lambda azure: azure.faults.arm("connection-reset", {"door": "nodes"}))
    before = site.ports.clock.now()
    with pytest.raises(RemoteError) as caught:
        nodes_of(site).fetch_runtime()
    assert caught.value.token == "RetriesExhausted"
    assert (site.ports.clock.now() - before).total_seconds() <= PATIENCE_S + 30
