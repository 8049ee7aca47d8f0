"""How a scale set's model reaches its machines: by mode, past the durability gate, within the time budget, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sim.truth.wire import Wire, extensions_of

WorldOf = Callable[..., Wire]
NODE = "ServiceFabricNodeVmExt_nt0"


def with_extension(world: Wire) -> dict[str, Any]:
    identity = world.identity("id-nodes")
    return world.provisioned(world.extension(client_id=identity["properties"]["clientId"]), identity)


def current(world: Wire) -> list[bool]:
    return [one["properties"]["latestModelApplied"] for one in world.machines()]


def at_work(world: Wire) -> list[str]:
    return [one["instanceId"] for one in world.machines() if one["properties"]["provisioningState"] == "Updating"]


def watched(world: Wire, body: dict[str, Any]) -> tuple[str, set[tuple[str, ...]]]:
    """Send a model and look every ten seconds: how it ended, and which machines were ever at work together."""
    sent = world.ask("PUT", world.scale_set, body)
    assert sent.ok, sent.text
    together: set[tuple[str, ...]] = set()
    for _ in range(2000):
        state = world.get(world.scale_set)["properties"]["provisioningState"]
        together.add(tuple(at_work(world)))
        if state != "Updating":
            return state, together - {()}
        world.running.advance(10)
    raise AssertionError("the write never ended")


def test_automatic_takes_all_machines_at_once(world_of: WorldOf) -> None:
    world = world_of()
    state, together = watched(world, with_extension(world))
    assert (state, set(current(world))) == ("Succeeded", {True})
    assert ("0", "1", "2", "3", "4") in together


def test_manual_touches_nobody_until_asked_and_then_only_whom_it_is_asked_for(world_of: WorldOf) -> None:
    world = world_of("manual-mode")
    assert world.done("PUT", world.scale_set, with_extension(world)) == "Succeeded"
    world.pass_time(days=1)
    assert current(world) == [False] * 5
    assert world.said("KVVM") == ("", "")
    assert world.done("POST", f"{world.scale_set}/manualupgrade", {"instanceIds": ["0", "3"]}) == "Succeeded"
    assert current(world) == [True, False, False, True, False]
    status, code, _ = world.refused("POST", f"{world.scale_set}/manualupgrade", {"instanceIds": ["77"]})
    assert (status, code) == (400, "InvalidParameter")
    assert world.done("PATCH", world.scale_set, {"sku": {"capacity": 6}}) == "Succeeded"
    assert current(world)[5], "a new machine is made from the model that stands"


def test_rolling_goes_batch_by_batch_and_tells_how_far_it_is(world_of: WorldOf) -> None:
    world = world_of("rolling-mode")
    body = with_extension(world)
    body["properties"]["upgradePolicy"]["rollingUpgradePolicy"] = {"maxBatchInstancePercent": 40}
    state, together = watched(world, body)
    assert state == "Succeeded"
    assert max(len(one) for one in together) == 2
    latest = world.get(f"{world.scale_set}/rollingUpgrades/latest")["properties"]
    assert latest["runningStatus"]["code"] == "Completed"
    assert latest["progress"]["successfulInstanceCount"] == 5


def test_rolling_stops_when_too_many_machines_fail(world_of: WorldOf) -> None:
    world = world_of("rolling-mode")
    world.fault("extension-fails", scale_set="nt0")
    body = with_extension(world)
    body["properties"]["upgradePolicy"]["rollingUpgradePolicy"] = {"maxUnhealthyUpgradedInstancePercent": 20}
    state, _ = watched(world, body)
    latest = world.get(f"{world.scale_set}/rollingUpgrades/latest")["properties"]
    assert (state, latest["runningStatus"]["code"]) == ("Failed", "Faulted")
    assert latest["progress"]["pendingInstanceCount"] > 0
    assert latest["error"]["code"] == "VMExtensionProvisioningError"


@pytest.mark.parametrize("durability", ["silver", "gold"])
def test_from_silver_on_one_domain_follows_another_and_only_while_the_cluster_is_at_rest(
    world_of: WorldOf, durability: str
) -> None:
    world = world_of(durability)
    body = with_extension(world)
    setting = {"name": "Hosting", "parameters": [{"name": "A", "value": "1"}]}
    upgrade = world.edited(world.cluster_id, lambda one: one["properties"]["fabricSettings"].append(setting))
    assert world.ask("PUT", world.cluster_id, upgrade).ok
    assert world.ask("PUT", world.scale_set, body).ok
    while world.get(world.cluster_id)["properties"]["clusterState"] != "Ready":
        assert current(world) == [False] * 5
        world.pass_time(minutes=2)
    together = set()
    while world.get(world.scale_set)["properties"]["provisioningState"] == "Updating":
        together.add(len(at_work(world)))
        world.running.advance(20)
    assert (max(together), set(current(world))) == (1, {True})


def test_from_silver_on_nothing_moves_on_a_cluster_that_is_down(world_of: WorldOf) -> None:
    world = world_of("silver")
    body = with_extension(world)
    world.done("POST", f"{world.scale_set}/deallocate", {"instanceIds": ["0", "1", "2"]})
    assert world.get(world.cluster_id)["properties"]["clusterState"] == "UpgradeServiceUnreachable"
    assert world.ask("PUT", world.scale_set, body).ok
    world.pass_time(days=3)
    assert world.get(world.scale_set)["properties"]["provisioningState"] == "Updating"
    assert current(world) == [False] * 5


@pytest.mark.parametrize(("capacity", "updates", "words"), [(4, False, "at least 5"), (5, True, "to be false")])
def test_silver_needs_five_machines_and_no_automatic_updates(
    world_of: WorldOf, capacity: int, updates: bool, words: str
) -> None:
    world = world_of()

    def silver(body: dict[str, Any]) -> None:
        extensions_of(body)[0]["properties"]["settings"]["durabilityLevel"] = "Silver"
        body["sku"]["capacity"] = capacity
        windows = body["properties"]["virtualMachineProfile"]["osProfile"].setdefault("windowsConfiguration", {})
        windows["enableAutomaticUpdates"] = updates

    status, _, message = world.refused("PUT", world.scale_set, world.edited(world.scale_set, silver))
    assert (status, words in message) == (400, True)


def test_what_is_silver_does_not_become_bronze_again(world_of: WorldOf) -> None:
    world = world_of("silver")

    def bronze(body: dict[str, Any]) -> None:
        extensions_of(body)[0]["properties"]["settings"]["durabilityLevel"] = "Bronze"

    status, _, message = world.refused("PUT", world.scale_set, world.edited(world.scale_set, bronze))
    assert (status, "cannot be lowered to Bronze" in message) == (400, True)


@pytest.mark.parametrize(("budget", "minutes"), [("PT20M", 20), ("PT1H30M", 90), (None, 90)])
def test_a_sync_that_never_succeeds_ends_with_the_time_budget(
    world_of: WorldOf, budget: str | None, minutes: int
) -> None:
    """Without any identity the extension goes on trying: 25 times in 25 minutes, and longer where pauses are longer."""
    world = world_of()
    body = world.provisioned(world.extension())
    extensions_of(body)[0]["properties"]["provisionAfterExtensions"] = ["KVVM"]
    if budget is not None:
        body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensionsTimeBudget"] = budget
    began = world.running.call(lambda azure: azure.clock.now)
    sent = world.ask("PUT", world.scale_set, body)
    assert world.end_of(sent) == "Failed"
    took = (world.running.call(lambda azure: azure.clock.now) - began).total_seconds() / 60
    if minutes < 25:
        assert world.error["code"] == "VMExtensionProvisioningTimeout"
        assert minutes <= took < minutes + 2
    else:
        assert world.error["code"] == "VMExtensionProvisioningError", "the 25 tries end before the budget does"
        assert took < minutes
    assert world.said(NODE)[0] == "", "what waits for it has not been started"


@pytest.mark.parametrize("budget", ["PT14M", "PT2H1M", "an hour", "P1D"])
def test_a_time_budget_out_of_bounds_is_refused(world_of: WorldOf, budget: str) -> None:
    world = world_of()

    def wrong(body: dict[str, Any]) -> None:
        body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensionsTimeBudget"] = budget

    status, code, message = world.refused("PUT", world.scale_set, world.edited(world.scale_set, wrong))
    assert (status, code) == (400, "InvalidParameter")
    assert "extensionsTimeBudget" in message


def test_the_order_of_extensions_is_checked_before_anything_is_touched(world_of: WorldOf) -> None:
    world = world_of()

    def refusal(edit: Callable[[list[dict[str, Any]]], Any]) -> tuple[str, str]:
        body = world.edited(world.scale_set, lambda one: edit(extensions_of(one)))
        _, code, message = world.refused("PUT", world.scale_set, body)
        return code, message

    def waits(entry: dict[str, Any], *names: str) -> None:
        entry["properties"]["provisionAfterExtensions"] = list(names)

    other = {"name": "other", "properties": {"publisher": "P", "type": "T", "typeHandlerVersion": "1.0"}}
    code, message = refusal(lambda found: waits(found[0], "KVVM"))
    assert code == "BadRequest"
    assert f"extension '{NODE}' specifies 'KVVM' in its provisionAfterExtensions property" in message
    code, message = refusal(lambda found: (found.append(other), waits(found[0], "other")))
    assert "has no settings" in message

    def circle(found: list[dict[str, Any]]) -> None:
        found.append({"name": "other", "properties": {**other["properties"], "settings": {}}})
        waits(found[0], "other")
        waits(found[1], NODE)

    assert "in a circle" in refusal(circle)[1]
    assert {one["properties"]["latestModelApplied"] for one in world.machines()} == {True}


def test_an_extension_that_another_waits_for_cannot_be_taken_away(world_of: WorldOf) -> None:
    world = world_of()
    body = with_extension(world)
    extensions_of(body)[0]["properties"]["provisionAfterExtensions"] = ["KVVM"]
    assert world.done("PUT", world.scale_set, body) == "Succeeded"
    status, code, message = world.refused("DELETE", f"{world.scale_set}/extensions/KVVM")
    assert (status, code) == (400, "BadRequest")
    assert f"the extension 'KVVM' will no longer exist. First, remove the extension '{NODE}'" in message
    free = world.edited(
        world.scale_set, lambda one: extensions_of(one)[0]["properties"].pop("provisionAfterExtensions")
    )
    assert world.done("PUT", world.scale_set, free) == "Succeeded"
    assert world.done("DELETE", f"{world.scale_set}/extensions/KVVM") == "Succeeded"
    assert world.facts["thumbprint"] in world.store("_nt0_0"), "what it brought stays"


def test_two_extensions_of_one_handler_are_refused_in_the_vendor_s_words(world_of: WorldOf) -> None:
    world = world_of()
    body = with_extension(world)
    extensions_of(body).append({**extensions_of(body)[1], "name": "KVVM2"})
    status, code, message = world.refused("PUT", world.scale_set, body)
    assert (status, code) == (400, "BadRequest")
    assert message.startswith("Multiple VMExtensions per handler not supported for OS type 'Windows'.")
