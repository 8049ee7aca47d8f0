"""The Key Vault extension on a machine, by its version: settings, tries, versions kept, links, chains, keys."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.sim.truth.wire import Wire, extensions_of

WorldOf = Callable[..., Wire]
SUCCEEDED = "ProvisioningState/succeeded"
ENTRY = {"certificateStoreName": "MY", "certificateStoreLocation": "LocalMachine"}


def provision(world: Wire, version: str, identity: dict[str, Any] | None = None, **management: Any) -> str:
    """Bring the extension to all machines; how the write ended."""
    identity = identity or world.identity("id-nodes")
    extension = world.extension(version, identity["properties"]["clientId"], **management)
    return world.done("PUT", world.scale_set, world.provisioned(extension, identity))


def trusting(world: Wire) -> None:
    """The images of all machines trust the world's root, without which version 4.0 installs nothing for servers."""
    root = world.facts["root_thumbprint"]
    world.running.call(lambda azure: azure.switches.update({"trusted-roots": [root]}))


def renewed(world: Wire, hours: float = 2) -> str:
    """A new version of the cluster's certificate, and time for everybody to see it; its thumbprint."""
    name = world.facts["certificate_name"]
    assert world.vault("POST", f"certificates/{name}/create", {}).status_code == 202
    world.pass_time(hours=hours)
    listed = world.vault("GET", f"certificates/{name}/versions").json()["value"]
    newest = max(listed, key=lambda one: one["attributes"]["created"])
    return base64.urlsafe_b64decode(newest["x5t"] + "==").hex().upper()


@pytest.mark.parametrize("version", ["1.0", "3.0", "4.0"])
def test_each_version_installs_by_its_own_schema(world_of: WorldOf, version: str) -> None:
    world = world_of()
    trusting(world)
    assert provision(world, version) == "Succeeded"
    code, message = world.said("KVVM")
    assert (code, "Successfully started Key Vault extension service" in message) == (SUCCEEDED, True)
    view = world.machines()[0]["properties"]["instanceView"]["extensions"]
    assert {"KVVM": f"{version}.0.0"}.items() <= {one["name"]: one["typeHandlerVersion"] for one in view}.items()
    held = world.store("_nt0_0")[world.facts["thumbprint"]]
    assert held["store"] == "localmachine/my"


@pytest.mark.parametrize(
    ("version", "management", "words"),
    [
        (
            "1.0",
            {"observedCertificates": [{"url": "https://kv-sf-demo.vault.azure.net/secrets/sf-cluster"}]},
            "strings",
        ),
        ("3.0", {"observedCertificates": ["https://kv-sf-demo.vault.azure.net/secrets/sf-cluster"]}, "objects"),
        ("4.0", {"observedCertificates": ["https://kv-sf-demo.vault.azure.net/secrets/sf-cluster"]}, "objects"),
        ("4.0", {**ENTRY}, "belongs to each entry"),
        ("3.0", {"observedCertificates": []}, "missing or empty"),
        ("3.0", {"pollingIntervalInS": "hourly"}, "is no number"),
        (
            "4.0",
            {"observedCertificates": [{"url": "https://kv-sf-demo.vault.azure.net/secrets/sf-cluster/0123", **ENTRY}]},
            "names a version",
        ),
        (
            "3.0",
            {"observedCertificates": [{"url": "https://kv-sf-demo.vault.azure.net/certificates/sf-cluster", **ENTRY}]},
            "has no private key",
        ),
    ],
)
def test_settings_of_another_version_fail_the_extension(
    world_of: WorldOf, version: str, management: dict[str, Any], words: str
) -> None:
    world = world_of()
    assert provision(world, version, **management) == "Failed"
    assert world.error["code"] == "VMExtensionProvisioningError"
    code, message = world.said("KVVM")
    assert (code, words in message) == ("ProvisioningState/failed/31", True)


@pytest.mark.parametrize("version", ["1.0", "3.0"])
def test_before_4_0_an_address_may_name_a_version_and_then_nothing_newer_comes(world_of: WorldOf, version: str) -> None:
    world = world_of()
    url = world.facts["certificate_url"]
    observed = [url] if version == "1.0" else [{"url": url, **ENTRY}]
    assert provision(world, version, observedCertificates=observed) == "Succeeded"
    assert renewed(world) not in world.store("_nt0_0")


def test_version_4_0_does_not_install_on_an_older_windows(world_of: WorldOf) -> None:
    world = world_of()

    def older(body: dict[str, Any]) -> None:
        body["properties"]["virtualMachineProfile"]["storageProfile"]["imageReference"]["sku"] = "2019-Datacenter"

    assert world.done("PUT", world.scale_set, world.edited(world.scale_set, older)) == "Succeeded"
    assert provision(world, "4.0") == "Failed"
    assert "needs Windows Server 2022 or later" in world.said("KVVM")[1]


@pytest.mark.parametrize("version", ["1.0", "3.0", "4.0"])
def test_a_sync_without_access_is_tried_25_times_with_growing_pauses(world_of: WorldOf, version: str) -> None:
    world = world_of()
    identity = world.identity("id-outside", let_in=False)
    extension = world.extension(version, identity["properties"]["clientId"])
    sent = world.ask("PUT", world.scale_set, world.provisioned(extension, identity))
    assert sent.ok, sent.text
    world.pass_time(minutes=3)
    code, message = world.said("KVVM")
    assert code == "ProvisioningState/transitioning"
    assert "retrying... " in message
    assert "403 ForbiddenByPolicy" in message
    assert 1 < tries(world) < 25
    world.pass_time(hours=1.2)
    assert (world.said("KVVM")[0], tries(world)) == ("ProvisioningState/failed/14", 25)
    assert world.get(world.scale_set)["properties"]["provisioningState"] == "Failed"


