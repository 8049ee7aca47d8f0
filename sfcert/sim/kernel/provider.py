"""Who answers for a resource type? The seam between ARM's front door and each simulated resource provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.operations import Operation


@dataclass(slots=True)
class Answer:
    """What a provider says to a write or an action.

    `body` is the resource as it now reads (None for an empty answer); `operation` is set when work goes on after the
    answer, and the front door then adds the polling headers. `created` tells 201 from 200. `status` overrides what the
    front door would choose (204 for a cancel, 202 for a what-if); `headers` are sent as they stand.
    """

    body: Any
    operation: Operation | None = None
    created: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Caller:
    """Who asks: the Entra object id behind the token and the application id, for access checks."""

    object_id: str
    app_id: str
    name: str


class Provider(Protocol):
    """A resource provider. A provider may also offer `preview(rid, api_version, body) -> body`: what a GET would return
    after such a PUT, with nothing changed; the deployments' what-if asks it, and merges by itself where it is absent.
    It may offer `looked_at(rid)` too: the front door calls it before a client's own GET, so that in the tempo `auto`
    waiting by reading lets time pass. And `check_name(name)`, where names are unique in the world: the answer to
    `checkNameAvailability`.

    Methods raise `AzureFailure`; those that it does not know answer 404 or 405 by themselves.

    `types` are the resource types (any case) that it serves, children included. Bodies are plain JSON values; a
    provider never keeps or returns the caller's own object (copy at the border).
    """

    types: tuple[str, ...]

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]: ...

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]: ...

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer: ...

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer: ...

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer: ...

    def action(
        self,
        rid: ResourceId,
        action: str,
        method: str,
        api_version: str,
        body: Any,
        query: dict[str, str],
        caller: Caller,
    ) -> Answer:
        """Anything below a resource that is not itself a stored resource: `…/manualupgrade`, `…/instanceView`."""
        ...
