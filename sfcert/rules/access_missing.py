"""May the nodes' identity read the secrets that the Key Vault extension observes? Floor 3.

By the model of the vault: on an RBAC vault access policies count for nothing. Source: service-fabric.md 6.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import roles_that_read_secrets, table
from sfcert.model.ids import same_id
from sfcert.model.observation import KeyVaultExtension, Observation, ScaleSet, Vault
from sfcert.rules.delivery import address, extensions, open_addresses
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import Missing, cannot_tell, is_authored, resource_body, vault_resource_unread


def principal_of(observation: Observation, scale_set: ScaleSet, extension: KeyVaultExtension) -> str | Missing | None:
    """Object id, lower-case, of the identity that the extension signs in with; None where it can sign in with none."""
    if not scale_set.user_identities:
        if not scale_set.has_system_identity:
            return None
        if scale_set.system_principal_id:
            return scale_set.system_principal_id.lower()
        return Missing(
            reason="ResourceUnread", what=f"The principal id of {scale_set.name}'s own identity", why="was not read"
        )
    for assigned in scale_set.user_identities:
        identity = observation.identity(assigned.id)
        client_id = assigned.client_id or (identity.client_id if identity else None)
        only_one = len(scale_set.user_identities) == 1 and extension.client_id is None
        if only_one or (client_id and extension.client_id and client_id.lower() == extension.client_id.lower()):
            principal = assigned.principal_id or (identity.principal_id if identity else None)
            if principal:
                return principal.lower()
    return Missing(
        reason="ResourceUnread",
        what=f"The principal id of the identity that {extension.name} of {scale_set.name} uses",
        why="was not read",
    )


def covers_scope(scope: str, resource_id: str) -> bool:
    """Whether a role assigned at `scope` reaches the resource: the same, or above it."""
    upper, lower = scope.rstrip("/").lower(), resource_id.rstrip("/").lower()
    return upper in ("", lower) or lower.startswith(upper + "/")


def _built_in_roles() -> frozenset[str]:
    return frozenset(value.lower() for value in table("roles").values() if isinstance(value, str))


def _assignments_were_asked(observation: Observation, vault_id: str) -> bool:
    for query in observation.bundle.queries:
        what, _, scope = query.what.partition(" at ")
        if what.strip().lower() == "roleassignments" and same_id(scope.strip(), vault_id):
            return True
    # a capture that holds assignments of this very vault has asked for them
    return any(same_id(one.scope, vault_id) for one in observation.role_assignments)


def _by_role(observation: Observation, vault: Vault, principal: str, subject: str, who: str) -> Iterator[Judgement]:
    assert vault.id is not None
    mine = [
        one
        for one in observation.role_assignments
        if one.principal_id.lower() == principal and covers_scope(one.scope, vault.id)
    ]
    if any(one.role_id in roles_that_read_secrets() for one in mine):
        return
    if not mine and not _assignments_were_asked(observation, vault.id):
        missing = Missing(reason="ResourceUnread", what=f"The role assignments at {vault.id}", why="were not captured")
        yield cannot_tell(subject, missing, f"{who} may read its secrets")
        return
    foreign = sorted({one.role_id for one in mine} - _built_in_roles())
    if foreign:
        missing = Missing(reason="ResourceUnread", what=f"What the role {foreign[0]} permits", why="was not read")
        yield cannot_tell(subject, missing, f"{who} may read its secrets")
        return
    has_policy = any(policy.object_id == principal for policy in vault.policies or ())
    yield fail(
        subject,
        "PolicyOnRbacVault" if has_policy and not mine else "NoRole",
        f"{who} has no role that reads secrets of {vault.url}, which is an RBAC vault"
        + (": the access policy that it has there counts for nothing." if has_policy else "."),
        "Assign Key Vault Secrets User at the vault to the identity; give it some minutes to propagate.",
        principal=principal,
        roles=sorted(one.role_id for one in mine),
    )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        addresses = open_addresses(observation, scale_set, extension)
        if addresses is not None:
            yield cannot_tell(address(scale_set, extension), addresses, "its identity may read those vaults")
        urls = sorted({one.reference.vault_url for one in extension.observed if one.reference})
        for url in urls:
            question = f"{scale_set.name} may read the secrets of {url}"
            vault = observation.vault(url)
            if vault is None or vault.id is None:
                yield cannot_tell(url, vault_resource_unread(observation, url), question)
                continue
            principal = principal_of(observation, scale_set, extension)
            if principal is None:
                continue  # authentication-settings-missing says that there is no identity
            if isinstance(principal, Missing):
                if is_authored(observation):
                    principal = Missing(reason="NotInTemplate", what=principal.what, why="is not part of a template")
                yield cannot_tell(url, principal, question)
                continue
            if vault.uses_rbac:
                yield from _by_role(observation, vault, principal, url, f"The identity of {scale_set.name}")
                continue
            grants = [policy for policy in vault.policies or () if policy.object_id == principal]
            if any({"get", "all"} & set(policy.secrets) for policy in grants):
                continue
            if resource_body(observation, vault.id).is_symbolic("properties", "accessPolicies"):
                missing = Missing(reason="ValueUnresolved", what=f"accessPolicies of {url}", why="is an expression")
                yield cannot_tell(url, missing, question)
                continue
            yield fail(
                url,
                "NoPolicy",
                f"The identity of {scale_set.name} has no access policy with get on secrets in {url}.",
                "Add an access policy with secrets get and list for the identity (accessPolicies/add).",
                principal=principal,
                permissions=sorted({word for policy in grants for word in policy.secrets}),
            )


RULE = Rule(
    id="access-missing",
    severity="error",
    reasons={
        "NoPolicy": "The vault goes by access policies and has none for the identity that gets secrets.",
        "NoRole": "The vault goes by roles and the identity has none there that reads secrets.",
        "PolicyOnRbacVault": "The identity has an access policy on a vault that goes by roles.",
    },
    check=check,
)