def tries(world: Wire) -> int:
    """How often machine 0's agent has tried; the simulator's own count."""
    agents = world.running.call(
        lambda azure: (
            azure.find_service("compute")
            .handler_of({"publisher": "Microsoft.Azure.KeyVault", "type": "KeyVaultForWindows"})
            ._agents
        )
    )
    return int(next(agent._tries for machine, agent in agents.items() if machine.instance_id == "0"))


@pytest.mark.parametrize("version", ["1.0", "3.0"])
def test_without_an_initial_sync_it_succeeds_before_anything_was_fetched(world_of: WorldOf, version: str) -> None:
    world = world_of()
    identity = world.identity("id-outside", let_in=False)
    assert provision(world, version, identity, requireInitialSync=False) == "Succeeded"
    assert world.said("KVVM")[0] == SUCCEEDED


def test_version_4_0_syncs_whatever_the_removed_setting_says(world_of: WorldOf) -> None:
    world = world_of()
    identity = world.identity("id-outside", let_in=False)
    assert provision(world, "4.0", identity, requireInitialSync=False) == "Failed"


def test_a_new_version_comes_with_the_next_poll_and_nothing_is_ever_removed(world_of: WorldOf) -> None:
    world = world_of()
    assert provision(world, "3.0") == "Succeeded"
    first = world.facts["thumbprint"]
    second = renewed(world, hours=0.1)
    assert second not in world.store("_nt0_0"), "not before the next poll"
    world.pass_time(hours=1)
    third = renewed(world)
    assert {first, second, third} <= set(world.store("_nt0_0"))
    assert world.done("DELETE", f"{world.scale_set}/extensions/KVVM") == "Succeeded"
    assert {first, second, third} <= set(world.store("_nt0_0"))


@pytest.mark.parametrize(("version", "kept"), [("3.0", 1), ("4.0", 2)])
def test_a_new_machine_gets_the_newest_version_and_from_4_0_on_the_one_before_it_too(
    world_of: WorldOf, version: str, kept: int
) -> None:
    world = world_of()
    trusting(world)
    assert provision(world, version) == "Succeeded"
    versions = [world.facts["thumbprint"], renewed(world), renewed(world)]

    def without(body: dict[str, Any]) -> None:
        body["properties"]["virtualMachineProfile"]["osProfile"]["secrets"] = []
        body["sku"]["capacity"] = 6

    world.done("PUT", world.scale_set, world.edited(world.scale_set, without))
    machine = world.running.call(lambda azure: azure.find_service("compute").get(world.scale_set).machines["5"])
    held = world.running.call(lambda azure: {one.thumbprint for _, one in machine.store.all()})
    assert held == set(versions[-kept:])


@pytest.mark.parametrize(
    ("version", "linking", "linked"),
    [("1.0", False, False), ("1.0", True, True), ("3.0", False, False), ("3.0", True, True), ("4.0", False, True)],
)
def test_a_renewal_is_linked_where_asked_and_from_4_0_on_always(
    world_of: WorldOf, version: str, linking: bool, linked: bool
) -> None:
    world = world_of()
    trusting(world)
    assert provision(world, version, linkOnRenewal=linking) == "Succeeded"
    newer = renewed(world)
    assert world.store("_nt0_0")[world.facts["thumbprint"]]["renewed_by"] == (newer if linked else None)


@pytest.mark.parametrize(("version", "ends"), [("3.0", "Succeeded"), ("4.0", "Failed")])
def test_from_4_0_on_a_server_s_certificate_must_end_in_a_trusted_root(
    world_of: WorldOf, version: str, ends: str
) -> None:
    world = world_of()
    assert provision(world, version) == ends
    if ends == "Failed":
        assert "does not end in a trusted root" in world.said("KVVM")[1]


@pytest.mark.parametrize(
    ("runtime", "state"), [("10.1.2493.9590", "UpgradeServiceUnreachable"), ("11.4.268.1", "Ready")]
)
def test_keys_that_4_0_brings_are_cng_which_no_runtime_before_11_can_load(
    world_of: WorldOf, runtime: str, state: str
) -> None:
    """The vendor's warning of 4.0 in full: the renewal is linked, and what it leads to cannot be used."""
    world = world_of(by_name=True, cluster_settings={"clusterCodeVersion": runtime})
    trusting(world)
    body = world.get(world.scale_set)
    client_id = next(iter(body["identity"]["userAssignedIdentities"].values()))["clientId"]
    newer = {**world.extension("4.0", client_id), "name": extensions_of(body)[1]["name"]}
    extensions_of(body)[1] = newer
    assert world.done("PUT", world.scale_set, body) == "Succeeded"
    assert world.store("_nt0_0")[world.facts["thumbprint"]]["provider"] == "CAPI"
    thumbprint = renewed(world, hours=3)
    assert world.store("_nt0_0")[thumbprint]["provider"] == "CNG"
    assert world.get(world.cluster_id)["properties"]["clusterState"] == state
    if state == "Ready":
        assert {world.presents(name) for name in world.nodes()} == {thumbprint}
