"""What does the captured world mean? `Bundle` in, `Observation` out: the one place where raw bodies become facts.

Pure. Leaves out: judging (rules, trust), and reading from anywhere (bundle, template, live).
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sfcert.errors import Fault, InputError
from sfcert.model.bundle import Bundle, RawResource
from sfcert.model.ids import parse_resource_id, same_id
from sfcert.model.observation import ManagedIdentity, Observation, RoleAssignment, ScaleSet, Vault
from sfcert.sources.body import Body
from sfcert.sources.read_cluster import read_cluster
from sfcert.sources.read_runtime import read_runtime
from sfcert.sources.read_scale_set import node_extension_of, read_scale_set
from sfcert.sources.read_vault import read_vault, vault_url_of

T = TypeVar("T")

_CLUSTER = "microsoft.servicefabric/clusters"
_SCALE_SET = "microsoft.compute/virtualmachinescalesets"
_IDENTITY = "microsoft.managedidentity/userassignedidentities"
_VAULT = "microsoft.keyvault/vaults"
_ROLE = "microsoft.authorization/roleassignments"


def _by_type(bundle: Bundle) -> dict[str, list[tuple[str, RawResource]]]:
    found: dict[str, list[tuple[str, RawResource]]] = {}
    faults: list[Fault] = []
    for resource_id, raw in bundle.resources.items():
        try:
            found.setdefault(parse_resource_id(resource_id).type.lower(), []).append((resource_id, raw))
        except ValueError as error:
            faults.append(Fault(str(error), path="resources"))
    if faults:
        raise InputError("BundleInvalid", "The bundle names resources that have no resource id.", faults)
    return found


def _lookup(table: dict[str, T] | None, resource_id: str) -> T | None:
    return next((value for key, value in (table or {}).items() if same_id(key, resource_id)), None)


def _vaults(bundle: Bundle, raws: list[tuple[str, RawResource]], *, is_authored: bool) -> tuple[Vault, ...]:
    resources = {vault_url_of(key, raw.body, is_authored=is_authored): (key, raw) for key, raw in raws}
    contents = {url.rstrip("/").lower(): raw for url, raw in bundle.vaults.items()}
    vaults = []
    for url in sorted(resources.keys() | contents.keys()):
        resource_id, resource = resources.get(url, (None, None))
        vaults.append(read_vault(url, resource_id, resource, contents.get(url), is_authored=is_authored))
    return tuple(vaults)


def _identity(resource_id: str, raw: RawResource, *, is_authored: bool) -> ManagedIdentity:
    body = Body(raw.body, symbolic=is_authored)
    return ManagedIdentity(
        id=resource_id,
        name=resource_id.rstrip("/").rsplit("/", 1)[-1],
        location=body.text("location"),
        client_id=body.text("properties", "clientId"),
        principal_id=body.text("properties", "principalId"),
        tenant_id=body.text("properties", "tenantId"),
    )


def _role(resource_id: str, raw: RawResource, *, is_authored: bool) -> RoleAssignment:
    properties = Body(raw.body, symbolic=is_authored).at("properties")
    return RoleAssignment(
        id=resource_id,
        scope=properties.text("scope") or parse_resource_id(resource_id).scope,
        principal_id=(properties.text("principalId") or "").lower(),
        role_id=(properties.text("roleDefinitionId") or "").rstrip("/").rsplit("/", 1)[-1].lower(),
    )


def observe(bundle: Bundle, now: datetime | None = None) -> Observation:
    """The facts of one captured world.

    Args:
        now: aware UTC; what every judgement takes for the present. None: the instant of the capture.

    Returns:
        Scale sets in order of resource id, vaults by URL, roles by id. Only scale sets with a node extension; whether
        they belong to this cluster was decided when they were captured.

    Raises:
        InputError: BundleInvalid where the cluster itself is not in the bundle.
    """
    is_authored = bundle.source == "template"
    kinds = _by_type(bundle)
    cluster = next((raw for key, raw in kinds.get(_CLUSTER, []) if same_id(key, bundle.cluster_id)), None)
    if cluster is None:
        raise InputError("BundleInvalid", f"The bundle does not hold its own cluster, {bundle.cluster_id}.")
    scale_sets: list[ScaleSet] = []
    types: list[str] = []
    for key, raw in sorted(kinds.get(_SCALE_SET, [])):
        instances, stores = _lookup(bundle.vm_instances, key), _lookup(bundle.node_stores, key)
        scale_set = read_scale_set(key, raw, instances, stores, is_authored=is_authored)
        if scale_set is not None:
            scale_sets.append(scale_set)
            extension = node_extension_of(Body(raw.body, symbolic=is_authored))
            types.append((extension.text("properties", "type") or "") if extension else "")
    return Observation(
        source=bundle.source,
        observed_at_utc=now or bundle.captured_at_utc,
        cluster=read_cluster(bundle.cluster_id, cluster, tuple(types), is_authored=is_authored),
        scale_sets=tuple(scale_sets),
        identities=tuple(_identity(key, raw, is_authored=is_authored) for key, raw in sorted(kinds.get(_IDENTITY, []))),
        vaults=_vaults(bundle, kinds.get(_VAULT, []), is_authored=is_authored),
        role_assignments=tuple(_role(key, raw, is_authored=is_authored) for key, raw in sorted(kinds.get(_ROLE, []))),
        runtime=read_runtime(bundle.runtime),
        unread=bundle.unread,
        unresolved=bundle.unresolved,
        bundle=bundle,
    )
