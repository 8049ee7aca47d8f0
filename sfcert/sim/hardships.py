"""What may a rehearsal meet? Two closed sets of hardships, drawn from the seed.

`usual`: what every client of Azure meets sooner or later. `hostile` adds rare things that a plan must survive all the
same. Only what a right plan comes through is here: a world that cannot be saved (a stuck domain, an extension that
fails for good) tells nothing about a plan. Leaves out: what each fault does (see who declares it).
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from sfcert.sim.compute.scale_sets import ScaleSet, ScaleSets
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Caller
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters

#: Fault -> options, of the front door's and the nodes' closed lists.
USUAL: dict[str, dict[str, Any]] = {
    "rate-limits": {},
    "throttling": {"chance": 0.03, "retry_after": 7},
    "slow-answer": {"chance": 0.1, "delay_s": 20.0},
    "write-conflict": {"chance": 0.2, "times": 1, "match": "/deployments/"},
    "stale-read": {"chance": 0.3, "looks": 2},
}
HOSTILE: dict[str, dict[str, Any]] = {
    **USUAL,
    "server-error": {"chance": 0.02},
    "unavailable": {"chance": 0.02},
    "connection-reset": {"chance": 0.02},
    "answer-lost": {"chance": 0.15, "times": 1, "match": "/deployments/"},
    "answer-cut": {"chance": 0.15, "times": 1, "match": "/deployments/"},
    "operation-fails-late": {"chance": 0.15, "times": 1, "match": "/deployments/"},
    "shuffled-lists": {},
    "appears-late": {"chance": 0.2, "looks": 1},
    "etag-moves": {"chance": 0.1},
    "token-revoked": {"chance": 0.003},
}
#: Deeds of somebody else, at most one a stage, while every node is up.
DEEDS = ("restart", "reimage", "add")
DEED_CHANCE = 0.35
DEED_WITHIN_S = 5400.0
LONGEST_SKEW_S = 240
_SOMEBODY = Caller("00000000-0000-4000-8000-0000000e15e0", "00000000-0000-4000-8000-0000000e15e1", "somebody else")
_API_VERSION = "2024-07-01"


class Hardships:
    """What befalls one world. `told` lists it in order, in words."""

    def __init__(self, azure: Azure, cluster_id: str, kind: str, *, seed: int) -> None:
        self._azure = azure
        self._cluster_id = cluster_id
        self._kind = kind
        self._dice = random.Random(f"hardships {seed}")
        self.told: list[str] = []
        self.reading = "phases"

    def begin(self) -> None:
        """Arm the faults of this set. Which reading of the resource provider holds, the seed decides where hostile.

        From thumbprints to thumbprints that keep one, it walks in phases under either: the vendor has owners do it so
        on running clusters, and no plan could lead such a cluster on if it were not true.
        """
        faults = {"none": {}, "usual": USUAL, "hostile": HOSTILE}[self._kind]
        for name, options in faults.items():
            self._azure.faults.arm(name, copy.deepcopy(options))
        if self._kind != "hostile":
            return
        self.reading = self._dice.choice(("phases", "single"))
        told = "single-but-documented" if self.reading == "single" else self.reading
        self._azure.faults.arm("staging", {"reading": told})
        cluster = self._cluster()
        if cluster.nodes and self._dice.random() < 0.5:
            node = self._dice.choice(sorted(cluster.nodes))
            seconds = self._dice.randint(-LONGEST_SKEW_S, LONGEST_SKEW_S)
            self._azure.faults.arm("clock-skew", {"node": node, "seconds": seconds})
            self._tell(f"the clock of {node} is {abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}")

    def stage_began(self) -> None:
        """A stage begins: perhaps somebody does something to a machine while it runs."""
        if self._kind == "hostile" and self._dice.random() < DEED_CHANCE:
            deed = self._dice.choice(DEEDS)
            self._azure.clock.after(self._dice.uniform(0, DEED_WITHIN_S), lambda: self._do(deed), f"hardship {deed}")

    def _cluster(self) -> Cluster:
        cluster = self._azure.service("clusters", Clusters).get(self._cluster_id)
        assert cluster is not None, "a rehearsal has its cluster"
        return cluster

    def _do(self, deed: str) -> None:
        cluster = self._cluster()
        scale_sets = [one for one in self._azure.service("compute", ScaleSets).all() if one.machines]
        if not cluster.healthy or not scale_sets:
            # a second node at once would test luck, not the plan
            return
        scale_set = self._dice.choice(scale_sets)
        machine = self._dice.choice(list(scale_set.machines.values()))
        acts: dict[str, Callable[[], None]] = {
            "restart": lambda: self._act(scale_set, "restart", machine.instance_id),
            "reimage": lambda: self._act(scale_set, "reimage", machine.instance_id),
            "add": lambda: self._add(scale_set),
        }
        try:
            acts[deed]()
        except AzureFailure as failure:
            self._tell(f"{deed} at {scale_set.name} was refused: {failure.code}")

    def _act(self, scale_set: ScaleSet, action: str, instance: str) -> None:
        rid = parse_id(scale_set.id)
        provider = self._azure.provider_of(rid.type)
        assert provider is not None
        provider.action(rid, action, "POST", _API_VERSION, {"instanceIds": [instance]}, {}, _SOMEBODY)
        self._tell(f"{action} of instance {instance} of {scale_set.name}")

    def _add(self, scale_set: ScaleSet) -> None:
        rid = parse_id(scale_set.id)
        provider = self._azure.provider_of(rid.type)
        assert provider is not None
        capacity = int(provider.get(rid, _API_VERSION, {})["sku"]["capacity"]) + 1
        provider.patch(rid, _API_VERSION, {"sku": {"capacity": capacity}}, _SOMEBODY)
        self._tell(f"{scale_set.name} grows to {capacity}")

    def _tell(self, what: str) -> None:
        self.told.append(f"{self._azure.clock.now:%m-%d %H:%M} {what}")
