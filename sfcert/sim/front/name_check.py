"""May a new resource have this name? `POST …/providers/NAMESPACE/checkNameAvailability`.

Names that are part of a host name are unique in the world, so the question is put to the subscription, not to a group.
A provider that can say so offers `check_name(name)`. Source: azure-mgmt-keyvault 14.1.0 (`check_name_availability`);
the action's name from the vendor's list of Key Vault permissions.
"""

from __future__ import annotations

import re

from sfcert.sim.front.access import check_access
from sfcert.sim.front.exchange import Reply, Request
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.provider import Caller

_PATH = re.compile(
    r"(?P<scope>/subscriptions/[^/]+)/providers/(?P<namespace>[^/]+)/checkNameAvailability/?", re.IGNORECASE
)


def answer_name_check(azure: Azure, request: Request, caller: Caller) -> Reply | None:
    """The provider's word on a name; None where the request asks for something else, or nobody can say.

    Raises:
        AzureFailure: 403 without permission; 400 BadRequest for a body without a name or with a type of another
            namespace.
    """
    found = _PATH.fullmatch(request.path) if request.method == "POST" else None
    if found is None:
        return None
    namespace = found["namespace"]
    check_access(azure, caller, f"{namespace}/checkNameAvailability/read", found["scope"])
    body = request.body if isinstance(request.body, dict) else {}
    name, kind = body.get("name"), body.get("type")
    if not isinstance(name, str) or not isinstance(kind, str) or _namespace(kind) != namespace.lower():
        raise AzureFailure(
            400, "BadRequest", f"A name and a type of {namespace} are required to check whether a name is available."
        )
    check_name = getattr(azure.provider_of(kind), "check_name", None)
    return Reply(200, check_name(name)) if check_name is not None else None


def _namespace(resource_type: str) -> str:
    return resource_type.partition("/")[0].lower()
