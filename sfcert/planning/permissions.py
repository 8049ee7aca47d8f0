"""Which Azure actions does applying this plan need? A custom role definition, no wider than the plan. Floor 4.

Source: learn.microsoft.com azure/role-based-access-control/permissions (Microsoft.Compute, ServiceFabric, KeyVault,
ManagedIdentity, Authorization, Resources, Network), read 2026-11-22; reference 5 and 6.1.
"""

from __future__ import annotations

from typing import Any

from sfcert.model.codec import canonical
from sfcert.model.ids import parse_resource_id
from sfcert.model.plan import Plan, Stage
from sfcert.planning.permissions_to_enrol import needed_to_enrol, policy_words

Json = dict[str, Any]

_ALWAYS = (
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/instanceView/read",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
    "Microsoft.KeyVault/vaults/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    "Microsoft.Resources/deployments/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.ServiceFabric/clusters/read",
)
_DEPLOYING = (
    "Microsoft.Resources/deployments/operations/read",
    "Microsoft.Resources/deployments/operationstatuses/read",
    "Microsoft.Resources/deployments/validate/action",
    "Microsoft.Resources/deployments/write",
)
_WRITES = {
    "microsoft.servicefabric/clusters": ("Microsoft.ServiceFabric/clusters/write",),
    "microsoft.compute/virtualmachinescalesets": ("Microsoft.Compute/virtualMachineScaleSets/write",),
    "microsoft.managedidentity/userassignedidentities": ("Microsoft.ManagedIdentity/userAssignedIdentities/write",),
    "microsoft.keyvault/vaults/accesspolicies": ("Microsoft.KeyVault/vaults/accessPolicies/write",),
    "microsoft.authorization/roleassignments": ("Microsoft.Authorization/roleAssignments/write",),
}
#: What a scale set's body points at needs an action of its own, because writing it joins it.
_JOINS = {
    "/applicationgateways/": "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
    "/applicationsecuritygroups/": "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
    "/backendaddresspools/": "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
    "/inboundnatpools/": "Microsoft.Network/loadBalancers/inboundNatPools/join/action",
    "/networksecuritygroups/": "Microsoft.Network/networkSecurityGroups/join/action",
    "/probes/": "Microsoft.Network/loadBalancers/probes/join/action",
    "/publicipprefixes/": "Microsoft.Network/publicIPPrefixes/join/action",
    "/subnets/": "Microsoft.Network/virtualNetworks/subnets/join/action",
    "/userassignedidentities/": "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    "/diskencryptionsets/": "Microsoft.Compute/diskEncryptionSets/read",
    "/images/": "Microsoft.Compute/galleries/images/versions/read",
}
_VAULT_READS = ("Microsoft.KeyVault/vaults/certificates/read",)
_VAULT_WRITES = ("Microsoft.KeyVault/vaults/certificates/update/action",)


def permissions(plan: Plan) -> Json:
    """A custom role definition as `az role definition create` takes it; lists sorted, each entry once.

    Returns:
        `AssignableScopes` are the groups that the stages touch. It does not stand alone: looking for scale sets and
        vaults takes Reader on the subscription, as planning does. On a vault that goes by access policies the data
        actions have no effect: there the same caller needs *get*, *list* and *update* on certificates.

    Effects: none.
    """
    actions, data, scopes = set(_ALWAYS), set(_VAULT_READS), {parse_resource_id(plan.cluster_id).group_scope}
    for stage in plan.stages:
        if stage.deployment is not None:
            actions |= {*_DEPLOYING, *_needed_by(stage)}
        if stage.instances is not None:
            actions.add("Microsoft.Compute/virtualMachineScaleSets/manualupgrade/action")
        if stage.vault is not None:
            data |= set(_VAULT_WRITES)
        if stage.enrol is not None:
            more_actions, more_data, zones = needed_to_enrol(stage.enrol)
            actions |= more_actions
            data |= more_data
            scopes |= zones
        if stage.scope.lower().startswith("/subscriptions/"):
            scopes.add(_group_of(stage.scope))
    name = parse_resource_id(plan.cluster_id).name
    return {
        "Name": f"sfcert apply {name}",
        "IsCustom": True,
        "Description": (
            f"What `sfcert apply` needs for the plan {plan.digest[:19]} on {name}, beside Reader on the subscription, "
            "where it looks for scale sets and vaults. Vaults that go by access policies need "
            f"{_words(plan)} for the same caller instead of the data actions.{_elsewhere(plan)}"
        ),
        "Actions": sorted(actions),
        "NotActions": [],
        "DataActions": sorted(data),
        "NotDataActions": [],
        "AssignableScopes": sorted(scopes),
    }


def _elsewhere(plan: Plan) -> str:
    """What the plan does not know: in which group a vault lies that no deployment of it touches."""
    touched = {one.vault.vault_url for one in plan.stages if one.vault is not None}
    touched |= {one.enrol.vault_url for one in plan.stages if one.enrol is not None}
    if not touched:
        return ""
    hosts = ", ".join(sorted(url.removeprefix("https://") for url in touched))
    return f" Add the resource group of {hosts} to the scopes where it is none of them."


def _words(plan: Plan) -> str:
    """The same rights in the words of an access policy."""
    operation = next((stage.enrol for stage in plan.stages if stage.enrol is not None), None)
    if operation is None:
        return "get, list and update on certificates"
    return policy_words(operation)


def _needed_by(stage: Stage) -> set[str]:
    assert stage.deployment is not None
    found: set[str] = set()
    for resource in _resources(stage.deployment.template):
        kind = str(resource.get("type", "")).lower()
        found |= set(_WRITES.get(kind, ()))
        if kind == "microsoft.compute/virtualmachinescalesets":
            text = canonical(resource).decode().lower()
            found |= {action for mark, action in _JOINS.items() if mark in text}
            if '"vaultcertificates"' in text:
                found.add("Microsoft.KeyVault/vaults/deploy/action")
    return found


def _resources(template: Json) -> list[Json]:
    """Every resource of a template, those of nested deployments too."""
    found: list[Json] = []
    for resource in template.get("resources") or []:
        found.append(resource)
        nested = (resource.get("properties") or {}).get("template")
        if isinstance(nested, dict):
            found += _resources(nested)
    return found


def _group_of(scope: str) -> str:
    return "/".join(scope.rstrip("/").split("/")[:5])
