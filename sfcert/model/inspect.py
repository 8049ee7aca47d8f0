"""What is declared where, in short? The document `sfcert.inspect/1`. Floor 0.

Leaves out: judging. The keys are a contract with users; add, never rename.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from sfcert.model.base import Value

FORMAT = "sfcert.inspect/1"
RoleKind = Literal["thumbprint", "common-name", "none", "unresolved"]


class Role(Value):
    """One role of the cluster. `values` are thumbprints (primary first) or names; `issuers` is name -> pins.

    Declared both ways at once, which the provider refuses, reads as "thumbprint" with the names after the thumbprints,
    so that nothing is lost and `issuers` tells which values are names. A role that is not declared has neither
    `issuers` nor `store`.
    """

    kind: RoleKind
    values: tuple[str, ...]
    issuers: dict[str, tuple[str, ...]] | UnsetType = UNSET
    store: str | UnsetType | None = UNSET


class Client(Value):
    kind: Literal["thumbprint", "common-name"]
    value: str
    issuers: tuple[str, ...]
    admin: bool


class Roles(msgspec.Struct, frozen=True, kw_only=True, rename={"reverse_proxy": "reverse-proxy"}):
    cluster: Role
    reverse_proxy: Role
    clients: tuple[Client, ...]


class InspectedCluster(Value):
    id: str
    runtime: str | None
    state: str | None
    os: Literal["Windows", "Linux", "unknown"]
    roles: Roles


class NodeDeclaration(Value):
    kind: RoleKind
    values: tuple[str, ...]


class InspectedExtension(Value):
    """The Key Vault VM extension; flags None where absent, which the vendor reads as false or does not document."""

    name: str
    type: str
    version: str | None
    observed: tuple[str, ...]
    polling_interval_s: int | None
    require_initial_sync: bool | None
    link_on_renewal: bool | None
    client_id: str | None


class InspectedNodeType(Value):
    """One node type, or the part of it whose scale sets declare alike. `count` None: not known."""

    name: str
    scale_sets: tuple[str, ...]
    count: int | None
    durability: str | None
    upgrade_mode: str | None
    declaration: NodeDeclaration
    vm_secrets: tuple[str, ...]
    key_vault_extension: InspectedExtension | None


class Inspect(Value):
    """The whole. `unresolved` lists "path: why" for what no file could tell, and node types whose
    scale set was not seen."""

    cluster: InspectedCluster
    node_types: tuple[InspectedNodeType, ...]
    unresolved: tuple[str, ...] = field(default_factory=tuple)
    format: str = FORMAT
