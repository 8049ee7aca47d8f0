"""Which scale sets run, with which machines? The service "compute": machines by scale set, handlers, what they touch.

Leaves out ARM (see `compute.provider`) and when a machine gets its model (see `compute.rollout`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sfcert.sim.compute.machine import Handler, Machine, Report
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.servicefabric.clusters import Clusters

if TYPE_CHECKING:
    from sfcert.sim.compute.rollout import Rollout

PLAIN_EXTENSION_S = 20


@dataclass(slots=True, eq=False)
class ScaleSet:
    """One scale set at run time. `version` grows with each change of what machines are made from."""

    id: str
    network: int
    unique_id: str
    machines: dict[str, Machine] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    next_index: int = 0
    rollout: Rollout | None = None
    last_rollout: Rollout | None = None

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]

    def is_current(self, machine: Machine) -> bool:
        """`latestModelApplied`."""
        return machine.applied_version == self.version

    def behind(self) -> list[Machine]:
        """Machines that another write would have to touch: not current, or not provisioned rightly."""
        return [m for m in self.machines.values() if not self.is_current(m) or m.provisioning == "Failed"]


class PlainHandler:
    """Any extension that the simulator does not model: it says that it succeeded."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def enable(self, machine: Machine, name: str, properties: Mapping[str, Any], report: Report) -> None:
        report("transitioning", "Enabling plugin.")
        self._azure.clock.after(
            PLAIN_EXTENSION_S, lambda: report("succeeded", "Plugin enabled."), f"{name} on {machine.name}"
        )

    def disable(self, machine: Machine) -> None:
        return None

    def halted(self, machine: Machine) -> None:
        return None

    def rebooted(self, machine: Machine) -> None:
        return None


class ScaleSets:
    """All scale sets of one embedded Azure, by resource id without regard to case."""

    def __init__(self, azure: Azure, clusters: Clusters) -> None:
        self._azure = azure
        self._clusters = clusters
        self._by_key: dict[str, ScaleSet] = {}
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._plain = PlainHandler(azure)
        self._networks = 0

    def add_handler(self, publisher: str, extension_type: str, handler: Handler) -> None:
        self._handlers[publisher.lower(), extension_type.lower()] = handler

    def handler_of(self, properties: Mapping[str, Any]) -> Handler:
        key = (str(properties.get("publisher", "")).lower(), str(properties.get("type", "")).lower())
        return self._handlers.get(key, self._plain)

    def get(self, resource_id: str) -> ScaleSet | None:
        return self._by_key.get(resource_id.rstrip("/").lower())

    def all(self) -> Iterator[ScaleSet]:
        return iter(list(self._by_key.values()))

    def open(self, resource_id: str) -> ScaleSet:
        """A scale set with no machines yet; each has a subnet of its own."""
        self._networks += 1
        scale_set = ScaleSet(resource_id, self._networks - 1, self._azure.new_guid())
        self._by_key[resource_id.lower()] = scale_set
        return scale_set

    def new_machine(self, scale_set: ScaleSet, index: int | None = None) -> Machine:
        """One more machine, named as Service Fabric names its nodes."""
        number = scale_set.next_index if index is None else index
        scale_set.next_index = max(scale_set.next_index, number + 1)
        machine = Machine(
            scale_set_id=scale_set.id,
            index=number,
            name=f"{scale_set.name}_{number}",
            computer_name=f"{scale_set.name[:9]}{number:06d}",
            ip_address=f"10.0.{scale_set.network}.{number + 4}",
            vm_id=self._azure.new_guid(),
            created_at=self._azure.clock.now,
        )
        scale_set.machines[machine.instance_id] = machine
        return machine

    def remove_machine(self, scale_set: ScaleSet, machine: Machine) -> None:
        """The machine is deleted for good; its node leaves the cluster."""
        scale_set.machines.pop(machine.instance_id, None)
        self._stop(machine)
        machine.deleted = True
        found = self._clusters.of_node_at(machine.scale_set_id, machine.instance_id)
        if found is not None:
            found[0].leave(found[1])

    def wipe(self, machine: Machine) -> None:
        """Re-image: the disk is the image's again. Certificates, keys and extensions are gone."""
        self._stop(machine)
        machine.extensions.clear()
        machine.store.clear()
        machine.applied = {}
        machine.applied_version = 0
        machine.running = False
        found = self._clusters.of_node_at(machine.scale_set_id, machine.instance_id)
        if found is not None:
            found[0].halt(found[1])

    def halt(self, machine: Machine) -> None:
        """Stopped: the node is down, nothing runs in the guest, the disk stays."""
        machine.running = False
        for state in machine.extensions.values():
            self.handler_of(state.properties).halted(machine)
        found = self._clusters.of_node_at(machine.scale_set_id, machine.instance_id)
        if found is not None:
            found[0].halt(found[1])

    def reboot(self, machine: Machine) -> None:
        """Restart with the disk kept: extensions begin again, the node forgets its sessions."""
        machine.running = True
        found = self._clusters.of_node_at(machine.scale_set_id, machine.instance_id)
        if found is not None:
            found[0].halt(found[1])
            found[0].restart(found[1])
        for state in list(machine.extensions.values()):
            self.handler_of(state.properties).rebooted(machine)

    def store_changed(self, machine: Machine) -> None:
        """Tell the node on this machine, if there is one."""
        found = self._clusters.of_node_at(machine.scale_set_id, machine.instance_id)
        if found is not None:
            found[0].store_changed(found[1])

    def close(self, resource_id: str) -> None:
        scale_set = self._by_key.pop(resource_id.lower(), None)
        if scale_set is not None:
            if scale_set.rollout is not None:
                scale_set.rollout.supersede()
            for machine in list(scale_set.machines.values()):
                self.remove_machine(scale_set, machine)

    def _stop(self, machine: Machine) -> None:
        if machine.application is not None:
            machine.application.supersede()
        for state in machine.extensions.values():
            self.handler_of(state.properties).disable(machine)
