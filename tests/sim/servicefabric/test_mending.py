"""What people can do on the nodes of a cluster that is down, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.server.mend import mend

MakeWorld = Callable[..., Any]
LIFE_DAYS = 199 - 20
SETTING = {"name": "Security", "parameters": [{"name": "AcceptExpiredPinnedClusterCertificate", "value": "true"}]}


def expired(made_world: MakeWorld, world: str = "self-signed") -> Any:
    """A cluster whose declared certificate ended yesterday."""
    found = made_world(world, auto_renew=False)
    found.pass_time(days=LIFE_DAYS + 1)
    assert found.cluster.down
    return found


def state_of(world: Any) -> str:
    return str(world.get(world.facts["cluster_id"])["properties"]["clusterState"])


def renewed(world: Any, *, self_signed: bool) -> Any:
    """A newer version of the vault's certificate, a year long."""
    authority = world.azure.find_service("authority")
    now = world.azure.clock.now.replace(microsecond=0)
    ends = now.replace(year=now.year + 1)
    if self_signed:
        issued = authority.self_signed("old-cluster.local", [], not_before=now, not_after=ends)
    else:
        name = world.facts["common_name"]
        issued = authority.get("Contoso Issuing CA 01").issue(name, [name], not_before=now, not_after=ends)
    return world.vaults.import_version(world.facts["vault_url"], world.facts["certificate_name"], issued)


def test_the_setting_on_every_node_brings_a_self_signed_cluster_back(made_world: MakeWorld) -> None:
    """Reference 7, row 11: on the nodes first; 5 to 10 minutes later the resource provider reaches the cluster."""
    world = expired(made_world)
    world.cluster.mending.act([], accept_expired=True)
    world.pass_time(minutes=4)
    assert state_of(world) == "UpgradeServiceUnreachable"
    world.pass_time(minutes=10)
    assert state_of(world) == "Ready"
    assert world.cluster.healthy
    assert world.presented() == {world.facts["thumbprint"]}


def test_seed_nodes_are_visited_first(made_world: MakeWorld) -> None:
    world = made_world("three-node-types", self_signed=True)
    touched = mend(world.azure, {"accept_expired": True})["touched"]
    seeds = [world.cluster.nodes[name].seed for name in touched]
    assert seeds == sorted(seeds, reverse=True)
    assert len(touched) == len(world.cluster.nodes)


def test_less_than_a_quorum_of_mended_seed_nodes_brings_nothing_back(made_world: MakeWorld) -> None:
    world = expired(made_world)
    world.cluster.mending.act(["_nt0_0", "_nt0_1"], accept_expired=True)
    world.pass_time(days=1)
    assert world.cluster.down
    world.cluster.mending.act(["_nt0_2"], accept_expired=True)
    world.pass_time(minutes=20)
    assert not world.cluster.down
    assert sorted(name for name, node in world.cluster.nodes.items() if node.in_ring) == ["_nt0_0", "_nt0_1", "_nt0_2"]


@pytest.mark.parametrize("other_change_first", [False, True])
def test_what_is_set_on_nodes_alone_goes_with_the_next_upgrade(made_world: MakeWorld, other_change_first: bool) -> None:
    world = expired(made_world)
    world.cluster.mending.act([], accept_expired=True)
    world.pass_time(minutes=15)
    body = world.get(world.facts["cluster_id"])
    setup = {"name": "Setup", "parameters": [{"name": "SkipFirewallConfiguration", "value": "true"}]}
    body["properties"]["fabricSettings"] = [setup if other_change_first else SETTING]
    world.send(world.facts["cluster_id"], body)
    world.pass_time(hours=6)
    assert world.cluster.healthy is not other_change_first
    if not other_change_first:
        assert state_of(world) == "Ready"
        assert all(
            node.manifest.setting("Security", SETTING["parameters"][0]["name"]) == "true"
            for node in world.cluster.nodes.values()
        )


def test_the_setting_helps_no_certificate_of_an_authority(made_world: MakeWorld) -> None:
    """Reference 7, row 12."""
    world = expired(made_world, "one-node-type")
    world.cluster.mending.act([], accept_expired=True)
    world.pass_time(days=1)
    assert world.cluster.down


def by_name_and_expired(made_world: MakeWorld) -> Any:
    world = made_world("one-node-type", auto_renew=False)
    world.migrate()
    world.pass_time(days=LIFE_DAYS + 1)
    assert world.cluster.down
    return world


@pytest.mark.parametrize("heals", [True, False])
def test_by_name_a_newer_certificate_reaches_the_nodes_and_a_restart_brings_them_back(
    made_world: MakeWorld, heals: bool
) -> None:
    """Reference 7, row 12; that they come back untouched is inferred there, and behind a switch here."""
    world = by_name_and_expired(made_world)
    if heals:
        world.azure.faults.arm("quorum-heals")
    new = renewed(world, self_signed=False)
    world.pass_time(hours=4)
    assert world.presented() == {new.thumbprint}
    assert world.cluster.down is not heals
    if not heals:
        world.cluster.mending.act([], accept_expired=False)
        world.pass_time(minutes=20)
    assert world.cluster.healthy
    assert state_of(world) == "Ready"


def test_a_return_is_given_up_where_the_nodes_part_again_meanwhile(made_world: MakeWorld) -> None:
    world = expired(made_world)
    world.cluster.mending.act(["_nt0_0", "_nt0_1", "_nt0_2"], accept_expired=True)
    world.pass_time(minutes=4)
    world.cluster.halt("_nt0_0")
    world.pass_time(days=1)
    assert world.cluster.down


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"nodes": ["_nt0_9"]}, "There is no node '_nt0_9'. There are: _nt0_0"),
        ({"nodes": "all"}, "as a list of names"),
        ({"accept_expired": "yes"}, "as true or false"),
        ({"cluster": "/subscriptions/1"}, "Say which cluster"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_nothing_is_touched(
    made_world: MakeWorld, order: dict[str, Any], says: str
) -> None:
    world = made_world("self-signed")
    with pytest.raises(AzureFailure, match=says):
        mend(world.azure, order)
    assert world.cluster.healthy
