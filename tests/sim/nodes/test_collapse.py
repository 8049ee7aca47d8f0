"""How simulated clusters die, and that they stay dead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

World = Any
MakeWorld = Callable[..., World]


def test_a_renewal_by_an_unpinned_issuer_takes_the_cluster_down_for_good(made_world: MakeWorld) -> None:
    """Reference 7, row 1."""
    world = made_world("one-node-type")
    world.migrate()
    world.vaults.renew_now(
        world.facts["vault_url"], world.facts["certificate_name"], authority=world.facts["other_issuer"]
    )
    world.pass_time(hours=3)
    assert world.cluster.down
    assert world.get(world.facts["cluster_id"])["properties"]["clusterState"] == "UpgradeServiceUnreachable"
    reasons = {refusal.reason for refusal in world.azure.journal.refusals}
    assert any("is not pinned" in reason for reason in reasons)
    assert {refusal.refuser for refusal in world.azure.journal.refusals} & set(world.cluster.nodes)
    world.pass_time(days=30)
    assert world.cluster.down


def test_both_issuers_pinned_beforehand_survive_the_same_renewal(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.migrate()
    both = f"{world.facts['issuer_thumbprint']},{world.facts['other_issuer_thumbprint']}"
    world.wait(world.to_common_name(both))
    new = world.vaults.renew_now(
        world.facts["vault_url"], world.facts["certificate_name"], authority=world.facts["other_issuer"]
    )
    world.pass_time(hours=3)
    assert world.cluster.healthy
    assert world.presented() == {new.thumbprint}


def test_sessions_that_outlive_a_rotation_hold_until_they_end(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.azure.faults.arm("sessions-outlive")
    world.migrate()
    world.vaults.renew_now(
        world.facts["vault_url"], world.facts["certificate_name"], authority=world.facts["other_issuer"]
    )
    world.pass_time(hours=3)
    assert not world.cluster.down
    assert world.cluster.state == "UpgradeServiceUnreachable", "the resource provider keeps no session"
    world.wait(world.act(world.scale_set_ids[0], "restart"))
    world.pass_time(minutes=10)
    assert world.cluster.down


def test_a_thumbprint_that_expires_takes_the_cluster_down(made_world: MakeWorld) -> None:
    world = made_world("one-node-type", auto_renew=False)
    world.pass_time(days=199 - 20 - 1)
    assert world.cluster.healthy
    world.pass_time(days=2)
    assert world.cluster.down


@pytest.mark.parametrize("told", [True, False], ids=["told to accept it", "not told"])
def test_an_expired_self_signed_thumbprint_is_lived_with_only_when_told_beforehand(
    made_world: MakeWorld, told: bool
) -> None:
    """Reference 7, row 11."""
    setting = {"name": "AcceptExpiredPinnedClusterCertificate", "value": "true" if told else "false"}
    world = made_world(
        "self-signed", cluster_settings={"fabricSettings": [{"name": "Security", "parameters": [setting]}]}
    )
    world.pass_time(days=199 - 20 + 3)
    assert world.cluster.down is not told
    assert world.presented() == ({world.facts["thumbprint"]} if told else {None})
    assert (world.cluster.state == "Ready") is told


def test_years_of_renewals_pass_without_a_hand(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.migrate()
    begun = world.azure.clock.now
    seen = set()
    for _ in range(30):
        world.pass_time(days=20)
        seen |= world.presented()
        assert world.cluster.healthy, world.azure.clock.now - begun
    assert len(seen) >= 3
    assert world.azure.clock.now - begun > timedelta(days=599)
