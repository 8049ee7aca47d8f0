"""What is one call of the data plane? Its parts, its answer, paging; free of any HTTP library."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sfcert.sim.kernel.resources import Resource
from sfcert.sim.keyvault.access import Visitor
from sfcert.sim.keyvault.bodies import Bodies
from sfcert.sim.keyvault.failures import bad_parameter
from sfcert.sim.keyvault.state import VaultContent

PAGE = 25


@dataclass(slots=True)
class Call:
    """One request that was let in. `base` is scheme and host as the client wrote them; `names` are the path's."""

    method: str
    path: str
    base: str
    query: dict[str, str]
    body: dict[str, Any]
    names: dict[str, str]
    vault: Resource
    content: VaultContent
    visitor: Visitor
    bodies: Bodies
    #: Under `shuffled-lists`: how a list is mixed, and how long its pages are at most.
    mix: Callable[[list[Any]], list[Any]] | None = None
    longest_page: int = PAGE

    def attribute(self, name: str) -> Any:
        attributes = self.body.get("attributes")
        return attributes.get(name) if isinstance(attributes, dict) else None

    @property
    def tags(self) -> dict[str, str] | None:
        tags = self.body.get("tags")
        return {str(key): str(value) for key, value in tags.items()} if isinstance(tags, dict) else None


@dataclass(slots=True)
class VaultReply:
    """The answer; `body` None means no content. `reset`: the connection is closed without a word; `delay_s` is wall
    time, for a slow answer."""

    status: int
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    delay_s: float = 0.0


def page(call: Call, items: Sequence[dict[str, Any]]) -> VaultReply:
    """One page of a list, with the link to the next one.

    Raises:
        VaultFailure: 400 for a page size outside 1 to 25 or a token that is not ours.
    """
    try:
        size = int(call.query.get("maxresults", PAGE))
        token = call.query.get("$skiptoken", "")
        start = int(base64.urlsafe_b64decode(token).decode("ascii").removeprefix("at:")) if token else 0
    except (ValueError, binascii.Error) as error:
        raise bad_parameter("The parameter maxresults or $skiptoken has an invalid value.") from error
    if not 1 <= size <= PAGE:
        raise bad_parameter(f"The parameter maxresults must be between 1 and {PAGE}.")
    size = min(size, call.longest_page)
    items = items if call.mix is None else call.mix(list(items))
    link = None
    if start + size < len(items):
        token = base64.urlsafe_b64encode(f"at:{start + size}".encode()).decode("ascii")
        query = {**call.query, "maxresults": call.query.get("maxresults", str(PAGE)), "$skiptoken": token}
        link = f"{call.base}{call.path}?{urlencode(query, safe='$')}"
    return VaultReply(200, {"value": list(items[start : start + size]), "nextLink": link})
