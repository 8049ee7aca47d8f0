"""Which part of a list is answered? Filters, pages, and the order in which things come.

Clients that rely on an order, or on one page, break under the fault `shuffled-lists`.
"""

from __future__ import annotations

import random
import re
from typing import Any
from urllib.parse import quote, urlencode

from sfcert.sim.front.exchange import Request
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.strikes import Door

_PAGE = 1000
_SHUFFLED_PAGE = 2
_TERM = re.compile(r"^\s*(resourceType|name|resourceGroup|location)\s+(eq|ne)\s+'((?:[^']|'')*)'\s*$", re.IGNORECASE)


def filter_resources(bodies: list[dict[str, Any]], expression: str | None) -> list[dict[str, Any]]:
    """Those that `$filter` keeps: `resourceType eq 'x'`, `name eq 'y'`, `resourceGroup eq 'z'`, joined by `and`.

    Raises:
        AzureFailure: 400 `InvalidFilterInQueryString` for what is not understood.
    """
    if not expression:
        return bodies
    kept = bodies
    for term in re.split(r"\s+and\s+", expression, flags=re.IGNORECASE):
        match = _TERM.match(term.strip().strip("()"))
        if match is None:
            raise AzureFailure(
                400, "InvalidFilterInQueryString", f"Invalid $filter '{expression}' in the query string."
            )
        field, operator, wanted = match[1].lower(), match[2].lower(), match[3].replace("''", "'").lower()
        kept = [body for body in kept if (_field(body, field) == wanted) == (operator == "eq")]
    return kept


def _field(body: dict[str, Any], field: str) -> str:
    if field == "resourcetype":
        return str(body.get("type", "")).lower()
    if field == "resourcegroup":
        parts = str(body.get("id", "")).lower().split("/")
        return parts[parts.index("resourcegroups") + 1] if "resourcegroups" in parts else ""
    return str(body.get(field, "")).lower()


def is_shuffled(azure: Azure, door: Door) -> bool:
    """Whether lists of this door are shuffled now."""
    options: dict[str, Any] | None = azure.switches.get("shuffled-lists")
    return options is not None and str(options.get("door", door)) == door


def shuffled_list(azure: Azure, path: str, items: list[Any]) -> list[Any]:
    """The items in a random order; by the path, so that the pages of one list fit together."""
    ordered = list(items)
    random.Random(f"{azure.seed} {path.lower()}").shuffle(ordered)
    return ordered


def shuffled_page(azure: Azure) -> int:
    """How many items a page of a shuffled list has."""
    return max(1, int(azure.switches["shuffled-lists"].get("page", _SHUFFLED_PAGE)))


def page_of(azure: Azure, request: Request, bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """One page, `{"value": […]}` with `nextLink` where there is more."""
    shuffled = is_shuffled(azure, "arm")
    ordered = list(bodies)
    if shuffled:
        ordered = shuffled_list(azure, request.path, ordered)
    size = shuffled_page(azure) if shuffled else _PAGE
    top = request.query.get("$top", "")
    if top.isdigit() and int(top) > 0:
        size = min(size, int(top))
    token = request.query.get("$skiptoken", "")
    start = int(token) if token.isdigit() else 0
    page: dict[str, Any] = {"value": ordered[start : start + size]}
    if start + size < len(ordered):
        query = {**request.query, "$skiptoken": str(start + size)}
        page["nextLink"] = f"{request.base}{quote(request.path)}?{urlencode(query)}"
    return page
