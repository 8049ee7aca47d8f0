"""What will be declared and brought once a plan has been applied? An observation of that world. Floor 3.

For forecasts alone: nothing else may take a supposed world for one that was seen. Leaves out all that does not bear on
rotations.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from sfcert import dated
from sfcert.model.ids import parse_vault_url
from sfcert.model.observation import (
    ClientCertificate,
    Declaration,
    KeyVaultExtension,
    LifetimeAction,
    NodeExtension,
    Observation,
    ObservedCertificate,
    PinnedName,
    ScaleSet,
    Vault,
    VaultCertificate,
)
from sfcert.model.plan import Goal, Plan


def after_plan(observation: Observation, plan: Plan) -> Observation | None:
    """The world to which a plan leads, as far as rotations need it.

    Returns:
        None where the plan is blocked, has no stages, ends in no declaration by name, of whatever role, or has a
        certificate enrolled that nobody has seen: what was seen is the better ground then.

    Effects: none.
    """
    if plan.status != "ready" or any(stage.enrol is not None for stage in plan.stages):
        return None
    if plan.goal is None:
        return _with_clients(observation, plan)
    if plan.goal.role == "reverse-proxy":
        return _with_reverse_proxy(observation, plan, plan.goal)
    changes = [change for stage in plan.stages for change in stage.changes]
    if not any("certificateCommonNames" in one.path and one.kind != "Delete" for one in changes):
        return None
    goal, cluster = plan.goal, observation.cluster
    name = PinnedName(
        common_name=goal.common_name,
        issuers=goal.issuer_thumbprints,
        issuers_text=",".join(goal.issuer_thumbprints),
    )
    named = Declaration(
        kind="common-name", path=cluster.certificate.path, names=(name,), store=cluster.certificate.store
    )
    still = {*cluster.reverse_proxy.thumbprints, *(one.value for one in cluster.clients)}
    retired = set(cluster.certificate.thumbprints) - still
    return replace(
        observation,
        cluster=replace(cluster, certificate=named),
        scale_sets=tuple(
            _scale_set(observation, one, goal, replace(one.node_extension, certificate=named), retired)
            for one in observation.scale_sets
        ),
        vaults=_vaults(observation, plan),
    )


def _with_reverse_proxy(observation: Observation, plan: Plan, goal: Goal) -> Observation:
    cluster, now = observation.cluster, observation.cluster.reverse_proxy
    name = PinnedName(common_name=goal.common_name, issuers=(), issuers_text="")
    named = Declaration(kind="common-name", path=now.path, names=(name,), store=now.store)
    own = {one for each in observation.scale_sets for one in each.node_extension.certificate.thumbprints}
    still = {*own, *cluster.certificate.thumbprints, *(one.value for one in cluster.clients)}
    return replace(
        observation,
        cluster=replace(cluster, reverse_proxy=named),
        scale_sets=tuple(
            _scale_set(
                observation,
                one,
                goal,
                one.node_extension
                if one.node_extension.reverse_proxy.kind == "none"
                else replace(one.node_extension, reverse_proxy=named),
                set(now.thumbprints) - still,
            )
            for one in observation.scale_sets
        ),
        vaults=_vaults(observation, plan),
    )


def _with_clients(observation: Observation, plan: Plan) -> Observation | None:
    """The clients as the last gate of the plan wants to see them declared."""
    gates = [gate for stage in plan.stages for gate in stage.gates_out if gate.expects.get("role") == "clients"]
    if not gates:
        return None
    clients = tuple(
        ClientCertificate(
            kind=one["kind"], value=one["value"], issuers=tuple(one["issuers"]), is_admin=bool(one["is_admin"])
        )
        for one in gates[-1].expects["clients"]
    )
    return replace(observation, cluster=replace(observation.cluster, clients=clients))


def _vaults(observation: Observation, plan: Plan) -> tuple[Vault, ...]:
    actions = _final_actions(plan)
    return tuple(
        replace(
            vault,
            certificates=None
            if vault.certificates is None
            else tuple(_with_actions(one, actions) for one in vault.certificates),
        )
        for vault in observation.vaults
    )


def _goal_url(goal: Goal, scale_set: ScaleSet) -> str | None:
    """The goal's certificate for a scale set: by its node type, its name or both, as the plan labels it."""
    node_type = scale_set.node_type or ""
    labels = {
        re.sub(r"[^A-Za-z0-9_-]+", "-", one) for one in (node_type, scale_set.name, f"{node_type}-{scale_set.name}")
    }
    mine = [url for label, url in goal.certificate_urls.items() if label in labels]
    return next(iter([*mine, *sorted(goal.certificate_urls.values())]), None)


def _scale_set(
    observation: Observation, scale_set: ScaleSet, goal: Goal, after: NodeExtension, retired: set[str]
) -> ScaleSet:
    kept = []
    for secret in scale_set.secrets:
        found = observation.vault_certificate(secret.reference) if secret.reference else None
        version = secret.reference.version if secret.reference else None
        brings = {one.thumbprint for one in found.versions if one.version == version} if found else set()
        if not brings & retired:
            kept.append(secret)
    url = _goal_url(goal, scale_set)
    reference = parse_vault_url(url) if url else None
    extensions = scale_set.key_vault_extensions
    observed = {one.reference.certificate_url.lower() for each in extensions for one in each.observed if one.reference}
    if url is not None and reference is not None and reference.certificate_url.lower() not in observed:
        entry = ObservedCertificate(
            url=url, reference=reference, store_name=after.certificate.store, store_location=None, is_object=True
        )
        first = extensions[0] if extensions else _new_extension()
        extensions = (replace(first, observed=(*first.observed, entry)), *extensions[1:])
    return replace(
        scale_set,
        secrets=tuple(kept),
        key_vault_extensions=extensions,
        node_extension=after,
    )


def _new_extension() -> KeyVaultExtension:
    """As far as rotations need it: what the stage template sets."""
    return KeyVaultExtension(
        name="KVVMExtension",
        type="KeyVault",
        version=None,
        observed=(),
        polling_interval_s=dated.timing_s("extension_polling_s"),
        link_on_renewal=False,
        require_initial_sync=True,
        automatic_upgrade=False,
        store_name=None,
        store_location=None,
        client_id=None,
        msi_endpoint=None,
        has_authentication=True,
        authentication_misplaced=False,
        path="",
    )


def _final_actions(plan: Plan) -> dict[str, tuple[LifetimeAction, ...]]:
    """Certificate URL, lower-case -> the lifetime actions that the plan's last vault stage on it leaves."""
    found: dict[str, tuple[LifetimeAction, ...]] = {}
    for stage in plan.stages:
        if stage.vault is None or "lifetime_actions" not in stage.vault.sets:
            continue
        url = f"{stage.vault.vault_url}/certificates/{stage.vault.certificate}".lower()
        found[url] = tuple(_action(one) for one in stage.vault.sets["lifetime_actions"])
    return found


def _action(raw: dict[str, Any]) -> LifetimeAction:
    trigger = raw.get("trigger") or {}
    return LifetimeAction(
        action=str((raw.get("action") or {}).get("action_type") or ""),
        percentage=trigger.get("lifetime_percentage"),
        days_before_expiry=trigger.get("days_before_expiry"),
    )


def _with_actions(one: VaultCertificate, actions: dict[str, tuple[LifetimeAction, ...]]) -> VaultCertificate:
    final = actions.get(one.url.lower())
    return one if final is None else replace(one, lifetime_actions=final)
