"""What the simulated Key Vault extension does, by version and settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sfcert.sim.nodes.agent_settings import SettingsFault, settings_of

World = Any
MakeWorld = Callable[..., World]
URL = "https://kv.vault.azure.net/secrets/sf"
ENTRY = {"url": URL, "certificateStoreName": "MY", "certificateStoreLocation": "LocalMachine"}


def properties(version: str, management: Any, *, kind: str = "KeyVaultForWindows") -> dict[str, Any]:
    return {"type": kind, "typeHandlerVersion": version, "settings": {"secretsManagementSettings": management}}


@pytest.mark.parametrize(
    ("version", "management", "words"),
    [
        ("3.0", {"observedCertificates": [URL]}, "must hold objects"),
        ("1.0", {"observedCertificates": [ENTRY]}, "must hold strings"),
        ("3.0", "not an object", "not an object"),
        ("3.0", {"observedCertificates": []}, "missing or empty"),
        ("4.0", {"observedCertificates": [{**ENTRY, "url": URL + "/0123"}]}, "names a version"),
        ("3.0", {"observedCertificates": [{**ENTRY, "url": URL.replace("secrets", "certificates")}]}, "no private key"),
        ("3.0", {"observedCertificates": [{**ENTRY, "certificateStoreLocation": "localmachine"}]}, "unknown store"),
        ("3.0", {"observedCertificates": [ENTRY], "pollingIntervalInS": "hourly"}, "is no number"),
    ],
)
def test_settings_of_another_schema_are_a_fault(version: str, management: Any, words: str) -> None:
    with pytest.raises(SettingsFault, match=words):
        settings_of(properties(version, management))


def test_version_4_links_syncs_keeps_two_and_uses_cng_whatever_is_said() -> None:
    management = {"observedCertificates": [ENTRY], "linkOnRenewal": False, "requireInitialSync": False}
    found = settings_of(properties("4.0", management))
    assert (found.linking, found.initial_sync, found.versions_kept, found.provider) == (True, True, 2, "CNG")
    old = settings_of(properties("3.0", management))
    assert (old.linking, old.initial_sync, old.versions_kept, old.provider) == (False, False, 1, None)


def test_linux_puts_service_fabrics_folder_into_its_store() -> None:
    linux = {"url": URL, "certificateStoreLocation": "/var/lib/sfcerts"}
    found = settings_of(properties("3.0", {"observedCertificates": [linux]}, kind="KeyVaultForLinux"))
    assert (
        found.observed[0].store == settings_of(properties("3.0", {"observedCertificates": [ENTRY]})).observed[0].store
    )


def provision(world: World, identity: Any = None, **changes: Any) -> Any:
    identity = identity or world.give_identity()
    return world.send(world.scale_set_ids[0], world.provisioned(world.scale_set_ids[0], identity, **changes))


def status(world: World, instance: str = "0") -> Any:
    return world.azure.find_service("compute").get(world.scale_set_ids[0]).machines[instance].extensions["KVVM"]


@pytest.mark.parametrize("name", ["one-node-type", "rbac-vault"])
def test_with_access_it_installs_and_says_so(made_world: MakeWorld, name: str) -> None:
    world = made_world(name)
    assert world.wait(provision(world)).status == "Succeeded"
    assert status(world).status_code == "ProvisioningState/succeeded"
    assert "Successfully started Key Vault extension service" in status(world).message


def test_without_access_it_retries_and_fails_after_25_tries(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.put(
        f"{world.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-none", {"location": "westeurope"}
    )
    sent = provision(world, identity)
    world.pass_time(minutes=5)
    assert status(world).status_code == "ProvisioningState/transitioning"
    assert "retrying... " in status(world).message
    assert "403" in status(world).message
    operation = world.wait(sent)
    assert operation.error["code"] == "VMExtensionProvisioningError"
    assert status(world).level == "failed"


def test_without_initial_sync_it_succeeds_whatever_it_can_fetch(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.put(
        f"{world.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-none", {"location": "westeurope"}
    )
    operation = world.wait(provision(world, identity, management={"requireInitialSync": False}))
    assert operation.status == "Succeeded"


def test_several_identities_and_none_named_is_an_error_of_the_token_service(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    identity = world.give_identity()
    second = world.put(
        f"{world.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-2", {"location": "westeurope"}
    )
    body = world.provisioned(world.scale_set_ids[0], identity)
    body["identity"]["userAssignedIdentities"][second["id"]] = {}
    extension = body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][1]
    del extension["properties"]["settings"]["authenticationSettings"]
    world.send(world.scale_set_ids[0], body)
    world.pass_time(minutes=2)
    assert "Multiple user assigned identities exist" in status(world).message


def test_a_firewalled_vault_lets_vm_secrets_pass_but_not_the_extension(made_world: MakeWorld) -> None:
    world = made_world("firewalled-vault")
    assert world.cluster.healthy, "the certificate came as a vm secret, past the firewall"
    provision(world)
    world.pass_time(minutes=2)
    assert "Forbidden" in status(world).message
    vault = world.get(world.facts["vault_id"])
    subnet = f"{world.group}/providers/Microsoft.Network/virtualNetworks/sf-demo-vnet/subnets/nt0-subnet"
    vault["properties"]["networkAcls"]["virtualNetworkRules"] = [{"id": subnet}]
    world.put(world.facts["vault_id"], vault)
    world.pass_time(minutes=10)
    assert status(world).level == "succeeded"


def test_a_disabled_newest_version_is_an_error_and_nothing_older_is_taken(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    new = world.vaults.renew_now(world.facts["vault_url"], world.facts["certificate_name"])
    world.vaults.disable(world.facts["vault_url"], world.facts["certificate_name"], new.version)
    provision(world)
    world.pass_time(minutes=2)
    assert "SecretDisabled" in status(world).message


def test_a_new_version_reaches_every_node_and_the_old_one_stays_in_the_store(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.migrate()
    new = world.vaults.renew_now(world.facts["vault_url"], world.facts["certificate_name"])
    world.pass_time(minutes=20)
    assert world.presented() == {world.facts["thumbprint"]}, "no node looks at once"
    world.pass_time(hours=2, minutes=5)
    assert world.presented() == {new.thumbprint}
    for node in world.cluster.nodes.values():
        assert {held.thumbprint for _, held in node.store.all()} == {world.facts["thumbprint"], new.thumbprint}
    assert world.cluster.healthy
    assert world.azure.journal.refusals == []
    assert status(world).at > world.azure.clock.now - timedelta(hours=1)


def test_version_4_installs_nothing_that_ends_in_no_trusted_root(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    management = {"requireInitialSync": None, "linkOnRenewal": None, "pollingIntervalInS": None}
    provision(world, typeHandlerVersion="4.0", management=management)
    world.pass_time(minutes=2)
    assert "does not end in a trusted root" in status(world).message
    world.azure.switches["trusted-roots"] = [world.facts["root_thumbprint"]]
    world.pass_time(minutes=20)
    assert status(world).level == "succeeded"


def test_without_sequencing_a_new_machine_does_not_find_its_certificate(made_world: MakeWorld) -> None:
    """Reference 7, rows 5 and 6: the node extension does not wait by itself."""
    world = made_world("one-node-type")
    world.migrate()
    body = world.get(world.scale_set_ids[0])
    extensions = body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
    del extensions[0]["properties"]["provisionAfterExtensions"]
    body["sku"]["capacity"] = 6
    operation = world.wait(world.send(world.scale_set_ids[0], body))
    assert operation.status == "Failed"
    assert "Cannot find certificate with 'FindBySubjectName'" in operation.error["message"]


def test_with_sequencing_a_new_machine_joins(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.migrate()
    body = world.get(world.scale_set_ids[0])
    body["sku"]["capacity"] = 6
    world.put(world.scale_set_ids[0], body)
    world.pass_time(minutes=10)
    assert len(world.cluster.nodes) == 6
    assert world.cluster.healthy
