"""Whatever operators do and whatever goes wrong, the simulated world keeps its own laws."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.nodes.switches import OPTIONS, SWITCHES
from sfcert.sim.servicefabric.rest import answer
from sfcert.sim.worlds import WORLDS, snapshot

STEPS = 25
CLUSTER_STATES = {
    "WaitingForNodes",
    "Deploying",
    "UpdatingUserCertificate",
    "UpdatingUserConfiguration",
    "UpgradeServiceUnreachable",
    "Ready",
}


class Hands:
    """An operator who does anything at any time."""

    def __init__(self, world: Any, dice: random.Random) -> None:
        self.world, self.dice = world, dice
        self.identity: dict[str, Any] | None = None
        self.operations: list[Any] = []

    def step(self) -> None:
        deeds = (
            self.provision,
            self.convert,
            self.go_back,
            self.renew,
            self.scale,
            self.reimage,
            self.restart,
            self.arm,
            self.disarm,
            self.drop_secrets,
            self.bring_up,
            self.to_name_on_machines,
        )
        try:
            answered = self.dice.choice(deeds)()
        except AzureFailure:
            return
        if answered is not None and answered.operation is not None:
            self.operations.append(answered.operation)

    def some_scale_set(self) -> str:
        return str(self.dice.choice(self.world.scale_set_ids))

    def provision(self) -> Any:
        self.identity = self.identity or self.world.give_identity()
        scale_set_id = self.some_scale_set()
        version = self.dice.choice(["1.0", "3.0", "4.0"])
        return self.world.send(
            scale_set_id, self.world.provisioned(scale_set_id, self.identity, typeHandlerVersion=version)
        )

    def convert(self) -> Any:
        pins = self.dice.choice([None, "", self.world.facts["other_issuer_thumbprint"]])
        return self.world.to_common_name(pins)

    def go_back(self) -> Any:
        body = self.world.get(self.world.facts["cluster_id"])
        body["properties"].pop("certificateCommonNames", None)
        body["properties"]["certificate"] = {"thumbprint": self.world.facts["thumbprint"], "x509StoreName": "My"}
        return self.world.send(self.world.facts["cluster_id"], body)

    def renew(self) -> None:
        authority = self.dice.choice([None, self.world.facts["other_issuer"]])
        self.world.vaults.renew_now(
            self.world.facts["vault_url"], self.world.facts["certificate_name"], authority=authority
        )

    def scale(self) -> Any:
        scale_set_id = self.some_scale_set()
        body = self.world.get(scale_set_id)
        body["sku"]["capacity"] = self.dice.randint(1, 7)
        return self.world.send(scale_set_id, body)

    def reimage(self) -> Any:
        return self.world.act(self.some_scale_set(), "reimage", {"instanceIds": [str(self.dice.randint(0, 4))]})

    def restart(self) -> Any:
        return self.world.act(self.some_scale_set(), "restart", {"instanceIds": [str(self.dice.randint(0, 4))]})

    def bring_up(self) -> Any:
        return self.world.act(self.some_scale_set(), "manualupgrade", {"instanceIds": ["*"]})

    def arm(self) -> None:
        name = self.dice.choice(sorted(SWITCHES))
        options = {"domain": "1", "instance": "1", "reading": "single", "node": "_nt0_1", "seconds": 90000}
        taken = OPTIONS.get(name, {})
        self.world.azure.faults.arm(name, {key: value for key, value in options.items() if key in taken})

    def disarm(self) -> None:
        self.world.azure.faults.disarm(self.dice.choice(sorted(SWITCHES)))

    def drop_secrets(self) -> Any:
        scale_set_id = self.some_scale_set()
        body = self.world.get(scale_set_id)
        body["properties"]["virtualMachineProfile"]["osProfile"]["secrets"] = []
        return self.world.send(scale_set_id, body)

    def to_name_on_machines(self) -> Any:
        scale_set_id = self.some_scale_set()
        body = self.world.get(scale_set_id)
        extension = body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][0]
        extension["properties"]["settings"]["certificate"] = {
            "commonNames": [self.world.facts["common_name"]],
            "x509StoreName": "My",
        }
        return self.world.send(scale_set_id, body)


@pytest.mark.parametrize("seed", range(16))
def test_no_turmoil_breaks_the_worlds_own_laws(made_world: Callable[..., Any], seed: int) -> None:
    """Laws: a dead cluster stays dead (but where a switch says otherwise), an ended operation never changes, only
    members of one mind are up together, and every face can be read at any time."""
    dice = random.Random(seed)
    name = dice.choice(sorted(WORLDS))
    world = made_world(name)
    hands = Hands(world, dice)
    was_down = may_heal = False
    ended: dict[str, str] = {}
    for _ in range(STEPS):
        hands.step()
        world.pass_time(seconds=dice.choice([1, 60, 600, 3600, 7200]))
        cluster = world.cluster
        may_heal = may_heal or "quorum-heals" in world.azure.switches
        assert may_heal or not (was_down and not cluster.down)
        was_down = cluster.down
        for operation in hands.operations:
            assert ended.get(operation.id, operation.status) == operation.status
            if operation.done:
                ended[operation.id] = operation.status
        shown = world.get(world.facts["cluster_id"])["properties"]
        assert shown["clusterState"] in CLUSTER_STATES
        assert shown["provisioningState"] in {"Updating", "Succeeded", "Failed"}
        up = [node for node in cluster.nodes.values() if node.in_ring]
        if "sessions-outlive" not in world.azure.switches and "implicit-peer-trust" not in world.azure.switches:
            cluster.settle()
            up = [node for node in cluster.nodes.values() if node.in_ring]
            assert all(cluster.refusal_between(a, b) is None for a in up for b in up if a is not b)
        for path in ("/Nodes", "/$/GetClusterHealth", "/$/GetUpgradeProgress", "/$/GetClusterManifest"):
            assert answer(world.azure, cluster, path, {})
        for scale_set_id in world.scale_set_ids:
            assert "adminPassword" not in str(world.get(scale_set_id))
    assert "PRIVATE KEY" not in str(snapshot(world.azure))
