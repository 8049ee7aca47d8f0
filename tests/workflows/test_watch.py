"""Watch against fakes: ends when all is seen, names what is open, follows, and prints the reboot walk."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.errors import ConvergenceError
from sfcert.model.plan import Gate
from sfcert.model.progress import Event
from sfcert.ports import Ports
from sfcert.workflows.events import EVENTS, event
from sfcert.workflows.watch import gates_of_cluster, watch
from tests import make
from tests.fakes import FakeArm, FakeClock, FakeNodes, FakeVaults, refusal

Json = dict[str, Any]
LEAF, OLD = make.leaf().thumbprint, make.leaf("2").thumbprint


def runtime(*presented: str) -> Json:
    def health(thumbprint: str) -> Json:
        text = f"Certificate expiration: thumbprint = {thumbprint}, expiration = 2027-01-01 00:00:00.000, and so on"
        return {"SourceId": "System.FabricNode", "Property": "Certificate_cluster", "Description": text}

    names = [f"_nt0_{number}" for number in range(len(presented))]
    return {
        "nodes": [
            {
                "Name": name,
                "IpAddressOrFQDN": f"10.0.0.{at}",
                "Type": "nt0",
                "NodeStatus": "Up",
                "UpgradeDomain": str(at),
            }
            for at, name in enumerate(names)
        ],
        "node_health": {name: {"HealthEvents": [health(one)]} for name, one in zip(names, presented, strict=True)},
    }


class Desk:
    """One fake world that somebody watches."""

    def __init__(self, nodes: FakeNodes | None) -> None:
        document = make.document(make.common_name_world())
        self.clock = FakeClock(make.NOW)
        self.arm = FakeArm(document, self.clock)
        self.nodes = nodes
        self.vaults = FakeVaults(document)
        self.ports = Ports(self.arm, self.vaults, nodes, self.clock)
        self.events: list[Event] = []

    def watch(self, **options: Any) -> Any:
        return watch(make.CLUSTER_ID, self.ports, emit=self.events.append, **options)


def test_ends_with_the_table_once_every_node_presents_what_is_declared() -> None:
    desk = Desk(FakeNodes(runtime(LEAF, OLD)))

    def rotate() -> None:
        assert desk.nodes is not None
        desk.nodes.runtime = runtime(LEAF, LEAF)

    desk.clock.on_sleep = rotate
    table = desk.watch()
    assert table.presenting(LEAF) == 2
    assert len(desk.clock.slept) == 1
    assert len([one for one in desk.events if one.type == "nodes"]) == 2


def test_the_timeout_names_the_open_gate_and_prints_the_reboot_walk_for_the_nodes_behind() -> None:
    desk = Desk(FakeNodes(runtime(LEAF, OLD)))
    with pytest.raises(ConvergenceError) as caught:
        desk.watch(timeout_s=600)
    assert (caught.value.token, caught.value.exit_code) == ("NotConverged", 5)
    assert "nodes-present" in caught.value.open_gates[0]
    (walk,) = [one for one in desk.events if one.type == "manual-step"]
    assert any("_nt0_1" in step for step in walk.data["steps"])
    assert not any("_nt0_0" in step for step in walk.data["steps"])


def test_without_a_look_at_the_nodes_it_stops_instead_of_pretending() -> None:
    desk = Desk(None)
    with pytest.raises(ConvergenceError, match="were not looked at"):
        desk.watch()
    assert desk.clock.slept == []


@pytest.mark.parametrize("where", ["vaults", "scale sets"])
def test_what_could_not_be_read_is_not_taken_for_not_being_there(where: str) -> None:
    """A cluster by name whose vault, or whose scale sets, nobody could read is not said to be well."""
    desk = Desk(FakeNodes(runtime(LEAF, LEAF)))
    refusals, part = (desk.vaults.refusals, "vault") if where == "vaults" else (desk.arm.refusals, "ScaleSets")
    refusals[part] = refusal(503, "ServiceUnavailable")
    with pytest.raises(ConvergenceError) as caught:
        desk.watch(timeout_s=600)
    assert caught.value.exit_code == 5
    assert any("503 ServiceUnavailable" in one or "is not known" in one for one in caught.value.open_gates)


@pytest.mark.parametrize("where", ["vaults", "scale sets"])
def test_what_could_not_be_read_at_first_is_read_again(where: str) -> None:
    desk = Desk(FakeNodes(runtime(LEAF, LEAF)))
    refusals, part = (desk.vaults.refusals, "vault") if where == "vaults" else (desk.arm.refusals, "ScaleSets")
    refusals[part] = refusal(503, "ServiceUnavailable")
    desk.clock.on_sleep = refusals.clear
    assert desk.watch(timeout_s=3600).presenting(LEAF) == 2
    assert desk.clock.slept


def test_follow_goes_on_after_all_was_seen_until_its_time_is_over() -> None:
    desk = Desk(FakeNodes(runtime(LEAF, LEAF)))
    desk.watch(follow=True, timeout_s=300)
    assert sum(desk.clock.slept) == 300
    assert len([one for one in desk.events if one.type == "nodes"]) > 3


def test_what_a_cluster_wants_to_see_follows_from_its_declaration() -> None:
    kinds = [one.kind for one in gates_of_cluster(make.observation(make.common_name_world()))]
    assert kinds == ["cluster-at-rest", "instances-current", "other-extensions-succeeded", "nodes-present"]
    assert all(isinstance(one, Gate) for one in gates_of_cluster(make.observation()))


def test_an_event_outside_the_closed_list_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        event("made-up", make.NOW)
    assert all(text.endswith(".") for text in EVENTS.values())
