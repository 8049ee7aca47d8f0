"""When does each machine get the new model? Batches by upgrade mode and durability.

    Manual                       nobody, until asked by instance
    Automatic, Bronze            all at once
    Automatic, Silver and Gold   one upgrade domain after another, each only while the cluster is healthy and at rest
    Rolling                      batches by percentage; too many unhealthy machines end it as Faulted

Source: reference 5. Service Fabric's gate for Silver and Gold never opens by itself on a cluster that is down: the
write then waits for ever, as it does in Azure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from math import ceil
from typing import Any

from sfcert.sim.compute.application import Application
from sfcert.sim.compute.machine import Machine
from sfcert.sim.compute.model import durability_of, extensions_of, seconds_of
from sfcert.sim.compute.scale_sets import ScaleSet, ScaleSets
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters

GATE_LOOK_S = 60
CREATE_S = 90


class Rollout:
    """One change on its way to machines. `ended(error)` is called once."""

    def __init__(
        self,
        azure: Azure,
        scale_sets: ScaleSets,
        scale_set: ScaleSet,
        batches: list[list[Machine]],
        *,
        gate: Cluster | None,
        policy: Mapping[str, Any] | None,
        ended: Callable[[dict[str, Any] | None], None],
    ) -> None:
        self._azure, self._scale_sets, self._scale_set = azure, scale_sets, scale_set
        self._batches = [batch for batch in batches if batch]
        self._gate, self.policy, self._ended = gate, policy, ended
        self._open: set[str] = set()
        self._over = False
        self._gate_asked = False
        self.started_at: datetime = azure.clock.now
        self.ended_at: datetime | None = None
        self.succeeded: list[str] = []
        self.failed: dict[str, dict[str, Any]] = {}
        self.total = sum(len(batch) for batch in self._batches)
        self.fault: dict[str, Any] | None = None

    @property
    def code(self) -> str:
        """The status of a rolling upgrade, as ARM names it."""
        if self.ended_at is None:
            return "RollingForward"
        return "Faulted" if self.fault is not None else "Completed"

    @property
    def in_progress(self) -> int:
        return len(self._open)

    def start(self) -> None:
        self._next_batch()

    def supersede(self) -> None:
        """A newer write takes over what is left."""
        self._over = True

    def _next_batch(self) -> None:
        if self._over:
            return
        if not self._batches:
            self._end()
            return
        if self._gate is not None and not self._gate.calm:
            self._azure.clock.after(GATE_LOOK_S, self._next_batch, f"gate of {self._scale_set.name}")
            return
        batch = [machine for machine in self._batches.pop(0) if not machine.deleted]
        self._open = {machine.instance_id for machine in batch}
        if not batch:
            self._next_batch()
        for machine in batch:
            self.apply(machine)

    def apply(self, machine: Machine) -> None:
        """Bring one machine to the model that stands now."""
        fresh = not machine.applied
        Application(
            self._azure,
            self._scale_sets,
            machine,
            self._scale_set.model,
            self._scale_set.version,
            self._done,
        ).start(CREATE_S if fresh else 0)

    def _done(self, machine: Machine, error: dict[str, Any] | None) -> None:
        self._open.discard(machine.instance_id)
        if error is None:
            self.succeeded.append(machine.instance_id)
        else:
            self.failed[machine.instance_id] = error
        if self._over or self._open:
            return
        if self.policy is not None:
            share = 100 * len(self.failed) / max(self.total, 1)
            if share > float(self.policy.get("maxUnhealthyUpgradedInstancePercent", 20)):
                self.fault = next(iter(self.failed.values()))
                self._batches = []
            pause_s = seconds_of(self.policy.get("pauseTimeBetweenBatches"), 0)
            self._azure.clock.after(pause_s, self._next_batch, f"batch of {self._scale_set.name}")
            return
        if self.failed and self._gate is not None:
            self._batches = []
        self._next_batch()

    def _end(self) -> None:
        self._over = True
        self.ended_at = self._azure.clock.now
        if self._scale_set.rollout is self:
            self._scale_set.rollout, self._scale_set.last_rollout = None, self
        self._ended(next(iter(self.failed.values())) if self.failed else None)


def mode_of(body: Mapping[str, Any]) -> str:
    """The upgrade mode; scale sets made without one are Manual, as the vendor's SDK says."""
    policy = (body.get("properties") or {}).get("upgradePolicy") or {}
    return str(policy.get("mode") or "Manual")


def cluster_of(clusters: Clusters, body: Mapping[str, Any]) -> Cluster | None:
    """The cluster that this scale set's node extension dials."""
    for extension in extensions_of(body):
        settings = (extension.get("properties") or {}).get("settings") or {}
        if settings.get("clusterEndpoint"):
            return clusters.by_endpoint(str(settings["clusterEndpoint"]))
    return None


def gate_of(clusters: Clusters, body: Mapping[str, Any]) -> Cluster | None:
    """The cluster that has to approve work on these machines, or None where nobody has."""
    if durability_of(body) == "bronze":
        return None
    cluster = cluster_of(clusters, body)
    # Nobody can approve before there is a cluster: the machines that make it are not held back.
    return cluster if cluster is not None and cluster.formed else None


def batches_for(body: Mapping[str, Any], machines: list[Machine], gate: Cluster | None) -> list[list[Machine]]:
    """The machines in the order in which the mode takes them."""
    mode = mode_of(body).lower()
    if mode == "rolling":
        policy = ((body.get("properties") or {}).get("upgradePolicy") or {}).get("rollingUpgradePolicy") or {}
        size = max(1, ceil(len(machines) * float(policy.get("maxBatchInstancePercent", 20)) / 100))
        return [machines[start : start + size] for start in range(0, len(machines), size)]
    if gate is not None:
        domains = sorted({machine.upgrade_domain for machine in machines})
        return [[machine for machine in machines if machine.upgrade_domain == domain] for domain in domains]
    return [machines]
