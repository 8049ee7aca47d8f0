"""What is one machine of a scale set? Its place, its certificate stores, the model applied to it, its extensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sfcert.sim.nodes.store import Store

if TYPE_CHECKING:
    from sfcert.sim.compute.application import Application

UPDATE_DOMAINS = 5


@dataclass(slots=True)
class ExtensionState:
    """What an extension last said. `level` is succeeded, failed, transitioning or updating; `properties` are the merged
    ones that it was started with (protected settings included, never shown)."""

    name: str
    properties: Mapping[str, Any]
    level: str
    message: str
    at: datetime
    code: int = 0

    @property
    def publisher(self) -> str:
        return str(self.properties.get("publisher", ""))

    @property
    def type(self) -> str:
        return str(self.properties.get("type", ""))

    @property
    def version(self) -> str:
        return str(self.properties.get("typeHandlerVersion", ""))

    @property
    def status_code(self) -> str:
        """The code as an instance view shows it; a failure carries its number."""
        return f"ProvisioningState/failed/{self.code}" if self.level == "failed" else f"ProvisioningState/{self.level}"


@dataclass(slots=True, eq=False)
class Machine:
    """One instance. `applied` is the whole model that it last took (identity and profile); `applied_version` says which
    one, so that `latestModelApplied` is a comparison."""

    scale_set_id: str
    index: int
    name: str
    computer_name: str
    ip_address: str
    vm_id: str
    created_at: datetime
    zone: str | None = None
    store: Store = field(default_factory=Store)
    applied: dict[str, Any] = field(default_factory=dict)
    applied_version: int = 0
    provisioning: str = "Creating"
    running: bool = False
    deleted: bool = False
    error: dict[str, Any] | None = None
    extensions: dict[str, ExtensionState] = field(default_factory=dict)
    application: Application | None = None
    placed: tuple[int, int] | None = None

    @property
    def instance_id(self) -> str:
        return str(self.index)

    @property
    def upgrade_domain(self) -> int:
        """Where the platform put it; by turns unless `placed` says otherwise (update domain, fault domain)."""
        return self.placed[0] if self.placed is not None else self.index % UPDATE_DOMAINS

    @property
    def fault_domain(self) -> int:
        return self.placed[1] if self.placed is not None else self.index % UPDATE_DOMAINS

    @property
    def subnet_id(self) -> str | None:
        """The subnet of the first network interface: where its packets to a vault come from."""
        profile = self.applied.get("virtualMachineProfile") or {}
        for interface in (profile.get("networkProfile") or {}).get("networkInterfaceConfigurations") or []:
            for address in (interface.get("properties") or {}).get("ipConfigurations") or []:
                subnet = (address.get("properties") or {}).get("subnet") or {}
                if subnet.get("id"):
                    return str(subnet["id"])
        return None

    @property
    def identity(self) -> Mapping[str, Any]:
        return self.applied.get("identity") or {}


class Report(Protocol):
    """How an extension says how it fares; may be called any number of times, also long after it was started."""

    def __call__(self, level: str, message: str, code: int = 0) -> None: ...


class Handler(Protocol):
    """What an extension does on a machine, by publisher and type."""

    def enable(self, machine: Machine, name: str, properties: Mapping[str, Any], report: Report) -> None:
        """Start, or start anew with other settings."""
        ...

    def disable(self, machine: Machine) -> None:
        """Stop: the extension left the model, or the machine goes away. Whatever it did to the machine stays."""
        ...

    def halted(self, machine: Machine) -> None:
        """The machine was switched off; its disk and the extension on it stay."""
        ...

    def rebooted(self, machine: Machine) -> None:
        """The machine has started again with its disk."""
        ...
