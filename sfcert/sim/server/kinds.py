"""What sort of request was it? Method and path with the names replaced, so that calls can be counted."""

from __future__ import annotations

import re

_GUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", re.IGNORECASE)
_VERSION = re.compile(r"^[0-9a-f]{32}$", re.IGNORECASE)


def kind_of(method: str, host: str, path: str) -> str:
    """The sort, such as `PUT …/Microsoft.ServiceFabric/clusters/{}`.

    Vault calls read `GET vault/certificates/{}`, sign-ins `POST login/{}/oauth2/v2.0/token`.
    """
    parts = [part for part in path.split("/") if part]
    if ".vault.azure.net" in host:
        return f"{method} vault/{'/'.join(_vault_part(index, part) for index, part in enumerate(parts))}"
    if host.startswith("graph."):
        return f"{method} graph/{'/'.join('{}' if _GUID.match(part) else part for part in parts)}"
    lowered = [part.lower() for part in parts]
    if lowered[-2:-1] and lowered[-2] in {"operationstatuses", "operationresults"}:
        return f"{method} …/{parts[-2]}/{{}}"
    if "providers" in lowered:
        at = len(lowered) - 1 - lowered[::-1].index("providers")
        tail = parts[at + 1 :]
        shown = [part if index == 0 or index % 2 == 1 else "{}" for index, part in enumerate(tail)]
        return f"{method} …/{'/'.join(shown)}"
    if lowered[:1] and (lowered[0] in {"subscriptions", "tenants", "metadata"}):
        shown = [part if index % 2 == 0 else "{}" for index, part in enumerate(parts)]
        return f"{method} /{'/'.join(shown)}"
    return f"{method} login/{'/'.join('{}' if _GUID.match(part) else part for part in parts)}"


def _vault_part(index: int, part: str) -> str:
    if index == 0 or part.lower() in {"policy", "pending", "versions", "contacts", "issuers", "merge"}:
        return part
    return "{}" if index == 1 or _VERSION.match(part) else part
