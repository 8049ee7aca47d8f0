"""What is a scale set's model after a write? Write-only values apart, PUT and PATCH by their own rules.

Pure. Source: reference 5 and the write-only flags of the vendor's resource types; that omission keeps write-only values
is field practice and can be switched off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sfcert.sim.kernel.plain import copied

PROFILE_SECRETS = ("adminPassword", "customData")
READ_ONLY = ("provisioningState", "uniqueId", "timeCreated")
Hidden = dict[str, Any]
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def profile_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The virtual machine profile, an empty one where there is none."""
    found = (body.get("properties") or {}).get("virtualMachineProfile") or {}
    assert isinstance(found, dict)
    return found


def extensions_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The extensions of the model in the order written."""
    return list((profile_of(body).get("extensionProfile") or {}).get("extensions") or [])


def split(body: Mapping[str, Any]) -> tuple[dict[str, Any], Hidden]:
    """The body as a GET may show it, and its write-only values by place. The caller's object is left alone."""
    shown = copied(dict(body))
    hidden: Hidden = {}
    os_profile = profile_of(shown).get("osProfile") or {}
    for name in PROFILE_SECRETS:
        if name in os_profile:
            hidden[f"osProfile/{name}"] = os_profile.pop(name)
    if "userData" in profile_of(shown):
        hidden["profile/userData"] = profile_of(shown).pop("userData")
    for extension in extensions_of(shown):
        properties = extension.get("properties") or {}
        if "protectedSettings" in properties:
            hidden[f"extensions/{extension.get('name')}"] = properties.pop("protectedSettings")
    return shown, hidden


def kept_hidden(known: Hidden, given: Hidden, shown: Mapping[str, Any], *, omission_clears: bool) -> Hidden:
    """The write-only values after a write: given ones win, an empty one clears, an omitted one stays with its owner.

    An extension that left the model takes its protected settings with it.
    """
    names = {str(extension.get("name")) for extension in extensions_of(shown)}
    merged: Hidden = {} if omission_clears else dict(known)
    for place, value in given.items():
        if value in (None, "", {}):
            merged.pop(place, None)
        else:
            merged[place] = copied(value)
    return {
        place: value
        for place, value in merged.items()
        if not place.startswith("extensions/") or place.removeprefix("extensions/") in names
    }


def merge_patch(known: Any, patch: Any) -> Any:
    """An ARM merge: objects merge, null removes, everything else (lists too) replaces."""
    if not isinstance(known, dict) or not isinstance(patch, dict):
        return copied(patch)
    merged = dict(known)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def with_defaults(body: dict[str, Any]) -> dict[str, Any]:
    """What the service fills in where a write says nothing."""
    for name in READ_ONLY:
        (body.get("properties") or {}).pop(name, None)
    properties = body.setdefault("properties", {})
    properties.setdefault("singlePlacementGroup", True)
    properties.setdefault("overprovision", True)
    if "sku" in body:
        body["sku"].setdefault("tier", "Standard")
        body["sku"].setdefault("capacity", 0)
    return body


def machine_model(body: Mapping[str, Any], hidden: Hidden) -> dict[str, Any]:
    """What a machine is made from: the profile with its write-only values, and the identity. Capacity, tags and the
    upgrade policy are not part of it, so that changing them leaves every machine current."""
    profile = copied(profile_of(body))
    for place, value in hidden.items():
        owner, name = place.split("/", 1)
        if owner == "profile":
            profile[name] = copied(value)
        elif owner == "osProfile":
            profile.setdefault("osProfile", {})[name] = copied(value)
    for extension in (profile.get("extensionProfile") or {}).get("extensions") or []:
        value = hidden.get(f"extensions/{extension.get('name')}")
        if value is not None:
            extension.setdefault("properties", {})["protectedSettings"] = copied(value)
    return {
        "virtualMachineProfile": profile,
        "identity": _identity_of(body),
        "sku": (body.get("sku") or {}).get("name"),
        "location": body.get("location"),
    }


def _identity_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Which identities a machine has; the ids that a GET shows beside each assigned one change nothing about it."""
    identity: dict[str, Any] = copied(body.get("identity") or {})
    if identity.get("userAssignedIdentities"):
        identity["userAssignedIdentities"] = {name: {} for name in identity["userAssignedIdentities"]}
    return identity


def durability_of(body: Mapping[str, Any]) -> str:
    """The durability level that the node extension carries, lower case; `bronze` where there is none."""
    for extension in extensions_of(body):
        properties = extension.get("properties") or {}
        if str(properties.get("publisher", "")).lower() == "microsoft.azure.servicefabric":
            return str((properties.get("settings") or {}).get("durabilityLevel") or "Bronze").lower()
    return "bronze"


def secret_urls_of(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every vm secret as (address of the version, store), in the order written."""
    groups = (profile_of(body).get("osProfile") or {}).get("secrets") or []
    return [
        (str(entry.get("certificateUrl", "")), str(entry.get("certificateStore") or "My"))
        for group in groups
        for entry in group.get("vaultCertificates") or []
    ]


def seconds_of(duration: Any, default: float) -> float:
    """An ISO 8601 duration of days to seconds; the default for anything else."""
    found = _DURATION.fullmatch(str(duration or ""))
    if found is None:
        return default
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds
