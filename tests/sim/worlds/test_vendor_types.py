"""What the simulated providers return is of the types that the vendor's own tooling knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

READ_ONLY, REQUIRED = 2, 1


class Types:
    """One file of resource types: entries refer to one another by position."""

    def __init__(self, path: Path) -> None:
        self._entries = json.loads(path.read_text(encoding="utf-8"))

    def body_of(self, resource: str) -> Any:
        named = (e for e in self._entries if e["$type"] == "ResourceType" and e["name"].lower() == resource.lower())
        return self._entry(next(named)["body"])

    def _entry(self, reference: Any) -> Any:
        return self._entries[int(reference["$ref"].rsplit("/", 1)[-1])]

    def faults(self, kind: Any, value: Any, path: str = "") -> list[str]:
        """Everything about the value that the type does not allow."""
        name = kind["$type"]
        if name == "AnyType":
            return []
        if name == "ObjectType":
            return self._object_faults(kind, value, path)
        if name == "ArrayType":
            if not isinstance(value, list):
                return [f"{path}: {value!r} is no list"]
            item = self._entry(kind["itemType"])
            return [fault for at, one in enumerate(value) for fault in self.faults(item, one, f"{path}[{at}]")]
        if name == "UnionType":
            tries = [self.faults(self._entry(one), value, path) for one in kind["elements"]]
            return [] if any(not found for found in tries) else [f"{path}: {value!r} is none of the alternatives"]
        if name == "StringLiteralType":
            return [] if value == kind["value"] else [f"{path}: {value!r} is not {kind['value']!r}"]
        wanted: Any = {"StringType": str, "BooleanType": bool, "IntegerType": int}[name]
        return [] if isinstance(value, wanted) else [f"{path}: {value!r} is no {wanted.__name__}"]

    def _object_faults(self, kind: Any, value: Any, path: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no object"]
        found = []
        more = kind.get("additionalProperties")
        for key, one in value.items():
            known = kind["properties"].get(key)
            if known is not None:
                found += self.faults(self._entry(known["type"]), one, f"{path}/{key}")
            elif more is not None:
                found += self.faults(self._entry(more), one, f"{path}/{key}")
            else:
                found.append(f"{path}/{key}: no such property")
        for key, known in kind["properties"].items():
            if (
                known["flags"] & REQUIRED
                and not known["flags"] & READ_ONLY
                and key not in value
                and key != "apiVersion"
            ):
                found.append(f"{path}/{key}: is required")
        return found


@pytest.fixture(scope="module")
def types(shared: Path) -> Callable[[str], Types]:
    return lambda name: Types(shared / "schemas" / "resource-types" / f"{name}.json")


@pytest.mark.parametrize("name", ["three-node-types", "existing-extension", "rolling-mode", "reverse-proxy"])
@pytest.mark.parametrize("migrated", [False, True], ids=["as made", "after the migration"])
def test_bodies_are_of_the_vendors_types(
    made_world: Callable[..., Any], types: Callable[[str], Types], name: str, migrated: bool
) -> None:
    world = made_world(name)
    if migrated and name != "existing-extension":
        world.migrate()
    fabric, compute = types("microsoft.servicefabric@2021-06-01"), types("microsoft.compute@2024-11-01")
    cluster = world.get(world.facts["cluster_id"])
    assert fabric.faults(fabric.body_of("Microsoft.ServiceFabric/clusters@2021-06-01"), cluster) == []
    kind = compute.body_of("Microsoft.Compute/virtualMachineScaleSets@2024-11-01")
    machine = compute.body_of("Microsoft.Compute/virtualMachineScaleSets/virtualMachines@2024-11-01")
    for scale_set_id in world.scale_set_ids:
        assert compute.faults(kind, world.get(scale_set_id)) == []
        one = world.get(f"{scale_set_id}/virtualMachines/0", **{"$expand": "instanceView"})
        assert compute.faults(machine, one) == []


def test_the_check_itself_finds_what_is_wrong(made_world: Callable[..., Any], types: Callable[[str], Types]) -> None:
    fabric = types("microsoft.servicefabric@2021-06-01")
    kind = fabric.body_of("Microsoft.ServiceFabric/clusters@2021-06-01")
    world = made_world("one-node-type")
    cluster = world.get(world.facts["cluster_id"])
    cluster["properties"]["certificat"] = {}
    cluster["properties"]["nodeTypes"][0]["isPrimary"] = "yes"
    del cluster["properties"]["managementEndpoint"]
    assert len(fabric.faults(kind, cluster)) == 3
