"""How is a capture reported? What was read, and by name what was not."""

from __future__ import annotations

from collections import Counter

from sfcert.model.bundle import Bundle
from sfcert.model.ids import parse_resource_id


def capture_human(bundle: Bundle, file: str) -> str:
    kinds = Counter(parse_resource_id(key).type.rsplit("/", 1)[-1] for key in bundle.resources)
    lines = [f"Captured {bundle.cluster_id}", f"  at {bundle.captured_at_utc:%Y-%m-%d %H:%M:%S} UTC into {file}"]
    lines += [f"  {count:4d} {kind}" for kind, count in sorted(kinds.items())]
    lines.append(f"  {sum(len(one) for one in (bundle.vm_instances or {}).values()):4d} instances")
    certificates = [name for vault in bundle.vaults.values() for name in vault.certificates]
    lines.append(f"  {len(certificates):4d} vault certificates")
    lines.append(f"  {len(bundle.runtime.nodes or []):4d} nodes seen by Service Fabric itself")
    lines += [f"  not read: {one.what}: {one.why}" for one in bundle.unread]
    return "\n".join(lines) + "\n"
