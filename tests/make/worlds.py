"""The knobs of a world: what is declared, provided, stored and allowed. A body is made of them elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.make.certificates import Issued, leaf
from tests.make.names import Json
from tests.make.policies import policy


@dataclass(frozen=True)
class NodeTypeShape:
    """One node type and its scale set."""

    name: str = "nt0"
    count: int = 5
    durability: str = "Silver"
    is_primary: bool = True
    mode: str = "Automatic"


@dataclass(frozen=True)
class World:
    """The knobs. `declared` None leaves the role undeclared; `pins` None means the direct issuer of `goal`."""

    node_types: tuple[NodeTypeShape, ...] = (NodeTypeShape(),)
    current: Issued | None = None
    goal: Issued | None = None
    secondary: Issued | None = None
    by_name: bool = False
    pins: str | None = None
    rbac: bool = True
    has_identity: bool = False
    has_access: bool = False
    has_extension: bool = False
    extension_version: str = "3.0"
    has_secrets: bool = True
    has_stores: bool = True
    versions: tuple[Issued, ...] | None = None
    policy: Json = field(default_factory=policy)
    pending: Json | None = None
    tags: Json | None = None
    state: str = "Ready"
    provisioning_state: str = "Succeeded"
    runtime: str = "11.4.268.1"
    os: str = "Windows"
    reverse_proxy: Issued | None = None
    unread: tuple[tuple[str, str], ...] = ()
    api_version_scale_set: str = "2024-11-01"

    @property
    def now_declared(self) -> Issued:
        return self.current or leaf()

    @property
    def leads_to(self) -> Issued:
        return self.goal or self.now_declared


def world(**changes: Any) -> World:
    """The healthy thumbprint world with these knobs turned."""
    return replace(World(), **changes)


def common_name_world(**changes: Any) -> World:
    """The same cluster after its migration: declared by name and pinned, fed by the extension, nothing left over."""
    done: Json = {
        "by_name": True,
        "has_identity": True,
        "has_access": True,
        "has_extension": True,
        "has_secrets": False,
        "policy": policy(action="AutoRenew", issuer="ExampleCA"),
    }
    return replace(World(), **(done | changes))
