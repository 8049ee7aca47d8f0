"""May each identity fetch from each vault, and can the nodes reach it? Stage 30, by the vault's own model. Floor 4.

Source: reference 6.1; design, stage 30. A grant's arrival cannot be seen from outside, so its gate waits.
"""

from __future__ import annotations

from sfcert import dated
from sfcert.arm import get_at
from sfcert.model.ids import parse_resource_id, same_id
from sfcert.model.observation import Observation, ScaleSet, Vault
from sfcert.planning.api_versions import api_version_for
from sfcert.planning.identities import ChosenIdentity
from sfcert.planning.order import slug
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import Nothing

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
MOST_POLICIES = 1024


def grant_access(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each vault and identity that lacks the grant.

    Effects: adds to `reasons`: vault not read, another tenant, firewall, policies full.
    """
    pairs: dict[tuple[str, str], tuple[Vault, ChosenIdentity]] = {}
    for scale_set in situation.scale_sets:
        url = situation.goal.reference(scale_set.id).vault_url
        vault = situation.observation.vault(url)
        if vault is None or vault.id is None:
            why = situation.observation.why_unread(f"vaults/{url}") or "it is not in the capture"
            reasons.add(
                f"The vault {url} itself was not read ({why}): who may read it, and from where, is not known. Grant "
                "reading the vault resource and capture again."
            )
            continue
        _check_reach(situation.observation, scale_set, vault, reasons)
        identity = situation.identities[scale_set.id]
        pairs[vault.id.lower(), identity.id.lower()] = (vault, identity)
    shared = len({identity for _, identity in pairs}) > 1
    steps = []
    for vault, identity in pairs.values():
        if is_granted(situation.observation, vault, identity):
            continue
        if vault.tenant_id and identity.tenant_id and vault.tenant_id.lower() != identity.tenant_id.lower():
            reasons.add(
                f"The vault {vault.url} belongs to the tenant {vault.tenant_id}, the identity {identity.name} to "
                f"{identity.tenant_id}: no grant can cross that. Put the certificate into a vault of the same tenant."
            )
        if not vault.uses_rbac and vault.policies is not None and len(vault.policies) >= MOST_POLICIES:
            reasons.add(f"The vault {vault.url} has {MOST_POLICIES} access policies, the most it can. Remove one.")
        steps.append(_step(situation, definition, vault, identity, shared))
    return steps


def is_granted(observation: Observation, vault: Vault, identity: ChosenIdentity) -> bool:
    """Whether the capture shows that the identity may read the vault's secrets: inherited and existing grants count."""
    principal = (identity.principal_id or "").lower()
    if not principal or vault.id is None:
        return False
    if vault.uses_rbac:
        roles = dated.roles_that_read_secrets()
        return any(
            one.principal_id == principal and one.role_id in roles and _is_above(one.scope, vault.id)
            for one in observation.role_assignments
        )
    return any(one.object_id == principal and {"get", "all"} & set(one.secrets) for one in vault.policies or ())


def _is_above(scope: str, resource_id: str) -> bool:
    """Whether a role given at `scope` holds for the resource: the same, a group, a subscription, a management group."""
    wanted, given = resource_id.rstrip("/").lower(), scope.rstrip("/").lower()
    # which subscriptions a management group holds is Azure's to know: it listed the assignment at this vault
    is_group = given.startswith("/providers/microsoft.management/managementgroups/")
    return given == "" or is_group or wanted == given or wanted.startswith(given + "/")


def _check_reach(observation: Observation, scale_set: ScaleSet, vault: Vault, reasons: Reasons) -> None:
    """The extension runs in the guest and is no trusted service: a firewall that lets vm secrets through stops it."""
    is_public = (vault.public_network_access or "").lower() != "disabled"
    is_open = is_public and (vault.firewall_default or "").lower() != "deny"
    allowed = (
        is_public
        and bool(scale_set.subnet_ids)
        and all(any(same_id(subnet, rule) for rule in vault.firewall_subnets) for subnet in scale_set.subnet_ids)
    )
    if is_open or allowed or _works_already(scale_set, vault):
        return
    if _has_private_endpoint(observation, vault):
        because = f"The firewall of {vault.url} lets no subnet of {scale_set.name} in, but it has a private endpoint."
        reasons.needs("private-endpoint-reaches-nodes", because)
        return
    subnets = ", ".join(scale_set.subnet_ids) or "which were not read"
    reasons.add(
        f"The firewall of {vault.url} does not let the nodes of {scale_set.name} in (subnets: {subnets}). The platform "
        "passes it as a trusted service, the Key Vault extension does not. Add the subnets with a service endpoint, or "
        "a private endpoint, and capture again."
    )


def _works_already(scale_set: ScaleSet, vault: Vault) -> bool:
    """Whether an extension that observes this vault has succeeded on every instance already."""
    names = {
        extension.name.lower()
        for extension in scale_set.key_vault_extensions
        if (extension.require_initial_sync or (extension.major or 0) >= 4)
        and any(one.reference and one.reference.vault_url == vault.url for one in extension.observed)
    }
    instances = scale_set.instances or ()
    return (
        bool(names)
        and bool(instances)
        and all(
            any(one.name.lower() in names and one.state == "succeeded" for one in instance.extensions)
            for instance in instances
        )
    )


def _has_private_endpoint(observation: Observation, vault: Vault) -> bool:
    raw = next((one for key, one in observation.bundle.resources.items() if vault.id and same_id(key, vault.id)), None)
    connections = get_at(raw.body, "properties.privateEndpointConnections") if raw else None
    state = "properties.privateLinkServiceConnectionState.status"
    return any(str(get_at(one, state)).lower() == "approved" for one in connections or () if isinstance(one, dict))


def _step(
    situation: Situation, definition: StageDefinition, vault: Vault, identity: ChosenIdentity, shared: bool
) -> Step:
    assert vault.id is not None
    parsed = parse_resource_id(vault.id)
    lookup = f"reference('{identity.id}', '{api_version_for(IDENTITY, None)}')"
    values: dict[str, object] = {"principal_id_expression": f"[{lookup}.principalId]"}
    if vault.uses_rbac:
        role = f"/subscriptions/{parsed.subscription}/providers/Microsoft.Authorization/roleDefinitions/"
        role += dated.role_id("secrets_user")
        values |= {
            "api_version": api_version_for("Microsoft.Authorization/roleAssignments", None),
            "name_expression": f"[guid('{vault.id}', parameters('principalId'), '{role}')]",
            "scope": f"Microsoft.KeyVault/vaults/{parsed.name}",
            "role_definition_id": role,
        }
        wait = dated.timing_s("role_propagation_s")
    else:
        values |= {
            "api_version": api_version_for("Microsoft.KeyVault/vaults/accessPolicies", None),
            "name": f"{parsed.name}/add",
            "tenant_id_expression": f"[{lookup}.tenantId]",
            "permissions": ["get", "list"],
        }
        wait = dated.timing_s("policy_propagation_s")
    label = slug(parsed.name)
    return Step(
        definition=definition,
        subject=vault.id,
        scope=parsed.group_scope,
        names={
            "vault": f"{label}-{slug(identity.name)}" if shared else label,
            "identity": identity.name,
            "how": "role-assignment" if vault.uses_rbac else "access-policy",
            "model": "role assignments" if vault.uses_rbac else "access policies",
        },
        facts={
            "identity_id": identity.id,
            "vault_url": vault.url,
            "how": "role" if vault.uses_rbac else "policy",
            "principal_id": identity.principal_id,
            "seconds": wait,
        },
        values=values,
        owned={} if vault.uses_rbac else {vault.id: ("properties.accessPolicies",)},
        move=Nothing(stage_id="", deadline_s=0),
        undo={"vault": vault.id, "identity": identity.id},
    )
