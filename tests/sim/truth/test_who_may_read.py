"""Whose token a machine gets, when a role counts, and which versions of which vault may be read from where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sim.truth.wire import SECRETS_USER, Wire, extensions_of

WorldOf = Callable[..., Wire]
SUCCEEDED = "ProvisioningState/succeeded"


def sent(world: Wire, extension: dict[str, Any], *identities: dict[str, Any]) -> None:
    answer = world.ask("PUT", world.scale_set, world.provisioned(extension, *identities))
    assert answer.ok, answer.text
    world.pass_time(minutes=2)


def inner(answer: Any) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], (error.get("innererror") or {}).get("code", "")


# -- identities --------------------------------------------------------------------------------------------------------


def test_one_identity_needs_no_name(world_of: WorldOf) -> None:
    world = world_of()
    sent(world, world.extension(), world.identity("id-1"))
    assert world.said("KVVM")[0] == SUCCEEDED


def test_of_several_identities_one_must_be_named_and_the_error_says_so(world_of: WorldOf) -> None:
    world = world_of()
    one, two = world.identity("id-1"), world.identity("id-2", let_in=False)
    sent(world, world.extension(), one, two)
    assert "Multiple user assigned identities exist, please specify the clientId / resourceId" in world.said("KVVM")[1]
    assert world.done("DELETE", f"{world.scale_set}/extensions/KVVM") == "Succeeded"
    sent(world, world.extension(client_id=one["properties"]["clientId"]), one, two)
    assert world.said("KVVM")[0] == SUCCEEDED


@pytest.mark.parametrize("which", ["principalId", "not assigned"])
def test_a_name_that_is_no_client_of_this_machine_is_not_found(world_of: WorldOf, which: str) -> None:
    world = world_of()
    one, two = world.identity("id-1"), world.identity("id-2")
    named = one["properties"]["principalId"] if which == "principalId" else two["properties"]["clientId"]
    sent(world, world.extension(client_id=named), one)
    assert "Identity not found" in world.said("KVVM")[1]


def test_a_system_identity_beside_others_has_to_be_left_out_by_name(world_of: WorldOf) -> None:
    world = world_of("system-identity")
    one = world.identity("id-1")
    extension = world.extension(client_id=one["properties"]["clientId"])
    body = world.provisioned(extension)
    body["identity"] = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {one["id"]: {}}}
    assert world.done("PUT", world.scale_set, body) == "Succeeded"
    assert world.get(world.scale_set)["identity"]["principalId"]


# -- roles -------------------------------------------------------------------------------------------------------------


def test_a_role_counts_minutes_after_it_was_given_and_after_it_was_taken_away(world_of: WorldOf) -> None:
    world = world_of("rbac-vault")
    one = world.identity("id-1", let_in=False)
    path = world.assign_role(one["properties"]["principalId"], SECRETS_USER, world.vault_id)
    sent(world, world.extension(client_id=one["properties"]["clientId"]), one)
    assert "403 ForbiddenByRbac" in world.said("KVVM")[1]
    world.pass_time(minutes=10)
    assert world.said("KVVM")[0] == SUCCEEDED, "the same extension, tried again until the role had spread"
    assert world.ask("DELETE", path).status_code == 200
    assert world.done("POST", f"{world.scale_set}/reimage", {"instanceIds": ["0"]}) == "Succeeded"
    world.pass_time(minutes=10)
    assert world.said("KVVM")[0] != SUCCEEDED


def test_a_policy_on_a_vault_that_uses_roles_is_taken_and_counts_for_nothing(world_of: WorldOf) -> None:
    world = world_of("rbac-vault")
    one = world.identity("id-1", let_in=True)
    listed = world.get(world.vault_id)["properties"]["accessPolicies"]
    assert [entry["objectId"] for entry in listed] == [one["properties"]["principalId"]]
    sent(world, world.extension(client_id=one["properties"]["clientId"]), one)
    assert "retrying... " in world.said("KVVM")[1]


# -- versions ----------------------------------------------------------------------------------------------------------


def test_a_disabled_newest_version_is_refused_and_no_older_one_is_taken(world_of: WorldOf) -> None:
    world = world_of()
    name = world.facts["certificate_name"]
    assert world.vault("POST", f"certificates/{name}/create", {}).status_code == 202
    world.pass_time(minutes=5)
    newest = world.vault("GET", f"certificates/{name}").json()["id"].rsplit("/", 1)[1]
    off = {"attributes": {"enabled": False}}
    assert world.vault("PATCH", f"certificates/{name}/{newest}", off).status_code == 200
    assert inner(world.vault("GET", f"secrets/{name}")) == (403, "Forbidden", "SecretDisabled")
    older = world.facts["certificate_url"].rsplit("/", 1)[1]
    assert world.vault("GET", f"secrets/{name}/{older}").status_code == 200
    one = world.identity("id-1")
    sent(world, world.extension(), one)
    assert "403 SecretDisabled: Operation get is not allowed on a disabled secret." in world.said("KVVM")[1]


def test_a_disabled_version_among_vm_secrets_refuses_every_later_model(world_of: WorldOf) -> None:
    world = world_of()
    name, version = world.facts["certificate_url"].rsplit("/", 2)[1:]
    off = {"attributes": {"enabled": False}}
    assert world.vault("PATCH", f"certificates/{name}/{version}", off).status_code == 200
    body = world.edited(world.scale_set, lambda one: one.update(tags={"a": "b"}))
    status, code, _ = world.refused("PUT", world.scale_set, body)
    assert (status, code) == (400, "KeyVaultAccessForbidden")


def test_a_deleted_certificate_is_gone_with_its_secret_until_it_is_recovered(world_of: WorldOf) -> None:
    world = world_of()
    name = world.facts["certificate_name"]
    assert world.vault("DELETE", f"certificates/{name}").status_code == 200
    assert inner(world.vault("GET", f"secrets/{name}"))[:2] == (404, "SecretNotFound")
    assert world.vault("GET", f"deletedcertificates/{name}").status_code == 200
    body = world.edited(world.scale_set, lambda one: one.update(tags={"a": "b"}))
    assert world.refused("PUT", world.scale_set, body)[1] == "KeyVaultSecretDoesNotExist"
    again = {"policy": {"issuer": {"name": "Self"}, "x509_props": {"subject": "CN=x"}}}
    assert world.vault("POST", f"certificates/{name}/create", again).status_code == 409
    assert world.vault("POST", f"deletedcertificates/{name}/recover").status_code == 200
    world.pass_time(minutes=1)
    assert world.vault("GET", f"secrets/{name}").status_code == 200
    assert world.done("PUT", world.scale_set, body) == "Succeeded"


# -- the vault's firewall ----------------------------------------------------------------------------------------------


def test_a_closed_vault_lets_vm_secrets_pass_but_neither_the_extension_nor_a_stranger(world_of: WorldOf) -> None:
    world = world_of("firewalled-vault")
    assert world.done("POST", f"{world.scale_set}/reimage", {"instanceIds": ["0"]}) == "Succeeded"
    world.pass_time(minutes=30)
    assert world.facts["thumbprint"] in world.store("_nt0_0"), "the deployment service is a trusted one"
    one = world.identity("id-1")
    sent(world, world.extension(), one)
    assert "403 ForbiddenByFirewall" in world.said("KVVM")[1]
    world.running.call(lambda azure: azure.switches.update(client_address="198.51.100.7"))
    assert inner(world.vault("GET", "certificates")) == (403, "Forbidden", "ForbiddenByFirewall")


def test_a_rule_for_the_machines_subnet_opens_a_closed_vault_to_the_extension(world_of: WorldOf) -> None:
    world = world_of("firewalled-vault")
    one = world.identity("id-1")
    profile = world.get(world.scale_set)["properties"]["virtualMachineProfile"]
    card = profile["networkProfile"]["networkInterfaceConfigurations"][0]["properties"]
    subnet = card["ipConfigurations"][0]["properties"]["subnet"]["id"]
    rules = world.get(world.vault_id)["properties"]["networkAcls"]
    rules["virtualNetworkRules"] = [{"id": subnet}]
    assert world.ask("PATCH", world.vault_id, {"properties": {"networkAcls": rules}}).ok
    sent(world, world.extension(), one)
    assert world.said("KVVM")[0] == SUCCEEDED


def test_without_bypass_and_with_public_access_off_even_the_platform_is_kept_out(world_of: WorldOf) -> None:
    world = world_of()
    shut = {"properties": {"networkAcls": {"bypass": "None", "defaultAction": "Deny"}}}
    assert world.ask("PATCH", world.vault_id, shut).ok
    body = world.edited(world.scale_set, lambda one: one.update(tags={"a": "b"}))
    assert world.refused("PUT", world.scale_set, body)[1] == "KeyVaultAccessForbidden"
    off = {"properties": {"publicNetworkAccess": "Disabled", "networkAcls": {"bypass": "AzureServices"}}}
    assert world.ask("PATCH", world.vault_id, off).ok
    assert inner(world.vault("GET", "certificates"))[2] == "ForbiddenByConnection"
    assert world.done("PUT", world.scale_set, body) == "Succeeded", "a trusted service passes"


def test_a_vault_that_is_not_enabled_for_deployment_gives_no_vm_secrets(world_of: WorldOf) -> None:
    world = world_of()
    assert world.ask("PATCH", world.vault_id, {"properties": {"enabledForDeployment": False}}).ok
    body = world.edited(world.scale_set, lambda one: extensions_of(one)[0]["properties"]["settings"].update(x="y"))
    status, _, message = world.refused("PUT", world.scale_set, body)
    assert (status, "has not been enabled for deployment" in message) == (400, True)
