"""How simulated scale sets read and write, and how a model reaches machines."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Caller

World = Any
MakeWorld = Callable[..., World]
TYPE = "Microsoft.Compute/virtualMachineScaleSets"


def runtime(world: World) -> Any:
    return world.azure.find_service("compute").get(world.scale_set_ids[0])


def machines(world: World, **query: str) -> list[dict[str, Any]]:
    provider = world.azure.provider_of(TYPE)
    listed: list[dict[str, Any]] = provider.list(world.scale_set_ids[0], f"{TYPE}/virtualMachines", "2024-07-01", query)
    return listed


def model_extensions(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
    return found


def test_write_only_values_are_never_read_and_stay_when_omitted(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    body = world.get(world.scale_set_ids[0])
    text = str(body)
    assert "adminPassword" not in text
    assert "protectedSettings" not in text
    body["tags"]["touched"] = "yes"
    world.put(world.scale_set_ids[0], body)
    profile = runtime(world).model["virtualMachineProfile"]
    assert profile["osProfile"]["adminPassword"]
    assert profile["extensionProfile"]["extensions"][0]["properties"]["protectedSettings"]["StorageAccountKey1"]
    assert runtime(world).version == 1, "tags are no change of the model"


def test_an_empty_object_clears_write_only_values_and_a_switch_makes_omission_do_so(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    body = world.get(world.scale_set_ids[0])
    model_extensions(body)[0]["properties"]["protectedSettings"] = {}
    world.put(world.scale_set_ids[0], body)
    properties = runtime(world).model["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["properties"]
    assert "protectedSettings" not in properties
    assert runtime(world).model["virtualMachineProfile"]["osProfile"]["adminPassword"]
    world.azure.faults.arm("clear-write-only-on-omission")
    world.put(world.scale_set_ids[0], world.get(world.scale_set_ids[0]))
    assert "adminPassword" not in runtime(world).model["virtualMachineProfile"]["osProfile"]


def test_instances_show_views_only_when_asked(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    assert "instanceView" not in machines(world)[0]["properties"]
    view = machines(world, **{"$expand": "instanceView"})[0]["properties"]["instanceView"]
    assert view["extensions"][0]["statuses"][0]["code"] == "ProvisioningState/succeeded"
    assert view["vmAgent"]["extensionHandlers"][0]["type"] == "Microsoft.Azure.ServiceFabric.ServiceFabricNode"
    assert "protectedSettings" not in str(machines(world))
    one = world.get(f"{world.scale_set_ids[0]}/virtualMachines/3")
    assert (one["instanceId"], one["properties"]["latestModelApplied"]) == ("3", True)


def _edit(change: str) -> Callable[[dict[str, Any]], None]:
    def apply(body: dict[str, Any]) -> None:
        extensions = model_extensions(body)
        profile = body["properties"]["virtualMachineProfile"]
        if change == "handler twice":
            extensions.append({**copy.deepcopy(extensions[0]), "name": "again"})
        elif change == "waits for nobody":
            extensions[0]["properties"]["provisionAfterExtensions"] = ["KVVM"]
        elif change == "circle":
            other = {"publisher": "P", "type": "T", "settings": {}, "provisionAfterExtensions": [extensions[0]["name"]]}
            extensions[0]["properties"]["provisionAfterExtensions"] = ["other"]
            extensions.append({"name": "other", "properties": other})
        elif change == "vault twice":
            profile["osProfile"]["secrets"] *= 2
        elif change == "no such version":
            url = profile["osProfile"]["secrets"][0]["vaultCertificates"][0]["certificateUrl"]
            entry = {"certificateUrl": url[:-8] + "00000000", "certificateStore": "My"}
            profile["osProfile"]["secrets"][0]["vaultCertificates"].append(entry)
        elif change == "silver of five":
            extensions[0]["properties"]["settings"]["durabilityLevel"] = "Silver"
            body["sku"]["capacity"] = 4
        elif change == "no such identity":
            wrong = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x"
            body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {wrong: {}}}

    return apply


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("handler twice", "BadRequest", "Multiple VMExtensions per handler not supported"),
        (
            "waits for nobody",
            "BadRequest",
            "in its provisionAfterExtensions property, but the extension 'KVVM' is not configured",
        ),
        ("circle", "InvalidParameter", "circle"),
        ("vault twice", "InvalidParameter", "repeated instances"),
        ("no such version", "KeyVaultSecretDoesNotExist", "does not exist"),
        ("silver of five", "BadRequest", "requires at least 5"),
        ("no such identity", "FailedIdentityOperation", "was not found"),
    ],
)
def test_a_wrong_model_is_refused_before_any_machine_is_touched(
    made_world: MakeWorld, change: str, code: str, words: str
) -> None:
    world = made_world("one-node-type")
    body = world.get(world.scale_set_ids[0])
    _edit(change)(body)
    writes = len(world.azure.journal.writes)
    with pytest.raises(AzureFailure) as caught:
        world.send(world.scale_set_ids[0], body)
    assert caught.value.code == code
    assert words in caught.value.message
    assert len(world.azure.journal.writes) == writes
    assert runtime(world).version == 1


def test_assigning_an_identity_needs_the_right_to_assign_it(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.give_identity()
    stranger = world.azure.new_guid()
    # Virtual Machine Contributor: may write scale sets, not assign identities.
    world.azure.find_service("authorization").grant(stranger, "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", world.group)
    body = world.provisioned(world.scale_set_ids[0], identity)
    provider = world.azure.provider_of(TYPE)
    with pytest.raises(AzureFailure) as caught:
        provider.put(parse_id(world.scale_set_ids[0]), "2024-07-01", body, Caller(stranger, "app", "stranger"))
    assert caught.value.code == "LinkedAuthorizationFailed"


def test_manual_mode_touches_only_the_instances_that_are_named(made_world: MakeWorld) -> None:
    world = made_world("manual-mode")
    identity = world.give_identity()
    world.put(world.scale_set_ids[0], world.provisioned(world.scale_set_ids[0], identity))
    assert [one["properties"]["latestModelApplied"] for one in machines(world)] == [False] * 5
    world.wait(world.act(world.scale_set_ids[0], "manualupgrade", {"instanceIds": ["0", "2"]}))
    assert [one["properties"]["latestModelApplied"] for one in machines(world)] == [True, False, True, False, False]
    view = machines(world, **{"$expand": "instanceView"})[0]["properties"]["instanceView"]
    assert {item["name"] for item in view["extensions"]} == {"KVVM", "ServiceFabricNodeVmExt_nt0"}
    body = world.get(world.scale_set_ids[0])
    body["sku"]["capacity"] = 6
    world.put(world.scale_set_ids[0], body)
    assert machines(world)[5]["properties"]["latestModelApplied"] is True, "a new machine takes the newest model"


def test_silver_goes_by_domain_and_waits_for_a_cluster_at_rest(made_world: MakeWorld) -> None:
    world = made_world("silver")
    identity = world.give_identity()
    body = world.provisioned(world.scale_set_ids[0], identity)
    upgrade = world.get(world.facts["cluster_id"])
    upgrade["properties"]["fabricSettings"] = []
    running = world.send(world.facts["cluster_id"], upgrade)
    sent = world.send(world.scale_set_ids[0], body)
    world.pass_time(minutes=10)
    assert not running.operation.done
    assert not any(one["properties"]["latestModelApplied"] for one in machines(world))
    world.wait(running)
    current = set()
    while not sent.operation.done:
        world.pass_time(seconds=10)
        current.add(sum(one["properties"]["provisioningState"] == "Updating" for one in machines(world)))
    assert max(current) == 1
    assert sent.operation.status == "Succeeded"


def test_silver_waits_for_ever_on_a_cluster_that_is_down(made_world: MakeWorld) -> None:
    world = made_world("silver")
    identity = world.give_identity()
    world.cluster.collapse()
    sent = world.send(world.scale_set_ids[0], world.provisioned(world.scale_set_ids[0], identity))
    world.pass_time(days=2)
    assert not sent.operation.done
    assert not any(one["properties"]["latestModelApplied"] for one in machines(world))


def test_rolling_goes_in_batches_and_faults_when_too_many_fail(made_world: MakeWorld) -> None:
    world = made_world("rolling-mode")
    identity = world.give_identity()
    world.azure.switches["extension-fails:nt0/1"] = True
    world.azure.switches["extension-fails:nt0/2"] = True
    operation = world.wait(world.send(world.scale_set_ids[0], world.provisioned(world.scale_set_ids[0], identity)))
    assert (operation.status, operation.error["code"]) == ("Failed", "VMExtensionProvisioningError")
    status = world.get(f"{world.scale_set_ids[0]}/rollingUpgrades/latest")["properties"]
    assert status["runningStatus"]["code"] == "Faulted"
    assert status["progress"]["pendingInstanceCount"] == 2


def test_a_failed_extension_is_seen_and_healed_by_the_next_write(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.give_identity()
    world.azure.faults.arm("extension-fails", {"scale_set": "nt0", "instance": "4"})
    body = world.provisioned(world.scale_set_ids[0], identity)
    operation = world.wait(world.send(world.scale_set_ids[0], body))
    assert operation.error["code"] == "VMExtensionProvisioningError"
    view = machines(world, **{"$expand": "instanceView"})[4]["properties"]["instanceView"]
    codes = {item["name"]: item["statuses"][0]["code"] for item in view["extensions"]}
    assert codes == {"KVVM": "ProvisioningState/failed/1"}, "what waits for it has not been started"
    summary = world.act(world.scale_set_ids[0], "instanceView").body
    counted = {item["name"]: item["statusesSummary"] for item in summary["extensions"]}
    assert {"code": "ProvisioningState/failed/1", "count": 1} in counted["KVVM"]
    world.azure.faults.disarm("extension-fails")
    world.put(world.scale_set_ids[0], world.get(world.scale_set_ids[0]))
    assert {one["properties"]["provisioningState"] for one in machines(world)} == {"Succeeded"}


def test_a_newer_write_preempts_the_one_on_its_way(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.give_identity()
    first = world.send(world.scale_set_ids[0], world.provisioned(world.scale_set_ids[0], identity))
    world.pass_time(seconds=5)
    second = world.send(world.scale_set_ids[0], world.get(world.scale_set_ids[0]))
    assert (first.operation.status, first.operation.error["code"]) == ("Canceled", "OperationPreempted")
    assert world.wait(second).status == "Succeeded"
    assert all(one["properties"]["latestModelApplied"] for one in machines(world))


def test_taking_secrets_away_removes_no_certificate_but_a_new_machine_has_none(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    body = world.get(world.scale_set_ids[0])
    body["properties"]["virtualMachineProfile"]["osProfile"]["secrets"] = []
    world.put(world.scale_set_ids[0], body)
    assert all(list(machine.store.all()) for machine in runtime(world).machines.values())
    operation = world.wait(world.act(f"{world.scale_set_ids[0]}/virtualMachines/0", "reimage"))
    assert operation.status == "Succeeded"
    world.pass_time(minutes=30)
    machine = runtime(world).machines["0"]
    assert list(machine.store.all()) == []
    assert "Cannot find certificate with 'FindByThumbprint'" in machine.extensions["ServiceFabricNodeVmExt_nt0"].message
    assert world.cluster.nodes["_nt0_0"].in_ring is False
    assert world.cluster.down is False


def test_a_reimaged_machine_comes_back_with_what_its_model_brings(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.wait(world.act(world.scale_set_ids[0], "reimage", {"instanceIds": ["2"]}))
    world.pass_time(minutes=30)
    assert world.cluster.healthy
    assert world.presented() == {world.facts["thumbprint"]}


def test_scaling_adds_and_removes_nodes(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    body = world.get(world.scale_set_ids[0])
    body["sku"]["capacity"] = 7
    world.put(world.scale_set_ids[0], body)
    world.pass_time(minutes=5)
    assert len(world.cluster.nodes) == 7
    assert world.cluster.healthy
    body["sku"]["capacity"] = 5
    world.put(world.scale_set_ids[0], body)
    assert sorted(world.cluster.nodes) == [f"_nt0_{number}" for number in range(5)]


def test_an_extension_can_be_written_as_a_resource_of_its_own(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    child = f"{world.scale_set_ids[0]}/extensions/monitor"
    world.put(child, {"properties": {"publisher": "P", "type": "T", "typeHandlerVersion": "1.0", "settings": {}}})
    assert [item["name"] for item in model_extensions(world.get(world.scale_set_ids[0]))][-1] == "monitor"
    provider = world.azure.provider_of(TYPE)
    world.wait(provider.delete(parse_id(child), "2024-07-01", world.caller))
    assert len(model_extensions(world.get(world.scale_set_ids[0]))) == 1


def test_preview_says_what_a_get_will_show(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    rid = parse_id(world.scale_set_ids[0])
    provider = world.azure.provider_of(TYPE)
    body = world.get(rid.text)
    assert provider.preview(rid, "2024-07-01", body) == body
    identity = world.give_identity()
    changed = world.provisioned(rid.text, identity)
    seen = provider.preview(rid, "2024-07-01", changed)
    after = world.put(rid.text, changed)
    assert {**seen, "etag": ""} == {**after, "etag": ""}
    assert after["identity"]["userAssignedIdentities"][identity["id"]]["clientId"] == identity["properties"]["clientId"]


def test_a_patch_merges_and_a_null_takes_an_identity_away(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.give_identity()
    world.put(world.scale_set_ids[0], world.provisioned(world.scale_set_ids[0], identity))
    provider = world.azure.provider_of(TYPE)
    rid = parse_id(world.scale_set_ids[0])
    patch = {"identity": {"userAssignedIdentities": {identity["id"]: None}}, "tags": {"a": "b"}}
    world.wait(provider.patch(rid, "2024-07-01", patch, world.caller))
    body = world.get(rid.text)
    assert body["identity"]["userAssignedIdentities"] == {}
    assert body["tags"]["a"] == "b"
    assert len(model_extensions(body)) == 2


def test_the_time_budget_ends_a_sync_that_never_succeeds(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.give_identity()
    body = world.provisioned(
        world.scale_set_ids[0],
        identity,
        management={
            "observedCertificates": [
                {
                    "url": f"{world.facts['vault_url']}/secrets/nothing",
                    "certificateStoreName": "MY",
                    "certificateStoreLocation": "LocalMachine",
                }
            ]
        },
    )
    body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensionsTimeBudget"] = "PT15M"
    operation = world.wait(world.send(world.scale_set_ids[0], body))
    assert operation.error["code"] == "VMExtensionProvisioningTimeout"


def test_a_put_without_a_capacity_scales_nothing(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    body = world.get(world.scale_set_ids[0])
    del body["sku"]["capacity"]
    assert world.put(world.scale_set_ids[0], body)["sku"]["capacity"] == 5
    del body["sku"]
    assert world.put(world.scale_set_ids[0], body)["sku"]["capacity"] == 5
    assert world.cluster.healthy


def test_a_stopped_machine_is_a_node_that_is_down_until_it_starts(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.migrate()
    world.wait(world.act(world.scale_set_ids[0], "powerOff", {"instanceIds": ["3"]}))
    assert not world.cluster.nodes["_nt0_3"].in_ring
    new = world.vaults.renew_now(world.facts["vault_url"], world.facts["certificate_name"])
    world.pass_time(hours=3)
    assert world.cluster.nodes["_nt0_3"].store.get("localmachine/my", new.thumbprint) is None
    world.wait(world.act(world.scale_set_ids[0], "start", {"instanceIds": ["3"]}))
    world.pass_time(hours=3)
    assert world.cluster.healthy
    assert world.presented() == {new.thumbprint}


def test_all_machines_stopped_is_the_end_of_the_cluster(made_world: MakeWorld) -> None:
    """Reference 5: deallocating destroys a cluster."""
    world = made_world("one-node-type")
    world.wait(world.act(world.scale_set_ids[0], "deallocate"))
    assert world.cluster.down
