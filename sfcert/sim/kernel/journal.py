"""What was asked, and what went wrong between nodes? The simulator's own record, which tests and people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

#: In whose name a witness is told what a node's own REST answered: nodes have addresses, not names.
FABRIC_HOST = "fabric.example"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was answered. `kind` is method and path with names replaced, such as `PUT …/clusters/{}`."""

    at: datetime
    method: str
    host: str
    path: str
    kind: str
    status: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, whole: they hold secrets, so nobody but a witness ever sees one."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    response_headers: Mapping[str, str]
    response_body: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """One connection that a node refused: who called, who refused, what was shown, and the rule that it broke."""

    at: datetime
    cluster: str
    caller: str
    refuser: str
    thumbprint: str
    reason: str


@dataclass(slots=True)
class Journal:
    """Append-only. `writes` counts what changed state by subject, so that nothing sent twice goes unseen.

    `witness` is told every exchange of every world of the process; without one, the default, bodies are not kept. The
    checks against the vendor's definitions listen here.
    """

    witness: ClassVar[Callable[[Exchange], None] | None] = None

    requests: list[Request] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    writes: list[dict[str, Any]] = field(default_factory=list)
    notes: list[tuple[datetime, str]] = field(default_factory=list)

    def by_kind(self) -> dict[str, int]:
        return dict(sorted(Counter(request.kind for request in self.requests).items()))
