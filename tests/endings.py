"""What does a run leave behind? The end state of a world, comparable between worlds. Not a test."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import parse_id

Json = dict[str, Any]
CLUSTERS, SCALE_SETS = "Microsoft.ServiceFabric/clusters", "Microsoft.Compute/virtualMachineScaleSets"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGEST = re.compile(r"-[0-9a-f]{12}\b")


def read(azure: Azure, resource_id: str, api_version: str = "2024-07-01") -> Json:
    """A resource as a GET would answer."""
    rid = parse_id(resource_id)
    provider = azure.provider_of(rid.type)
    assert provider is not None
    return deepcopy(provider.get(rid, api_version, {}))


def timeless(value: Any) -> Any:
    """A body without times of day and what Azure counts by itself."""
    if isinstance(value, dict):
        moving = {"etag", "systemData", "timeCreated", "created", "updated"}
        return {key: timeless(one) for key, one in value.items() if key not in moving}
    if isinstance(value, list):
        return [timeless(one) for one in value]
    return value


def plain(value: Any, facts: Json) -> Any:
    """A value without what differs from one world to the next: thumbprints, GUIDs, digests in names."""
    text = json.dumps(value, sort_keys=True)
    for name, fact in facts.items():
        if "thumbprint" in name:
            text = text.replace(fact, f"<{name}>")
    return json.loads(_DIGEST.sub("-<digest>", _GUID.sub("<guid>", text)))


def end_state(azure: Azure, facts: Json) -> Json:
    """Cluster, scale sets, access, policy and tags, comparable between worlds."""
    found: Json = {}
    for kind in (CLUSTERS, SCALE_SETS, "Microsoft.KeyVault/vaults"):
        for resource in azure.resources.of_type(kind):
            found[resource.id.text.lower()] = timeless(read(azure, resource.id.text))
    stored = azure.find_service("vaults").content(facts["vault_url"]).certificate(facts["certificate_name"])
    found["policy"] = deepcopy({key: value for key, value in stored.policy.items() if key != "attributes"})
    found["tags"] = [dict(version.tags) for version in stored.versions]
    found["versions"] = [version.thumbprint for version in stored.versions]
    state = plain(found, facts)
    assert isinstance(state, dict)
    return state
