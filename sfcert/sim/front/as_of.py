"""What did an api-version know of a resource? A body without the properties that came later than the version asked for.

A provider answers in the words of the version; a client of an older one never sees what it could not know. Only what
this world shows is listed. Source: the published definitions of each version, compared by `make contract`; a property
counts from the first version whose definition has it.
"""

from __future__ import annotations

import copy
from typing import Any

_EXTENSION = ("enableAutomaticUpgrade",)
_SCALE_SET = "microsoft.compute/virtualmachinescalesets"
_PEOPLE = ("createdOn", "updatedOn", "createdBy", "updatedBy")
Path = tuple[str, ...]


def _all(prefix: Path, names: tuple[str, ...], since: str) -> dict[Path, str]:
    return {(*prefix, name): since for name in names}


#: Resource type -> place (`*` for each element) -> the first version that has it.
_SINCE: dict[str, dict[Path, str]] = {
    "microsoft.servicefabric/clusters": {
        ("etag",): "2019-03-01",
        ("properties", "addOnFeatures"): "2018-02-01",
    },
    _SCALE_SET: {
        ("etag",): "2023-09-01",
        ("identity",): "2016-03-30",
        ("identity", "userAssignedIdentities"): "2018-06-01",
        ("properties", "timeCreated"): "2021-11-01",
        **_all(("properties",), ("overprovision", "singlePlacementGroup", "uniqueId"), "2017-03-30"),
        ("properties", "virtualMachineProfile", "storageProfile", "osDisk", "managedDisk"): "2017-03-30",
        **_all(
            ("properties", "virtualMachineProfile", "extensionProfile", "extensions", "*", "properties"),
            _EXTENSION,
            "2020-06-01",
        ),
    },
    f"{_SCALE_SET}/virtualmachines": {
        ("properties", "timeCreated"): "2023-07-01",
        ("properties", "vmId"): "2016-03-30",
        ("properties", "instanceView", "computerName"): "2022-11-01",
        **_all(("properties",), ("modelDefinitionApplied", "networkProfileConfiguration"), "2019-03-01"),
        **_all(("resources", "*", "properties"), _EXTENSION, "2020-06-01"),
    },
    f"{_SCALE_SET}/virtualmachines/instanceview": {("computerName",): "2022-11-01"},
    f"{_SCALE_SET}/extensions": {
        ("type",): "2019-07-01",
        **_all(("properties",), _EXTENSION, "2020-06-01"),
    },
    "microsoft.keyvault/vaults": {
        ("properties", "publicNetworkAccess"): "2021-06-01",
        **_all(
            ("properties",),
            ("enableRbacAuthorization", "provisioningState", "softDeleteRetentionInDays"),
            "2019-09-01",
        ),
    },
    "microsoft.resources/deployments": {
        ("type",): "2018-05-01",
        ("properties", "duration"): "2019-05-01",
        **_all(("properties",), ("outputResources", "templateHash"), "2019-10-01"),
    },
    "microsoft.resources/deployments/operations": {("properties", "provisioningOperation"): "2019-10-01"},
    "microsoft.authorization/roleassignments": {
        **_all(("properties",), _PEOPLE, "2020-04-01"),
        **_all(
            ("properties",),
            ("condition", "conditionVersion", "delegatedManagedIdentityResourceId", "description"),
            "2020-04-01",
        ),
    },
    "microsoft.authorization/roledefinitions": _all(("properties",), _PEOPLE, "2022-04-01"),
}


def as_of(resource_type: str, api_version: str, body: Any) -> Any:
    """`body` as that version shows it: itself where nothing in it is newer, else a copy without what is."""
    places = _SINCE.get(resource_type.lower())
    asked = api_version[:10]
    if places is None or not isinstance(body, dict) or not asked[:4].isdigit():
        return body
    newer = [place for place, since in places.items() if asked < since]
    if not newer:
        return body
    shown = copy.deepcopy(body)
    for place in newer:
        _remove(shown, place)
    return shown


def _remove(value: Any, place: Path) -> None:
    first, rest = place[0], place[1:]
    if first == "*":
        for part in value if isinstance(value, list) else ():
            _remove(part, rest)
    elif isinstance(value, dict) and first in value:
        if rest:
            _remove(value[first], rest)
        else:
            del value[first]
