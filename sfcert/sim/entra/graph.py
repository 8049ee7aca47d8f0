"""Which principal is this id? The two questions that az asks Microsoft Graph when it shows or makes role assignments.

Knows the tenant's applications and its managed identities. Everything else of Graph is refused as not found.

Source: Microsoft Graph v1.0, `directoryObject: getByIds` and `List servicePrincipals`.
"""

from __future__ import annotations

import re
from typing import Any

from sfcert.sim.entra.entra import Entra
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure

GRAPH_HOST = "graph.microsoft.com"
_IDENTITY_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
_BY_NAME = re.compile(
    r"servicePrincipalNames/any\(\s*c:\s*c eq '([^']*)'\s*\)|(appId|id|displayName) eq '([^']*)'", re.I
)


def answer_graph(azure: Azure, method: str, path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
    """The answer to one call.

    Raises:
        AzureFailure: 404 in Graph's own words for anything but the two questions, or an id that nobody has.
    """
    match (method, path.rstrip("/").lower().split("/")[2:]):
        case ("POST", ["directoryobjects", "getbyids"]):
            wanted = {str(one).lower() for one in (body or {}).get("ids", [])}
            return {"value": [one for one in _principals(azure) if one["id"].lower() in wanted]}
        case ("GET", ["serviceprincipals"]):
            return {"value": _filtered(_principals(azure), query.get("$filter", ""))}
        case ("GET", ["serviceprincipals" | "directoryobjects", object_id]):
            for one in _principals(azure):
                if one["id"].lower() == object_id:
                    return one
    raise AzureFailure(404, "Request_ResourceNotFound", f"Resource '{path.rsplit('/', 1)[-1]}' does not exist.")


def _filtered(principals: list[dict[str, Any]], condition: str) -> list[dict[str, Any]]:
    found = _BY_NAME.search(condition)
    if found is None:
        return principals
    wanted = (found[1] or found[3] or "").lower()
    if found[1] is not None:
        return [one for one in principals if wanted in [name.lower() for name in one["servicePrincipalNames"]]]
    field = {"appid": "appId", "id": "id", "displayname": "displayName"}[found[2].lower()]
    return [one for one in principals if str(one[field]).lower() == wanted]


def _principals(azure: Azure) -> list[dict[str, Any]]:
    found = [
        _shown(application.object_id, application.app_id, application.name, "Application")
        for application in azure.service("entra", Entra).applications()
    ]
    for resource in azure.resources.of_type(_IDENTITY_TYPE):
        properties = resource.body.get("properties", {})
        found.append(
            _shown(
                str(properties.get("principalId", "")),
                str(properties.get("clientId", "")),
                resource.id.name,
                "ManagedIdentity",
            )
        )
    return found


def _shown(object_id: str, app_id: str, name: str, kind: str) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": object_id,
        "appId": app_id,
        "displayName": name,
        "servicePrincipalType": kind,
        "servicePrincipalNames": [app_id],
    }
