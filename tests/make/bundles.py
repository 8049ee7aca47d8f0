"""A world as the document of a bundle file, as a `Bundle`, and as facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from sfcert.model.bundle import Bundle
from sfcert.model.observation import Observation
from sfcert.sources.observe import observe
from tests.make.clusters import cluster_of
from tests.make.names import (
    CERTIFICATE_NAME,
    CLUSTER_ID,
    IDENTITY_CLIENT,
    IDENTITY_ID,
    IDENTITY_PRINCIPAL,
    NOW,
    SECRETS_USER,
    SUBSCRIPTION,
    TENANT,
    VAULT_ID,
    VAULT_URL,
    Json,
)
from tests.make.scale_sets import instances_of, scale_set_id, scale_set_of
from tests.make.vaults import vault_of, version
from tests.make.worlds import World


def document(world: World) -> Json:
    """The world as the JSON document of a bundle file; free to be edited before `from_document`."""
    resources: Json = {
        CLUSTER_ID: {"api_version": "2021-06-01", "body": cluster_of(world)},
        VAULT_ID: {"api_version": "2024-11-01", "body": vault_of(world)},
    }
    for shape in world.node_types:
        body = scale_set_of(world, shape)
        resources[body["id"]] = {"api_version": world.api_version_scale_set, "body": body}
    if world.has_identity:
        resources[IDENTITY_ID] = {
            "api_version": "2024-11-30",
            "body": {
                "id": IDENTITY_ID,
                "name": "shop-reader",
                "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                "location": "westeurope",
                "properties": {
                    "tenantId": TENANT,
                    "principalId": IDENTITY_PRINCIPAL,
                    "clientId": IDENTITY_CLIENT,
                },
            },
        }
    if world.has_access and world.rbac:
        role = f"{VAULT_ID}/providers/Microsoft.Authorization/roleAssignments/99999999-0000-4000-8000-000000000001"
        resources[role] = {
            "api_version": "2022-04-01",
            "body": {
                "id": role,
                "name": role.rsplit("/", 1)[-1],
                "type": "Microsoft.Authorization/roleAssignments",
                "properties": {
                    "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/"
                    f"roleDefinitions/{SECRETS_USER}",
                    "principalId": IDENTITY_PRINCIPAL,
                    "principalType": "ServicePrincipal",
                    "scope": VAULT_ID,
                },
            },
        }
    versions = world.versions or tuple(dict.fromkeys((world.now_declared, world.leads_to)))
    if world.secondary is not None and world.secondary not in versions:
        versions = (*versions, world.secondary)
    if world.reverse_proxy is not None and world.reverse_proxy not in versions:
        versions = (*versions, world.reverse_proxy)
    stored = [world.now_declared, *([world.secondary] if world.secondary else [])]
    if world.has_extension and world.leads_to not in stored:
        stored.append(world.leads_to)
    return {
        "format": "sfcert.bundle/1",
        "captured_at_utc": NOW.isoformat().replace("+00:00", "Z"),
        "cluster_id": CLUSTER_ID,
        "resources": resources,
        "queries": [{"what": f"roleAssignments at {VAULT_ID}", "found": int(world.has_access and world.rbac)}],
        "vm_instances": {scale_set_id(shape.name): instances_of(world, shape) for shape in world.node_types},
        "vaults": {
            VAULT_URL: {
                "certificates": {
                    CERTIFICATE_NAME: {
                        "policy": world.policy,
                        "pending": world.pending,
                        "tags": world.tags,
                        "versions": [version(one) for one in versions],
                    }
                }
            }
        },
        "node_stores": {
            scale_set_id(shape.name): {str(number): [one.x5t for one in stored] for number in range(shape.count)}
            for shape in world.node_types
        }
        if world.has_stores
        else None,
        "runtime": {},
        "unread": [{"what": what, "why": why} for what, why in world.unread],
    }


def from_document(plain: Json) -> Bundle:
    return msgspec.convert(plain, Bundle)


def bundle(world: World | None = None, **changes: Any) -> Bundle:
    """A bundle of `world` (or of the healthy one), with knobs turned by keyword."""
    return from_document(document(replace(world or World(), **changes)))


def observation(world: World | None = None, **changes: Any) -> Observation:
    return observe(bundle(world, **changes))
