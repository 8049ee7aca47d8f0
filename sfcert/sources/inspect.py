"""What is declared where? An observation in short, for people and pipelines. Floor 2.

Pure. Leaves out: judging it (rules), printing it (views).
"""

from __future__ import annotations

from sfcert.model.inspect import (
    Client,
    Inspect,
    InspectedCluster,
    InspectedExtension,
    InspectedNodeType,
    NodeDeclaration,
    Role,
    RoleKind,
    Roles,
)
from sfcert.model.observation import Declaration, KeyVaultExtension, NodeType, Observation, ScaleSet


def _kind(declaration: Declaration) -> RoleKind:
    return "thumbprint" if declaration.kind == "both" else declaration.kind


def _values(declaration: Declaration) -> tuple[str, ...]:
    names = (name.common_name for name in declaration.names)
    return (*declaration.thumbprints, *declaration.malformed, *names)


def _role(declaration: Declaration) -> Role:
    if declaration.kind == "none":
        return Role(kind="none", values=())
    return Role(
        kind=_kind(declaration),
        values=_values(declaration),
        issuers={name.common_name: (*name.issuers, *name.malformed) for name in declaration.names},
        store=declaration.store,
    )


def _extension(extension: KeyVaultExtension) -> InspectedExtension:
    return InspectedExtension(
        name=extension.name,
        type=extension.type,
        version=extension.version,
        observed=tuple(one.url for one in extension.observed),
        polling_interval_s=extension.polling_interval_s,
        require_initial_sync=extension.require_initial_sync,
        link_on_renewal=extension.link_on_renewal,
        client_id=extension.client_id,
    )


def _count(node_type: NodeType | None, scale_sets: tuple[ScaleSet, ...], is_whole: bool) -> int | None:
    """Machines by the scale sets' own capacity, which is what runs; by the node type where that is not known."""
    capacities = [one.capacity for one in scale_sets]
    known = [one for one in capacities if one is not None]
    if capacities and len(known) == len(capacities):
        return sum(known)
    return node_type.instance_count if node_type and is_whole else None


def _alike(scale_sets: tuple[ScaleSet, ...]) -> tuple[tuple[ScaleSet, ...], ...]:
    groups: dict[tuple[str, tuple[str, ...]], list[ScaleSet]] = {}
    for one in scale_sets:
        declared = one.node_extension.certificate
        groups.setdefault((declared.kind, _values(declared)), []).append(one)
    return tuple(tuple(group) for group in groups.values())


def _node_type(
    name: str, node_type: NodeType | None, scale_sets: tuple[ScaleSet, ...], is_whole: bool
) -> InspectedNodeType:
    first = scale_sets[0] if scale_sets else None
    secrets = dict.fromkeys(secret.url for one in scale_sets for secret in one.secrets)
    extension = next((e for one in scale_sets for e in one.key_vault_extensions), None)
    declared = first.node_extension.certificate if first else None
    durability = first.node_extension.durability if first else None
    if durability is None and node_type is not None:
        durability = node_type.durability
    return InspectedNodeType(
        name=name,
        scale_sets=tuple(one.id for one in scale_sets),
        count=_count(node_type, scale_sets, is_whole),
        durability=(first.node_extension.durability if first else None)
        or (node_type.durability if node_type else None),
        upgrade_mode=first.upgrade_mode if first else None,
        declaration=NodeDeclaration(kind=_kind(declared), values=_values(declared))
        if declared
        else NodeDeclaration(kind="unresolved", values=()),
        vm_secrets=tuple(secrets),
        key_vault_extension=_extension(extension) if extension else None,
    )


def _node_types(observation: Observation) -> tuple[InspectedNodeType, ...]:
    declared = {one.name.lower(): one for one in observation.cluster.node_types}
    names = {one.name.lower(): one.name for one in observation.cluster.node_types}
    for scale_set in observation.scale_sets:
        # a node extension whose node type is an expression, or one that the cluster does not list
        names.setdefault((scale_set.node_type or "").lower(), scale_set.node_type or "")
    found: list[InspectedNodeType] = []
    for key, name in names.items():
        groups = _alike(observation.scale_sets_of(name)) or ((),)
        found += [_node_type(name, declared.get(key), group, len(groups) == 1) for group in groups]
    return tuple(found)


def inspect(observation: Observation) -> Inspect:
    """What is declared where.

    Returns:
        Node types in the order of the cluster, then those that only scale sets name ("" where the name is an
        expression). A node type whose scale sets declare differently stands once for each declaration; one without a
        scale set has the kind "unresolved".

    Effects: none.
    """
    cluster = observation.cluster
    unresolved = [f"{one.resource}/{one.path}: {one.why}" for one in observation.unresolved]
    unresolved += [
        f"{cluster.id}/properties.nodeTypes[name='{one.name}']: no scale set of this node type was seen"
        for one in cluster.node_types
        if one.name and not observation.scale_sets_of(one.name)
    ]
    return Inspect(
        cluster=InspectedCluster(
            id=cluster.id,
            runtime=cluster.runtime,
            state=cluster.state,
            os=cluster.os,
            roles=Roles(
                cluster=_role(cluster.certificate),
                reverse_proxy=_role(cluster.reverse_proxy),
                clients=tuple(
                    Client(kind=one.kind, value=one.value, issuers=one.issuers, admin=one.is_admin)
                    for one in cluster.clients
                ),
            ),
        ),
        node_types=_node_types(observation),
        unresolved=tuple(unresolved),
    )
