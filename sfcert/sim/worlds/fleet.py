"""How are many clusters made? One after another from one declaration, each with a group, a vault and a name of its own.

They share the tenant, the authorities and the operator, as the clusters of one company do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.worlds.build import prepare
from sfcert.sim.worlds.specs import NodeType, Spec

#: Fifteen nodes of three types.
FIFTEEN = Spec(
    "Three node types of five.",
    (NodeType("system", 5, primary=True, durability="Silver"), NodeType("front", 5), NodeType("back", 5)),
)


def make(azure: Azure, count: int, spec: Spec = FIFTEEN) -> list[dict[str, Any]]:
    """Make `count` clusters and let each come to rest before the next.

    Returns:
        What `prepare` says of each, in order.
    """
    made = []
    for number in range(1, count + 1):
        name = f"{spec.cluster_name}-{number:04}"
        one = replace(spec, cluster_name=name, resource_group=f"rg-{name}", common_name=f"{name}.contoso.example")
        made.append(prepare(azure, "fleet", one))
    return made
