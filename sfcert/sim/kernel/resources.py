"""What exists? Resources by id, as bodies that were written, with the api-version and an etag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sfcert.sim.kernel.ids import ResourceId, parse_id


@dataclass(slots=True)
class Resource:
    """One resource. `body` is what a GET returns; providers alone change it. `hidden` holds what a GET never shows
    (write-only properties such as `adminPassword` and `protectedSettings`), keyed as the provider likes."""

    id: ResourceId
    api_version: str
    body: dict[str, Any]
    hidden: dict[str, Any] = field(default_factory=dict)
    etag: int = 1


class Resources:
    """All resources of the embedded Azure, addressed without regard to case, listed in order of creation."""

    def __init__(self) -> None:
        self._by_key: dict[str, Resource] = {}

    def get(self, resource_id: str) -> Resource | None:
        return self._by_key.get(resource_id.rstrip("/").lower())

    def put(self, resource_id: str, api_version: str, body: dict[str, Any]) -> Resource:
        """Keep `body`, replacing what stood there (its `hidden` part is kept). Returns the resource."""
        rid = parse_id(resource_id)
        known = self._by_key.get(rid.key)
        if known is None:
            known = self._by_key[rid.key] = Resource(rid, api_version, body)
        else:
            known.api_version, known.body, known.etag = api_version, body, known.etag + 1
        return known

    def remove(self, resource_id: str) -> Resource | None:
        return self._by_key.pop(resource_id.rstrip("/").lower(), None)

    def all(self) -> Iterator[Resource]:
        return iter(list(self._by_key.values()))

    def of_type(self, resource_type: str) -> Iterator[Resource]:
        wanted = resource_type.lower()
        return (resource for resource in self.all() if resource.id.type.lower() == wanted)

    def under(self, scope: str) -> Iterator[Resource]:
        """Every resource whose id begins with `scope` (a subscription, a group, a parent), itself left out."""
        prefix = scope.rstrip("/").lower() + "/"
        return (resource for resource in self.all() if resource.id.key.startswith(prefix))
