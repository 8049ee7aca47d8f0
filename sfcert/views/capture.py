"""How is a capture reported? What was read, and by name what was not."""

from __future__ import annotations

from collections import Counter

from sfcert.model.bundle import Bundle
from sfcert.model.ids import parse_resource_id
from sfcert.views.text import counted

#: Types as people call them; one that is not here is shown by its own name.
_CALLED = {
    "clusters": "cluster",
    "roleAssignments": "role assignment",
    "userAssignedIdentities": "user-assigned identity",
    "vaults": "vault",
    "virtualMachineScaleSets": "scale set",
}


def _counted(count: int, one: str, more: str = "") -> str:
    number, _, what = counted(count, one).partition(" ")
    return f"  {number:>4} {what}{more}"


def capture_human(bundle: Bundle, file: str) -> str:
    kinds = Counter(parse_resource_id(key).type.rsplit("/", 1)[-1] for key in bundle.resources)
    lines = [f"Captured {bundle.cluster_id}", f"  at {bundle.captured_at_utc:%Y-%m-%d %H:%M:%S} UTC into {file}"]
    for kind, count in sorted(kinds.items()):
        lines.append(_counted(count, _CALLED[kind]) if kind in _CALLED else f"  {count:4d} {kind}")
    lines.append(_counted(sum(len(one) for one in (bundle.vm_instances or {}).values()), "instance"))
    certificates = [name for vault in bundle.vaults.values() for name in vault.certificates]
    lines.append(_counted(len(certificates), "vault certificate"))
    lines.append(_counted(len(bundle.runtime.nodes or []), "node", " seen by Service Fabric itself"))
    lines += [f"  not read: {one.what}: {one.why}" for one in bundle.unread]
    lines += ["", f"Next: sfcert audit --bundle {file}"]
    return "\n".join(lines) + "\n"
