"""How a cluster's upgrades walk, wait, roll back, and what ARM shows meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.servicefabric.rest import answer

World = Any
MakeWorld = Callable[..., World]


def provisioned(made_world: MakeWorld, name: str = "one-node-type", **options: Any) -> World:
    world = made_world(name, **options)
    identity = world.give_identity()
    for scale_set_id in world.scale_set_ids:
        world.put(scale_set_id, world.provisioned(scale_set_id, identity))
    return world


def test_a_conversion_walks_three_phases_and_ends_ready(made_world: MakeWorld) -> None:
    world = provisioned(made_world)
    sent = world.to_common_name()
    assert sent.body["properties"]["provisioningState"] == "Updating"
    seen = set()
    while not sent.operation.done:
        world.pass_time(minutes=1)
        upgrade = world.cluster.upgrade
        if upgrade is not None:
            seen.add(upgrade.phase_index)
            assert world.get(world.facts["cluster_id"])["properties"]["clusterState"] == "UpdatingUserCertificate"
    assert seen == {0, 1, 2}
    shown = world.get(world.facts["cluster_id"])["properties"]
    assert (shown["clusterState"], shown["provisioningState"]) == ("Ready", "Succeeded")
    assert "certificate" not in shown
    assert world.azure.journal.refusals == []
    assert {node.manifest.finds.by for node in world.cluster.nodes.values()} == {"name"}


def test_the_issuer_list_alone_is_one_simple_upgrade(made_world: MakeWorld) -> None:
    world = provisioned(made_world)
    world.wait(world.to_common_name())
    both = f"{world.facts['issuer_thumbprint']},{world.facts['other_issuer_thumbprint']}"
    sent = world.to_common_name(both)
    world.pass_time(minutes=1)
    assert world.cluster.state == "UpdatingUserConfiguration"
    assert len(world.cluster.upgrade.phases) == 1
    assert world.wait(sent).status == "Succeeded"


def test_the_single_walk_parts_the_first_domain_where_phases_part_nobody(made_world: MakeWorld) -> None:
    """Domains that accept the name alone and domains that accept the old thumbprint alone, with both certificates on
    every node: by phases nobody is refused; in the pessimistic reading the first domain parts and is rolled back."""
    outcomes = {}
    for reading in ("phases", "single"):
        world = provisioned(made_world, "self-signed")
        world.azure.switches["staging"] = reading
        issuing = world.azure.find_service("authority").get("Contoso Issuing CA 01")
        at = world.azure.clock.now.replace(microsecond=0)
        issued = issuing.issue(world.facts["common_name"], [], not_before=at, not_after=at.replace(year=at.year + 1))
        world.vaults.import_version(world.facts["vault_url"], world.facts["certificate_name"], issued)
        world.pass_time(hours=3)
        sent = world.to_common_name()
        world.pass_time(hours=6)
        outcomes[reading] = (world.cluster.down, bool(world.azure.journal.refusals), sent.operation.status)
    assert outcomes["phases"] == (False, False, "Succeeded")
    assert outcomes["single"] == (False, True, "Failed")


def test_the_check_before_a_security_change_refuses_a_name_that_no_node_holds(made_world: MakeWorld) -> None:
    world = provisioned(made_world)
    body = world.get(world.facts["cluster_id"])
    body["properties"].pop("certificate")
    body["properties"]["certificateCommonNames"] = {
        "commonNames": [{"certificateCommonName": "nobody.example", "certificateIssuerThumbprint": "A" * 40}],
        "x509StoreName": "My",
    }
    operation = world.wait(world.send(world.facts["cluster_id"], body))
    assert operation.status == "Failed"
    assert "no certificate on" in operation.error["message"]
    assert world.cluster.healthy
    assert {node.manifest.finds.by for node in world.cluster.nodes.values()} == {"thumbprint"}


@pytest.mark.parametrize(
    ("switch", "reason"),
    [("unhealthy-upgrade-domain", "HealthCheck"), ("stuck-upgrade-domain", "UpgradeDomainTimeout")],
)
def test_an_upgrade_that_cannot_go_on_rolls_back_to_where_it_began(
    made_world: MakeWorld, switch: str, reason: str
) -> None:
    world = provisioned(made_world)
    before = world.cluster.manifest
    world.azure.faults.arm(switch, {"domain": "2"})
    operation = world.wait(world.to_common_name())
    assert operation.status == "Failed"
    assert reason in operation.error["message"]
    assert world.cluster.manifest == before
    assert world.cluster.state == "Ready"
    shown = world.get(world.facts["cluster_id"])["properties"]
    assert shown["provisioningState"] == "Failed"
    assert "certificateCommonNames" in shown, "what was declared stays readable although the nodes went back"
    assert all(node.manifest.finds == before.finds for node in world.cluster.nodes.values())
    progress = answer(world.azure, world.cluster, "/$/GetUpgradeProgress", {})
    assert (progress["UpgradeState"], progress["FailureReason"]) == ("RollingBackCompleted", reason)


def test_another_request_interrupts_the_first_phase_only(made_world: MakeWorld) -> None:
    world = provisioned(made_world)
    first = world.to_common_name()
    world.pass_time(minutes=2)
    both = f"{world.facts['issuer_thumbprint']},{world.facts['other_issuer_thumbprint']}"
    second = world.to_common_name(both)
    assert first.operation.status == "Failed"
    while world.cluster.upgrade.phase_index == 0:
        world.pass_time(minutes=1)
    with pytest.raises(AzureFailure) as caught:
        world.to_common_name()
    assert caught.value.status == 409
    assert "cannot be interrupted" in caught.value.message
    assert world.wait(second).status == "Succeeded"
    assert world.azure.journal.refusals == []


def test_a_put_of_what_stands_walks_nothing(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    body = world.get(world.facts["cluster_id"])
    body["tags"] = {"a": "b"}
    sent = world.send(world.facts["cluster_id"], body)
    assert world.cluster.upgrade is None
    assert world.wait(sent).status == "Succeeded"
    assert world.get(world.facts["cluster_id"])["tags"] == {"a": "b"}


def test_a_patch_replaces_whole_properties_and_ignores_those_that_it_does_not_know(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    rid = parse_id(world.facts["cluster_id"])
    provider = world.azure.provider_of(rid.type)
    before = world.get(rid.text)["properties"]
    sent = provider.patch(
        rid,
        "2021-06-01",
        {
            "properties": {
                "fabricSettings": [{"name": "Setup", "parameters": [{"name": "A", "value": "1"}]}],
                "reverseProxyCertificateCommonNames": {"commonNames": [], "x509StoreName": "My"},
                "managementEndpoint": "https://elsewhere:19080",
                "certificate": None,
            }
        },
        world.caller,
    )
    assert world.wait(sent).status == "Succeeded"
    after = world.get(rid.text)["properties"]
    assert [section["name"] for section in after["fabricSettings"]] == ["Setup"]
    assert after["managementEndpoint"] == before["managementEndpoint"]
    assert after["certificate"] == before["certificate"]
    assert "reverseProxyCertificateCommonNames" not in after


def test_what_is_read_only_cannot_be_written(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    body = world.get(world.facts["cluster_id"])
    known = body["properties"]["clusterId"]
    body["properties"] |= {"clusterId": "00000000-0000-0000-0000-000000000000", "clusterState": "Deploying"}
    assert world.put(world.facts["cluster_id"], body)["properties"]["clusterId"] == known


def test_preview_says_what_a_get_will_show(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    rid = parse_id(world.facts["cluster_id"])
    body = world.get(rid.text)
    assert world.azure.provider_of(rid.type).preview(rid, "2021-06-01", body) == body


def test_deleting_a_cluster_leaves_nothing_behind(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    rid = parse_id(world.facts["cluster_id"])
    provider = world.azure.provider_of(rid.type)
    world.wait(provider.delete(rid, "2021-06-01", world.caller))
    with pytest.raises(AzureFailure) as caught:
        provider.get(rid, "2021-06-01", {})
    assert caught.value.status == 404
    assert provider.delete(rid, "2021-06-01", world.caller).operation is None


def test_between_two_phases_the_cluster_itself_says_completed(made_world: MakeWorld) -> None:
    """A watcher that believes the first completed walk stops two phases early."""
    world = provisioned(made_world)
    sent = world.to_common_name()
    versions = set()
    while not sent.operation.done:
        world.pass_time(seconds=20)
        progress = answer(world.azure, world.cluster, "/$/GetUpgradeProgress", {})
        if progress["UpgradeState"] == "RollingForwardCompleted" and not sent.operation.done:
            assert {domain["State"] for domain in progress["UpgradeDomains"]} == {"Completed"}
            assert world.cluster.state == "UpdatingUserCertificate"
            versions.add(progress["ConfigVersion"])
    assert len(versions) == 2


def test_a_runtime_with_the_known_fault_sticks_and_rolls_back(made_world: MakeWorld) -> None:
    """Reference 7, row 21."""
    world = provisioned(made_world, cluster_settings={"clusterCodeVersion": "8.2.1486.9590"})
    operation = world.wait(world.to_common_name())
    assert operation.status == "Failed"
    assert "UpgradeDomainTimeout" in operation.error["message"]


def test_a_node_whose_clock_runs_ahead_refuses_first(made_world: MakeWorld) -> None:
    world = made_world("one-node-type", auto_renew=False)
    world.pass_time(days=199 - 20 - 1)
    world.azure.faults.arm("clock-skew", {"node": "_nt0_1", "seconds": 2 * 86400})
    assert {refusal.refuser for refusal in world.azure.journal.refusals} == {"_nt0_1"}
    assert not world.cluster.down
    assert not world.cluster.healthy
