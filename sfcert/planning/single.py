"""What would the vendor's single deployment send? Identity, access, cluster and scale sets in one template. Floor 4.

Offered for review: ARM orders its parts and waits for no node. The vendor's parameter names are kept, its slips are
not. Source: reference 3.5 (MGMT, TP2CN); design, `thumbprint-to-common-name-single`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from sfcert.arm import set_at
from sfcert.model.ids import parse_resource_id, same_id
from sfcert.planning.access import grant_access
from sfcert.planning.bodies import Body, LiveValue, template_values
from sfcert.planning.cluster import cluster_step_facts, declare_name_on_cluster, declared_facts
from sfcert.planning.identities import default_identity_id
from sfcert.planning.identity import create_identity
from sfcert.planning.names import deployment_name
from sfcert.planning.node_extension import declare_name_on_nodes
from sfcert.planning.provision import provision
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import Together

Json = dict[str, Any]


def single_deployment(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """One step with all that the staged playbook does up to the node extensions; none where all of it is done.

    Vm secrets are left alone: without a wait in between nobody can say when they may go.

    Effects: adds to `reasons`.
    """
    identities = create_identity(situation, definition, reasons)
    grants = grant_access(situation, definition, reasons)
    carrying = [
        *provision(situation, definition, reasons),
        *declare_name_on_cluster(situation, definition, reasons),
        *declare_name_on_nodes(situation, definition, reasons),
    ]
    if not (identities or grants or carrying):
        return []
    cluster = situation.observation.cluster
    edits: dict[str, tuple[Any, ...]] = {}
    owned: dict[str, tuple[str, ...]] = {}
    # a scale set refers to its cluster, so that ARM deploys the cluster first
    for step in sorted(carrying, key=lambda one: not same_id(one.subject, cluster.id)):
        for resource_id, some in step.edits.items():
            edits[resource_id] = (*edits.get(resource_id, ()), *some)
            owned[resource_id] = (*owned.get(resource_id, ()), *step.owned[resource_id])
    goal = situation.goal
    return [
        Step(
            definition=definition,
            subject=cluster.id,
            scope=parse_resource_id(cluster.id).group_scope,
            names={"name": goal.common_name, "pins": ", ".join(f"{one[:8]}…" for one in goal.pins)},
            facts=cluster_step_facts(situation) | {"declares": declared_facts(situation)},
            edits=edits,
            owned=owned,
            values={
                "identities": [one.values for one in identities],
                "grants": [
                    {
                        **one.values,
                        "scope_of_assignment": one.values.get("scope"),
                        "scope": one.scope,
                        "how": one.names["how"],
                    }
                    for one in grants
                ],
            },
            move=Together(stage_id="", deadline_s=0, moves=tuple(one.move for one in carrying)),
            undo={"declaration": list(cluster.certificate.thumbprints), "resource": cluster.id},
            group="single",
        )
    ]


def single_values(
    situation: Situation, step: Step, bodies: Mapping[str, Body], stage_id: str, deployments_api_version: str
) -> Json:
    """The template's inputs: its parts in the order of their dependencies.

    Args:
        bodies: the carried bodies after the step's edits, by resource id, the cluster's first.

    Effects: none.
    """
    goal, cluster_id = situation.goal, situation.observation.cluster.id
    new = next((one for one in situation.identities.values() if not one.exists), None)
    identity = f"[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', '{new.name}')]" if new else None
    parts: list[Json] = []
    for number, grant in enumerate(step.values["grants"]):
        parts.append(_part(situation, stage_id, f"grant{number}", grant["scope"], _grant(grant), [identity]))
    access = [_id_of(part) for part in parts]
    after_cluster: list[str | None] = []
    for number, (resource_id, body) in enumerate(bodies.items()):
        is_cluster = same_id(resource_id, cluster_id)
        scope = parse_resource_id(resource_id).group_scope
        part = _part(situation, stage_id, f"update{number}", scope, _update(body), [identity, *access, *after_cluster])
        parts.append(part)
        if is_cluster:
            after_cluster.append(_id_of(part))
    chosen = next(iter(situation.identities.values()), None)
    default = parse_resource_id(default_identity_id(situation.observation)).name
    name = new.name if new else chosen.name if chosen else default
    return {
        "identity_name": name,
        "common_name": goal.common_name,
        "issuer_thumbprint": ",".join(goal.pins),
        "deployments_api_version": deployments_api_version,
        "identities": step.values["identities"],
        "parts": parts,
    }


def _part(
    situation: Situation, stage_id: str, what: str, scope: str, content: Json, depends_on: list[str | None]
) -> Json:
    _, _, subscription, _, group = scope.split("/")
    cluster_id = situation.observation.cluster.id
    return {
        "nested_name": deployment_name(cluster_id, situation.inputs.playbook, f"{stage_id}-{what}", None, "-in"),
        "subscription": subscription,
        "group": group,
        "depends_on": [one for one in depends_on if one is not None],
        **content,
    }


def _id_of(part: Json) -> str:
    names = f"'{part['subscription']}', '{part['group']}', 'Microsoft.Resources/deployments', '{part['nested_name']}'"
    return f"[resourceId({names})]"


def _update(body: Body) -> Json:
    values = template_values(_with_vendor_parameters(body))
    resource = {"type": values["type"], "apiVersion": values["api_version"], "name": values["name"]}
    resource |= {one["name"]: one["value"] for one in values["top"]}
    return {"live": values["live"], "resource": resource | {"properties": values["properties"]}}


def _with_vendor_parameters(body: Body) -> Body:
    """The name and its pins by the vendor's parameters instead of literals, on the cluster."""
    path = "properties.certificateCommonNames.commonNames"
    names = body.plain.get("properties", {}).get("certificateCommonNames", {}).get("commonNames") or []
    if not names:
        return body
    last = len(names) - 1
    added = tuple(
        LiveValue(path=f"{path}[{last}].{name}", parameter=name, type="string", expression=f"[parameters('{name}')]")
        for name in ("certificateCommonName", "certificateIssuerThumbprint")
    )
    plain = set_at(body.plain, f"{path}[{last}]", {})
    return replace(body, plain=plain, live=(*body.live, *added))


def _grant(values: Json) -> Json:
    live = [{"parameter": "principalId", "type": "string", "expression": values["principal_id_expression"]}]
    if values["how"] == "role-assignment":
        resource: Json = {
            "type": "Microsoft.Authorization/roleAssignments",
            "apiVersion": values["api_version"],
            "name": values["name_expression"],
            "scope": values["scope_of_assignment"],
            "properties": {
                "roleDefinitionId": values["role_definition_id"],
                "principalId": "[parameters('principalId')]",
                "principalType": "ServicePrincipal",
            },
        }
        return {"live": live, "resource": resource}
    live.append({"parameter": "tenantId", "type": "string", "expression": values["tenant_id_expression"]})
    policy = {
        "tenantId": "[parameters('tenantId')]",
        "objectId": "[parameters('principalId')]",
        "permissions": {"secrets": values["permissions"]},
    }
    resource = {
        "type": "Microsoft.KeyVault/vaults/accessPolicies",
        "apiVersion": values["api_version"],
        "name": values["name"],
        "properties": {"accessPolicies": [policy]},
    }
    return {"live": live, "resource": resource}
