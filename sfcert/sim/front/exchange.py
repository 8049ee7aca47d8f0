"""What is asked and what is answered? One request and one reply, free of any HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sfcert.sim.kernel.failure import AzureFailure


@dataclass(slots=True)
class Request:
    """One call of Resource Manager.

    `base` is scheme and host as the client addressed them, without a trailing slash; links in answers begin with it.
    `query` and `headers` have lower-case names. `body` is parsed JSON, or None where there was none.
    """

    method: str
    path: str
    base: str = "https://management.azure.com"
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def host(self) -> str:
        return self.base.split("://", 1)[-1]

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")


@dataclass(slots=True)
class Reply:
    """The answer. `body` None means no content. `reset` tells the server to close the connection without a word;
    `delay_s` is wall time, for a slow answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    delay_s: float = 0.0


def reply_to_failure(failure: AzureFailure) -> Reply:
    """The vendor's error envelope."""
    return Reply(failure.status, failure.envelope(), dict(failure.headers))
