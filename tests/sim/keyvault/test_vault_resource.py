"""Vaults over ARM, without a network: defaults by api-version, sticky properties, names, access policies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sfcert.sim import authority, authorization, keyvault
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Answer, Caller
from sfcert.sim.keyvault.control import VaultProvider

GROUP = "/subscriptions/s/resourceGroups/rg"
ID = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv1"
ME = Caller("o", "a", "n")


class Arm:
    def __init__(self) -> None:
        self.azure = Azure(start=datetime(2026, 11, 22, tzinfo=UTC), seed=1, tenant_id="t", subscription_id="s")
        for service in (authority, authorization, keyvault):
            service.install(self.azure)
        provider = self.azure.provider_of("Microsoft.KeyVault/vaults")
        assert isinstance(provider, VaultProvider)
        self.provider = provider

    def put(self, text: str = ID, api: str = "2026-05-15", location: str = "westeurope", **properties: Any) -> Answer:
        body = {"location": location, "properties": {"tenantId": "t", "sku": {"name": "standard"}, **properties}}
        return self.provider.put(parse_id(text), api, body, ME)

    def policies(self, verb: str, *entries: dict[str, Any]) -> list[dict[str, Any]]:
        body = {"properties": {"accessPolicies": list(entries)}}
        answer = self.provider.put(parse_id(f"{ID}/accessPolicies/{verb}"), "2026-05-15", body, ME)
        return list(answer.body["properties"]["accessPolicies"])

    def refusal(self, call: Any) -> tuple[int, str]:
        with pytest.raises(AzureFailure) as caught:
            call()
        return caught.value.status, caught.value.code


def entry(who: str = "me", **permissions: list[str]) -> dict[str, Any]:
    return {"tenantId": "t", "objectId": who, "permissions": permissions}


@pytest.mark.parametrize(("api", "uses_roles"), [("2023-07-01", False), ("2026-02-01", True), ("2026-05-15", True)])
def test_the_model_of_a_new_vault_follows_the_version_that_made_it(api: str, uses_roles: bool) -> None:
    assert Arm().put(api=api).body["properties"]["enableRbacAuthorization"] is uses_roles


def test_leaving_out_the_model_never_flips_it_and_naming_it_does() -> None:
    arm = Arm()
    arm.put(api="2023-07-01")
    assert arm.put(api="2026-05-15").body["properties"]["enableRbacAuthorization"] is False
    assert arm.put(enableRbacAuthorization=True).body["properties"]["enableRbacAuthorization"] is True
    assert arm.put(api="2023-07-01").body["properties"]["enableRbacAuthorization"] is True


def test_a_preview_is_what_a_write_then_gives_and_changes_nothing() -> None:
    arm = Arm()
    body = {"location": "westeurope", "properties": {"tenantId": "t", "sku": {"name": "standard"}, "x": 1}}
    preview = arm.provider.preview(parse_id(ID), "2026-05-15", body)
    assert arm.azure.resources.get(ID) is None
    assert arm.provider.put(parse_id(ID), "2026-05-15", body, ME).body == preview


@pytest.mark.parametrize("name", ["1kv", "kv", "k--v", "kv-", "a" * 25, "kv_1"])
def test_names_that_a_host_cannot_have_are_refused(name: str) -> None:
    arm = Arm()
    text = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}"
    assert arm.refusal(lambda: arm.put(text)) == (400, "VaultNameNotValid")


def test_a_name_is_taken_in_every_group() -> None:
    arm = Arm()
    arm.put()
    other = ID.replace("/rg/", "/rg2/")
    assert arm.refusal(lambda: arm.put(other)) == (409, "VaultAlreadyExists")
    assert arm.provider.check_name("KV1")["reason"] == "AlreadyExists"
    assert arm.provider.check_name("free-1") == {"nameAvailable": True}


def test_a_vault_does_not_move() -> None:
    arm = Arm()
    arm.put()
    assert arm.refusal(lambda: arm.put(location="northeurope")) == (409, "InvalidResourceLocation")
    assert arm.put(location="West Europe").created is False


def test_adding_unites_replacing_sets_and_removing_takes_away() -> None:
    arm = Arm()
    arm.put(api="2023-07-01")
    arm.policies("add", entry(secrets=["get"]), entry("other", keys=["get"]))
    assert arm.policies("add", entry("ME", secrets=["Get", "list"]))[0]["permissions"] == {"secrets": ["get", "list"]}
    assert arm.policies("replace", entry(certificates=["get"]))[0]["permissions"] == {"certificates": ["get"]}
    assert [one["objectId"] for one in arm.policies("remove", entry(certificates=["GET"]))] == ["other"]


def test_another_verb_or_a_broken_entry_is_refused() -> None:
    arm = Arm()
    arm.put()
    assert arm.refusal(lambda: arm.policies("set", entry())) == (400, "BadRequest")
    assert arm.refusal(lambda: arm.policies("add", {"objectId": "x"})) == (400, "BadRequest")


def test_a_deleted_vault_comes_back_with_its_contents_or_goes_for_good() -> None:
    arm = Arm()
    arm.put()
    arm.provider.delete(parse_id(ID), "2026-05-15", ME)
    assert arm.refusal(arm.put) == (409, "ConflictError")
    assert arm.put(createMode="recover").body["properties"]["vaultUri"] == "https://kv1.vault.azure.net/"
    arm.provider.delete(parse_id(ID), "2026-05-15", ME)
    arm.azure.clock.advance(91 * 86400)
    assert arm.provider.list("/subscriptions/s", "Microsoft.KeyVault/deletedVaults", "2026-05-15", {}) == []
    assert arm.put().created is True


def test_purge_protection_stays_and_stops_a_purge() -> None:
    arm = Arm()
    arm.put(enablePurgeProtection=True)
    off = {"properties": {"enablePurgeProtection": False}}
    assert arm.refusal(lambda: arm.provider.patch(parse_id(ID), "2026-05-15", off, ME))[0] == 400
    assert arm.put(enablePurgeProtection=False).body["properties"]["enablePurgeProtection"] is True
    arm.provider.delete(parse_id(ID), "2026-05-15", ME)
    gone = parse_id("/subscriptions/s/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv1")
    status, _ = arm.refusal(lambda: arm.provider.action(gone, "purge", "POST", "2026-05-15", None, {}, ME))
    assert status == 405
