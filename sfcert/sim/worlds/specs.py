"""Which worlds are there? Each a small declaration of what differs from the plain cluster by thumbprint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class NodeType:
    name: str
    capacity: int
    primary: bool = False
    durability: str = "Bronze"

    def parameter(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "capacity": self.capacity,
            "primary": self.primary,
            "durability": self.durability,
        }


THREE = (
    NodeType("system", 5, primary=True, durability="Silver"),
    NodeType("front", 3),
    NodeType("back", 3),
)
ONE = (NodeType("nt0", 5, primary=True),)


@dataclass(frozen=True, slots=True)
class Spec:
    """One world. Days are counted from the instant at which the world begins; negative ones lie before it.
    `proxy_name`: the reverse proxy has a certificate of its own, of that name; `reader_client`: a client that is no
    admin is declared too."""

    sentence: str
    node_types: tuple[NodeType, ...] = ONE
    vault_model: str = "policy"
    mode: str = "Automatic"
    firewall: bool = False
    existing_extension: str | None = None
    reverse_proxy: bool = False
    proxy_name: str | None = None
    reader_client: bool = False
    secondary: bool = False
    operator_client: bool = True
    system_identity: bool = False
    vault_group: str | None = None
    self_signed: bool = False
    by_name: bool = False
    linux: bool = False
    issued_days: int = -20
    lifetime_days: int = 199
    auto_renew: bool = True
    renew_percentage: int = 80
    cluster_name: str = "sf-demo"
    resource_group: str = "rg-sf-demo"
    location: str = "westeurope"
    common_name: str = "sf-demo.contoso.example"
    certificate_name: str = "sf-cluster"
    cluster_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def needs_trusted_root(self) -> bool:
        """Version 4.0 of the Key Vault extension installs nothing whose root its machine does not trust."""
        return str(self.existing_extension or "").startswith("4.")


WORLDS: dict[str, Spec] = {
    "three-node-types": Spec("Three node types, thumbprint and vm secrets, a policy vault in the same group.", THREE),
    "one-node-type": Spec("One node type of five, Bronze, a policy vault."),
    "rbac-vault": Spec("One node type, the vault under role-based access.", vault_model="rbac"),
    "manual-mode": Spec("One node type whose machines take a new model only when asked.", mode="Manual"),
    "rolling-mode": Spec("One node type whose machines take a new model in batches.", mode="Rolling"),
    "silver": Spec("One Silver node type.", (NodeType("nt0", 5, primary=True, durability="Silver"),)),
    "gold": Spec("One Gold node type.", (NodeType("nt0", 5, primary=True, durability="Gold"),)),
    "existing-extension": Spec("The Key Vault extension 3.0 already serves an application.", existing_extension="3.0"),
    "existing-extension-1": Spec(
        "The Key Vault extension 1.0 already serves an application.", existing_extension="1.0"
    ),
    "reverse-proxy": Spec("The reverse proxy uses the same certificate by thumbprint.", reverse_proxy=True),
    "own-reverse-proxy": Spec(
        "The reverse proxy has a certificate of its own by thumbprint.", proxy_name="proxy.contoso.example"
    ),
    "two-clients": Spec("An admin client and one that may only read, both by thumbprint.", reader_client=True),
    "two-thumbprints": Spec("An older certificate is declared as the secondary.", secondary=True),
    "firewalled-vault": Spec("The vault refuses the machines' subnets but lets trusted services in.", firewall=True),
    "system-identity": Spec("The scale set has a system-assigned identity beside.", system_identity=True),
    "vault-elsewhere": Spec("The vault lies in another resource group.", vault_group="rg-shared-vaults"),
    "self-signed": Spec("The declared certificate is self-signed and named otherwise.", self_signed=True),
    "no-clients": Spec(
        "No client certificate is declared; the cluster certificate is the only key to it.", operator_client=False
    ),
}
