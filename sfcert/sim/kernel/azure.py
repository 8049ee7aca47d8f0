"""Where does it all hang together? One embedded Azure: its time, seed, resources, operations, providers, journal.

Services reach one another only through here: a deployment writes a cluster by `azure.provider_of(type).put(...)`, the
vault's access check asks `azure.service("authorization")`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sfcert.sim.kernel.clock import VirtualClock
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.faults import Faults
from sfcert.sim.kernel.journal import Journal
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.kernel.provider import Provider
from sfcert.sim.kernel.resources import Resources

T = TypeVar("T")


class Azure:
    """One tenant with its subscriptions. `seed` decides every choice that the world leaves open; it is printed."""

    def __init__(self, *, start: datetime, seed: int, tenant_id: str, subscription_id: str) -> None:
        self.clock = VirtualClock(start.astimezone(UTC))
        self.seed = seed
        self.random = random.Random(seed)
        self.tenant_id = tenant_id
        self.subscription_id = subscription_id
        self.resources = Resources()
        self.operations: dict[str, Operation] = {}
        self.journal = Journal()
        self.switches: dict[str, Any] = {}
        self.faults = Faults(self.switches, self.clock)
        self._providers: dict[str, Provider] = {}
        self._services: dict[str, Any] = {}

    # -- identity of things -------------------------------------------------------------------------------------------

    def new_guid(self) -> str:
        """A GUID from the seed, so that a world can be made again."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    # -- providers and services ---------------------------------------------------------------------------------------

    def register(self, provider: Provider) -> None:
        for resource_type in provider.types:
            self._providers[resource_type.lower()] = provider

    def provider_of(self, resource_type: str) -> Provider | None:
        """Who serves this type, or None (the front door then keeps the resource as an opaque body)."""
        return self._providers.get(resource_type.lower())

    def add_service(self, name: str, service: Any) -> None:
        self._services[name] = service

    def service(self, name: str, kind: type[T]) -> T:
        service = self._services[name]
        assert isinstance(service, kind)
        return service

    def find_service(self, name: str) -> Any:
        """The service of that name by its agreed face, or None where this Azure was built without it."""
        return self._services.get(name)

    def describe_services(self) -> dict[str, Any]:
        """What each service that offers `status()` says of itself: plain JSON values, by service name."""
        return {name: service.status() for name, service in self._services.items() if hasattr(service, "status")}

    def provider_types(self) -> list[str]:
        """Every registered resource type as its provider spells it, sorted."""
        return sorted({spelled for provider in self._providers.values() for spelled in provider.types})

    # -- long operations ----------------------------------------------------------------------------------------------

    def start_operation(self, subject: str) -> Operation:
        operation = Operation(self.new_guid(), subject, self.clock.now)
        self.operations[operation.id] = operation
        return operation

    def finish_after(self, operation: Operation, seconds: float, effect: Callable[[], Any], name: str) -> None:
        """Run `effect` after virtual `seconds` and end the operation by it: its value is the result, an
        `AzureFailure` makes it Failed with that error."""

        def end() -> None:
            try:
                result = effect()
            except AzureFailure as failure:
                operation.finish(self.clock.now, "Failed", error=failure.error())
            else:
                operation.finish(self.clock.now, "Succeeded", result=result)

        self.clock.after(seconds, end, name)

    def record_write(self, what: str, subject: str, **more: Any) -> None:
        """Every change of state that a client asked for, once each: the crash tests count these."""
        self.journal.writes.append({"at": self.clock.now.isoformat(), "what": what, "subject": subject, **more})
