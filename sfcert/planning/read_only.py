"""Which properties must not be sent back? Read-only ones, and write-only ones that a GET never returns. Floor 4.

Facts of the vendor's resource types (bicep-types-az, clusters 2021-06-01, scale sets 2024-11-01 and 2026-04-01, read
2026-11-22); a test holds the table to them. Paths are lower-case steps; `*` is any key or element.
"""

from __future__ import annotations

from functools import cache
from typing import Any

Json = dict[str, Any]
Pattern = tuple[str, ...]

CLUSTER = "microsoft.servicefabric/clusters"
SCALE_SET = "microsoft.compute/virtualmachinescalesets"

#: Top-level names of every resource: they are written by the template itself, or by Azure alone.
_ENVELOPE: tuple[Pattern, ...] = (("id",), ("name",), ("type",), ("apiversion",), ("etag",), ("systemdata",))
_PROFILE = ("properties", "virtualmachineprofile")
_EXTENSION = (*_PROFILE, "extensionprofile", "extensions", "*")

READ_ONLY: dict[str, tuple[Pattern, ...]] = {
    CLUSTER: (
        *_ENVELOPE,
        ("properties", "availableclusterversions"),
        ("properties", "clusterendpoint"),
        ("properties", "clusterid"),
        ("properties", "clusterstate"),
        ("properties", "provisioningstate"),
    ),
    SCALE_SET: (
        *_ENVELOPE,
        ("properties", "provisioningstate"),
        ("properties", "uniqueid"),
        ("properties", "timecreated"),
        (*_PROFILE, "timecreated"),
        (*_PROFILE, "osprofile", "windowsconfiguration", "enablevmagentplatformupdates"),
        (*_PROFILE, "storageprofile", "imagereference", "exactversion"),
        (*_EXTENSION, "id"),
        (*_EXTENSION, "type"),
        (*_EXTENSION, "properties", "provisioningstate"),
        ("identity", "principalid"),
        ("identity", "tenantid"),
        ("identity", "userassignedidentities", "*", "principalid"),
        ("identity", "userassignedidentities", "*", "clientid"),
    ),
}

#: What GET leaves out. A copy that has one all the same came from elsewhere; it is a secret and is never planned with.
WRITE_ONLY: dict[str, tuple[Pattern, ...]] = {
    CLUSTER: (),
    SCALE_SET: (
        (*_PROFILE, "osprofile", "adminpassword"),
        (*_PROFILE, "osprofile", "customdata"),
        (*_PROFILE, "userdata"),
        (*_PROFILE, "osprofile", "windowsconfiguration", "additionalunattendcontent", "*", "content"),
        (*_EXTENSION, "properties", "protectedsettings"),
    ),
}


def strip(resource_type: str, body: Json) -> Json:
    """The body without what must not be sent back: read-only and write-only properties, by the resource's type.

    Names are found without regard to case; key order and spelling of the rest stay.

    Raises:
        KeyError: a type that is never written back: a bug.

    Effects: none.
    """
    stripped = _without(body, _tree(resource_type.lower()))
    assert isinstance(stripped, dict)
    return stripped


def has_what_is_stripped(resource_type: str, body: Json) -> bool:
    """Whether `strip` would take anything away. Raises and effects as there."""
    return _has_any(body, _tree(resource_type.lower()))


class _Tree(dict[str, "_Tree"]):
    """The patterns of one type, by step; a step without further ones ends a pattern (none begins another)."""


@cache
def _tree(kind: str) -> _Tree:
    root = _Tree()
    for pattern in (*READ_ONLY[kind], *WRITE_ONLY[kind]):
        here = root
        for step in pattern:
            here = here.setdefault(step, _Tree())
    return root


def _below(tree: _Tree, key: str) -> _Tree | None:
    """What is asked for below a key: by its name, or by the star (no pattern has a name beside another one's star)."""
    named = tree.get(key.lower())
    return tree.get("*") if named is None else named


def _without(value: Any, tree: _Tree) -> Any:
    if isinstance(value, dict):
        kept: Json = {}
        for key, part in value.items():
            below = _below(tree, key)
            if below is None:
                kept[key] = part
            elif below:
                kept[key] = _without(part, below)
        return kept
    if isinstance(value, list):
        any_one = tree.get("*")
        return [_without(part, any_one) for part in value] if any_one else value
    return value


def _has_any(value: Any, tree: _Tree) -> bool:
    if isinstance(value, dict):
        for key, part in value.items():
            below = _below(tree, key)
            if below is not None and (not below or _has_any(part, below)):
                return True
        return False
    any_one = tree.get("*")
    return isinstance(value, list) and bool(any_one) and any(_has_any(part, any_one) for part in value if any_one)
