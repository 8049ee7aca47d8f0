"""What is omitted, empty or null in a body that is written: for scale sets, clusters and vaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sim.truth.wire import Wire, extensions_of

WorldOf = Callable[..., Wire]
Edit = Callable[[dict[str, Any]], Any]


def profile(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["properties"]["virtualMachineProfile"]
    return found


def model(world: Wire) -> dict[str, Any]:
    """What machines are really made from, write-only values included: the simulator's own."""
    found: dict[str, Any] = world.running.call(lambda azure: azure.find_service("compute").get(world.scale_set).model)
    return found["virtualMachineProfile"]


def put(world: Wire, edit: Edit) -> dict[str, Any]:
    assert world.done("PUT", world.scale_set, world.edited(world.scale_set, edit)) == "Succeeded"
    shown: dict[str, Any] = world.get(world.scale_set)
    return shown


def test_write_only_values_are_never_shown_and_stay_when_they_are_left_out(world_of: WorldOf) -> None:
    world = world_of()
    shown = put(world, lambda body: body.update(tags={"touched": "yes"}))
    assert "adminPassword" not in str(shown)
    assert "protectedSettings" not in str(shown)
    assert model(world)["osProfile"]["adminPassword"]
    assert extensions_of({"properties": {"virtualMachineProfile": model(world)}})[0]["properties"]["protectedSettings"]


@pytest.mark.parametrize("empty", [{}, None, ""], ids=["object", "null", "text"])
def test_empty_clears_what_is_write_only(world_of: WorldOf, empty: Any) -> None:
    world = world_of()
    put(world, lambda body: extensions_of(body)[0]["properties"].update(protectedSettings=empty))
    left = extensions_of({"properties": {"virtualMachineProfile": model(world)}})[0]["properties"]
    assert "protectedSettings" not in left


@pytest.mark.parametrize("gone", ["omitted", "null", "empty"])
def test_vm_secrets_that_are_omitted_null_or_empty_are_gone_from_the_model(world_of: WorldOf, gone: str) -> None:
    world = world_of()

    def edit(body: dict[str, Any]) -> None:
        if gone == "omitted":
            del profile(body)["osProfile"]["secrets"]
        else:
            profile(body)["osProfile"]["secrets"] = None if gone == "null" else []

    shown = put(world, edit)
    assert profile(shown)["osProfile"].get("secrets", []) == []
    assert "null" not in str(shown)
    assert world.facts["thumbprint"] in world.store("_nt0_0"), "and stay on the machines"


def test_a_null_is_never_read_back(world_of: WorldOf) -> None:
    world = world_of()

    def edit(body: dict[str, Any]) -> None:
        body["plan"] = None
        profile(body)["licenseType"] = None
        profile(body)["diagnosticsProfile"] = {"bootDiagnostics": {"enabled": True, "storageUri": None}}
        extensions_of(body)[0]["properties"]["settings"]["mine"] = None

    shown = put(world, edit)
    assert "plan" not in shown
    assert "licenseType" not in profile(shown)
    assert profile(shown)["diagnosticsProfile"] == {"bootDiagnostics": {"enabled": True}}
    assert extensions_of(shown)[0]["properties"]["settings"]["mine"] is None, "settings are their handler's alone"


def test_a_put_without_sku_scales_nothing_and_a_patch_keeps_what_it_does_not_name(world_of: WorldOf) -> None:
    world = world_of()
    shown = put(world, lambda body: body.pop("sku"))
    assert shown["sku"]["capacity"] == 5
    before = shown["properties"]["virtualMachineProfile"]
    assert world.done("PATCH", world.scale_set, {"tags": {"a": "b"}}) == "Succeeded"
    assert world.get(world.scale_set)["properties"]["virtualMachineProfile"] == before


def test_a_put_replaces_the_identities_and_a_patch_merges_them(world_of: WorldOf) -> None:
    world = world_of()
    one, two = world.identity("id-1"), world.identity("id-2")

    def assigned() -> set[str]:
        found = world.get(world.scale_set).get("identity") or {}
        return {text.rsplit("/", 1)[1] for text in found.get("userAssignedIdentities") or {}}

    def by(method: str, **identities: Any) -> None:
        given = {one["id"] if name == "one" else two["id"]: value for name, value in identities.items()}
        body = {"identity": {"type": "UserAssigned", "userAssignedIdentities": given}}
        if method == "PUT":
            body = {**world.get(world.scale_set), **body}
        assert world.done(method, world.scale_set, body) == "Succeeded"

    by("PUT", one={})
    by("PATCH", two={})
    assert assigned() == {"id-1", "id-2"}
    by("PATCH", one=None)
    assert assigned() == {"id-2"}
    by("PUT", one={})
    assert assigned() == {"id-1"}
    shown = world.get(world.scale_set)["identity"]["userAssignedIdentities"]
    assert {value["clientId"] for value in shown.values()} == {one["properties"]["clientId"]}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_identity_of_type_none_takes_all_of_them_away(world_of: WorldOf, method: str) -> None:
    world = world_of("system-identity")
    body = {"identity": {"type": "None"}}
    whole = {**world.get(world.scale_set), **body} if method == "PUT" else body
    assert world.done(method, world.scale_set, whole) == "Succeeded"
    assert "identity" not in world.get(world.scale_set)


def test_a_put_without_identity_takes_the_identities_away(world_of: WorldOf) -> None:
    world = world_of("system-identity")
    assert world.get(world.scale_set)["identity"]["type"] == "SystemAssigned"
    assert "identity" not in put(world, lambda body: body.pop("identity"))


def test_a_cluster_s_put_replaces_and_its_patch_takes_properties_as_a_whole(world_of: WorldOf) -> None:
    world = world_of()

    def settings(body: dict[str, Any]) -> None:
        body["properties"].pop("fabricSettings")
        body["properties"]["certificate"]["thumbprintSecondary"] = None
        body["properties"]["reverseProxyCertificate"] = None

    assert world.done("PUT", world.cluster_id, world.edited(world.cluster_id, settings)) == "Succeeded"
    shown = world.get(world.cluster_id)["properties"]
    assert "fabricSettings" not in shown
    assert "reverseProxyCertificate" not in shown
    assert shown["certificate"] == {"thumbprint": world.facts["thumbprint"], "x509StoreName": "My"}
    one = {"name": "Hosting", "parameters": [{"name": "A", "value": "1"}]}
    order = {"properties": {"fabricSettings": [one], "managementEndpoint": "https://elsewhere:19080"}}
    assert world.done("PATCH", world.cluster_id, order) == "Succeeded"
    after = world.get(world.cluster_id)["properties"]
    assert (after["fabricSettings"], after["managementEndpoint"]) == ([one], shown["managementEndpoint"])
    assert world.done("PATCH", world.cluster_id, {"properties": {"certificate": None}}) == "Succeeded"
    assert world.get(world.cluster_id)["properties"]["certificate"] == shown["certificate"]


def test_a_vault_s_put_keeps_the_model_of_access_and_a_patch_changes_what_it_names(world_of: WorldOf) -> None:
    world = world_of("rbac-vault")
    put_back = world.edited(world.vault_id, lambda body: body["properties"].pop("enableRbacAuthorization"))
    assert world.ask("PUT", world.vault_id, put_back).ok
    assert world.get(world.vault_id)["properties"]["enableRbacAuthorization"] is True
    assert world.ask("PATCH", world.vault_id, {"properties": {"enabledForDiskEncryption": True}}).ok
    after = world.get(world.vault_id)["properties"]
    assert (after["enabledForDiskEncryption"], after["enabledForDeployment"]) == (True, True)
