"""What do other services add to a body by themselves? The few read-only properties that cluster templates refer to.

Storage endpoints, the full name of a public address, ids of subnets, the ids of log workspaces and of Application
Insights. All else about these types is not simulated.

Source: GET answers of Microsoft.Storage 2023-01-01 and Microsoft.Network 2023-09-01 as their published models describe
them; which ones templates use, counted over public Service Fabric templates.
"""

from __future__ import annotations

import uuid
from typing import Any

from sfcert.sim.kernel.ids import ResourceId

_ENDPOINTS = ("blob", "queue", "table", "file", "dfs", "web")


def complete(rid: ResourceId, body: dict[str, Any]) -> dict[str, Any]:
    """`body` with what the service itself would add; types that are not listed here come back as they are."""
    properties = body.get("properties")
    match rid.type.lower():
        case "microsoft.storage/storageaccounts":
            return {**body, "properties": {**_dict(properties), **_storage(rid, body)}}
        case "microsoft.network/publicipaddresses":
            return {**body, "properties": _address(body, _dict(properties))}
        case "microsoft.network/virtualnetworks":
            return {**body, "properties": _network(rid, _dict(properties))}
        case "microsoft.insights/components":
            return {**body, "properties": {**_dict(properties), **_insights(rid, body)}}
        case "microsoft.operationalinsights/workspaces":
            return {**body, "properties": {**_dict(properties), **_workspace(rid)}}
    return body


def _dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _storage(rid: ResourceId, body: dict[str, Any]) -> dict[str, Any]:
    endpoints = {kind: f"https://{rid.name.lower()}.{kind}.core.windows.net/" for kind in _ENDPOINTS}
    return {
        "primaryEndpoints": endpoints,
        "primaryLocation": str(body.get("location", "")),
        "statusOfPrimary": "available",
        "provisioningState": "Succeeded",
    }


def _address(body: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    dns = _dict(properties.get("dnsSettings"))
    if isinstance(dns.get("domainNameLabel"), str):
        location = str(body.get("location", "")).replace(" ", "").lower()
        dns["fqdn"] = f"{dns['domainNameLabel'].lower()}.{location}.cloudapp.azure.com"
        properties["dnsSettings"] = dns
    # An address of the block that is reserved for documentation (RFC 5737): it must lead nowhere.
    properties["ipAddress"] = "203.0.113.10"
    properties["provisioningState"] = "Succeeded"
    return properties


def _network(rid: ResourceId, properties: dict[str, Any]) -> dict[str, Any]:
    subnets = properties.get("subnets")
    if isinstance(subnets, list):
        properties["subnets"] = [
            {**subnet, "id": f"{rid.text}/subnets/{subnet['name']}"}
            if isinstance(subnet, dict) and isinstance(subnet.get("name"), str)
            else subnet
            for subnet in subnets
        ]
    properties["provisioningState"] = "Succeeded"
    return properties


def _insights(rid: ResourceId, body: dict[str, Any]) -> dict[str, Any]:
    key = _own_id(rid, "key")
    location = str(body.get("location", "")).replace(" ", "").lower()
    return {
        "AppId": _own_id(rid, "application"),
        "ApplicationId": rid.name,
        "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint=https://{location}-1.in."
        "applicationinsights.azure.com/",
        "InstrumentationKey": key,
        "Name": rid.name,
        "provisioningState": "Succeeded",
    }


def _own_id(rid: ResourceId, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{rid.key} {what}"))


def _workspace(rid: ResourceId) -> dict[str, Any]:
    """A log workspace is known to its agents by an id of its own."""
    return {"customerId": _own_id(rid, "customer"), "provisioningState": "Succeeded"}
