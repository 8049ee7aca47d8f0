"""Machines are re-imaged, added, removed, restarted, and their clocks are set wrong: what everybody else sees of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.sim.truth.wire import Wire, extensions_of

WorldOf = Callable[..., Wire]


def act(world: Wire, action: str, *instances: str) -> str:
    return world.done("POST", f"{world.scale_set}/{action}", {"instanceIds": list(instances)})


def capacity(world: Wire, number: int) -> str:
    return world.done("PATCH", world.scale_set, {"sku": {"capacity": number}})


def test_a_reimaged_machine_is_a_node_that_is_down_and_then_a_new_one(world_of: WorldOf) -> None:
    world = world_of()
    before = world.nodes()["_nt0_2"]
    assert act(world, "reimage", "2") == "Succeeded"
    down = world.nodes()["_nt0_2"]
    assert (down["NodeStatus"], down["HealthState"]) == ("Down", "Error")
    assert down["NodeDownAt"] > before["NodeUpAt"]
    assert world.store("_nt0_2") == {}
    with pytest.raises(OSError, match=r".*"):
        world.tls("10.0.0.6")
    world.pass_time(minutes=30)
    after = world.nodes()["_nt0_2"]
    assert (after["NodeStatus"], after["NodeDownTimeInSeconds"]) == ("Up", "0")
    assert int(after["InstanceId"]) > int(before["InstanceId"])
    assert world.node("10.0.0.6", "/Nodes").thumbprint == world.facts["thumbprint"]


def test_a_restarted_machine_keeps_its_disk(world_of: WorldOf) -> None:
    world = world_of()
    before, held = world.nodes()["_nt0_1"], world.store("_nt0_1")
    assert act(world, "restart", "1") == "Succeeded"
    world.pass_time(minutes=5)
    after = world.nodes()["_nt0_1"]
    assert (after["NodeStatus"], int(after["InstanceId"]) > int(before["InstanceId"])) == ("Up", True)
    assert after["NodeUpAt"] > before["NodeUpAt"]
    assert set(world.store("_nt0_1")) == set(held)


def test_a_new_machine_becomes_a_node_and_a_removed_one_is_forgotten(world_of: WorldOf) -> None:
    world = world_of()
    assert capacity(world, 6) == "Succeeded"
    world.pass_time(minutes=10)
    added = world.nodes()["_nt0_5"]
    assert (added["NodeStatus"], added["IsSeedNode"]) == ("Up", False)
    assert world.node(added["IpAddressOrFQDN"], "/Nodes").thumbprint == world.facts["thumbprint"]
    assert world.done("DELETE", f"{world.scale_set}/virtualMachines/5") == "Succeeded"
    assert "_nt0_5" not in world.nodes()
    assert world.get(world.scale_set)["sku"]["capacity"] == 5
    with pytest.raises(OSError, match=r".*"):
        world.tls(added["IpAddressOrFQDN"])


def test_a_stopped_machine_is_down_until_it_is_started(world_of: WorldOf) -> None:
    world = world_of()
    assert act(world, "deallocate", "4") == "Succeeded"
    assert world.nodes()["_nt0_4"]["NodeStatus"] == "Down"
    world.pass_time(hours=1)
    assert int(world.nodes()["_nt0_4"]["NodeDownTimeInSeconds"]) >= 3600
    assert act(world, "start", "4") == "Succeeded"
    world.pass_time(minutes=5)
    assert world.nodes()["_nt0_4"]["NodeStatus"] == "Up"


def test_a_clock_that_is_ahead_makes_its_node_refuse_the_others_at_once(world_of: WorldOf) -> None:
    world = world_of(auto_renew=False)
    world.pass_time(days=199 - 20 - 1)
    world.fault("clock-skew", node="_nt0_1", seconds=2 * 86400)
    seen = world.nodes()
    assert {name for name, one in seen.items() if one["NodeStatus"] == "Down"} == {"_nt0_1"}
    world.pass_time(hours=2)
    health = world.node(world.balanced, "/Nodes/_nt0_1/$/GetHealth?api-version=6.0").body
    assert not [one for one in health["HealthEvents"] if one["Property"].startswith("Certificate")], (
        "by its own clock its certificate has expired, so that it presents none"
    )
    world.running.call(lambda azure: azure.faults.disarm("clock-skew"))
    world.pass_time(hours=2)
    assert {one["NodeStatus"] for one in world.nodes().values()} == {"Up"}


def test_a_clock_that_is_behind_refuses_what_is_new(world_of: WorldOf) -> None:
    """A renewed certificate is valid from now on; for that node now is yesterday."""
    world = world_of()
    world.to_common_name()
    world.fault("clock-skew", node="_nt0_3", seconds=-86400)
    renew = f"certificates/{world.facts['certificate_name']}/create"
    assert world.vault("POST", renew, {}).status_code == 202
    world.pass_time(hours=4)
    seen = {name: one["NodeStatus"] for name, one in world.nodes().items()}
    assert seen == {f"_nt0_{number}": "Down" if number == 3 else "Up" for number in range(5)}
    world.pass_time(days=1)
    world.pass_time(hours=2)
    assert {one["NodeStatus"] for one in world.nodes().values()} == {"Up"}


def test_vm_secrets_that_leave_the_model_stay_on_the_machines_but_new_ones_lack_them(world_of: WorldOf) -> None:
    world = world_of()

    def without(body: dict) -> None:
        body["properties"]["virtualMachineProfile"]["osProfile"]["secrets"] = []

    assert world.done("PUT", world.scale_set, world.edited(world.scale_set, without)) == "Succeeded"
    assert {one["properties"]["latestModelApplied"] for one in world.machines()} == {True}
    for number in range(5):
        assert world.facts["thumbprint"] in world.store(f"_nt0_{number}")
    assert act(world, "reimage", "0") == "Succeeded"
    world.pass_time(minutes=30)
    code, message = world.said(extensions_of(world.get(world.scale_set))[0]["name"])
    assert code.startswith("ProvisioningState/failed/")
    assert re.fullmatch(r"Cannot find certificate with 'FindByThumbprint' '[0-9A-F]{40}' in store 'My'", message)
    assert world.nodes()["_nt0_0"]["NodeStatus"] == "Down"
