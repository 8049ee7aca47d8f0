"""What does `listKeys` answer for a resource that nothing here serves? Keys in the shape of its service, of no use.

They come from the resource's id, so that they differ between accounts and stay the same over time; nothing here can be
opened with them. Both a template's `listKeys()` and a POST of that action are answered from here.

Source: the list operations of Microsoft.Storage 2023-01-01 and 2015-05-01-preview, Microsoft.OperationalInsights
2022-10-01, Microsoft.EventHub and Microsoft.ServiceBus 2021-11-01, Microsoft.DocumentDB 2023-04-15 as their published
models describe them. Assumed: a type that is not named here answers as a storage account does.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from sfcert.sim.kernel.ids import ResourceId

#: Before that version, storage named its two keys in the answer itself.
_STORAGE_LISTS_KEYS = "2015-06-15"


def keys_of(rid: ResourceId, api_version: str) -> dict[str, Any]:
    """The answer of `listKeys` on a resource that exists."""
    first, second = _key(rid, 1), _key(rid, 2)
    match rid.type.lower():
        case "microsoft.operationalinsights/workspaces":
            return {"primarySharedKey": first, "secondarySharedKey": second}
        case "microsoft.documentdb/databaseaccounts":
            return {
                "primaryMasterKey": first,
                "secondaryMasterKey": second,
                "primaryReadonlyMasterKey": _key(rid, 3),
                "secondaryReadonlyMasterKey": _key(rid, 4),
            }
        case kind if kind.startswith(("microsoft.eventhub/", "microsoft.servicebus/")):
            address = f"Endpoint=sb://{rid.names[0].lower()}.servicebus.windows.net/;SharedAccessKeyName={rid.name}"
            return {
                "primaryConnectionString": f"{address};SharedAccessKey={first}",
                "secondaryConnectionString": f"{address};SharedAccessKey={second}",
                "primaryKey": first,
                "secondaryKey": second,
                "keyName": rid.name,
            }
        case "microsoft.storage/storageaccounts" if api_version < _STORAGE_LISTS_KEYS:
            return {"key1": first, "key2": second}
    return {
        "keys": [
            {"keyName": f"key{number}", "value": value, "permissions": "FULL"}
            for number, value in enumerate((first, second), 1)
        ]
    }


def _key(rid: ResourceId, number: int) -> str:
    """64 bytes in base 64, as a storage account's key."""
    return base64.b64encode(hashlib.sha512(f"{rid.key} {number}".encode()).digest()).decode()
