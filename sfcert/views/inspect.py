"""How is an inspection shown to people? Roles, node types, provisioning, and who presents what."""

from __future__ import annotations

from sfcert.model.inspect import Inspect, InspectedExtension
from sfcert.model.observation import Observation
from sfcert.views.text import PLAIN, Page, instant


def inspect_human(inspected: Inspect, observation: Observation, *, page: Page = PLAIN) -> str:
    cluster = inspected.cluster
    lines = [
        page.paint(cluster.id, "bold"),
        f"  runtime {cluster.runtime or 'unknown'}, {cluster.os}, state {cluster.state or 'unknown'}",
        "",
        page.paint("Declared", "bold"),
    ]
    rows: list[tuple[str, ...]] = []
    for name, role in (("cluster", cluster.roles.cluster), ("reverse proxy", cluster.roles.reverse_proxy)):
        issuers = role.issuers if isinstance(role.issuers, dict) else {}  # unset where nothing is declared
        pins = "; ".join(f"{cn} pinned to {', '.join(pinned) or 'nothing'}" for cn, pinned in issuers.items())
        rows.append((name, role.kind, ", ".join(role.values) or "-", pins))
    for client in cluster.roles.clients:
        kind = "admin client" if client.admin else "client"
        rows.append((kind, client.kind, client.value, ", ".join(client.issuers)))
    lines += page.table(rows)
    lines += ["", page.paint("Node types", "bold")]
    for one in inspected.node_types:
        head = f"{one.name}: {one.count if one.count is not None else '?'} nodes, {one.durability or '?'}"
        where = ", ".join(one.scale_sets) or "no scale set that was seen"
        lines += page.flow(f"{head}, {one.upgrade_mode or '?'}, on {where}", 2)
        lines += page.flow(f"declares {one.declaration.kind} {', '.join(one.declaration.values)}", 4)
        lines += [line for url in one.vm_secrets for line in page.flow(f"vm secret {url}", 4)]
        lines += page.flow(f"Key Vault extension: {_extension(one.key_vault_extension)}", 4)
    if observation.vaults:
        lines += ["", page.paint("Vault certificates", "bold")]
        rows = []
        for vault in observation.vaults:
            for certificate in vault.certificates or ():
                for version in certificate.versions:
                    issuer = version.issuer
                    rows.append(
                        (
                            certificate.url.removeprefix("https://"),
                            version.version[:8],
                            version.thumbprint,
                            "enabled" if version.enabled else "disabled",
                            f"until {instant(version.not_after_utc)}",
                            f"by {issuer.common_name if issuer else 'an issuer that is not known'}",
                        )
                    )
            if vault.certificates is None:
                rows.append((vault.url.removeprefix("https://"), "", "not read", "", "", ""))
        lines += page.table(rows)
    if observation.runtime is not None and observation.runtime.nodes is not None:
        lines += ["", page.paint("Nodes", "bold")]
        lines += page.table((node.name, node.status or "?", node.presents or "?") for node in observation.runtime.nodes)
    for title, items in (
        ("Not resolved", inspected.unresolved),
        ("Not read", tuple(f"{one.what}: {one.why}" for one in observation.unread)),
    ):
        if items:
            lines += ["", page.paint(title, "yellow"), *(line for item in items for line in page.flow(item, 2))]
    return "\n".join(lines) + "\n"


def _extension(extension: InspectedExtension | None) -> str:
    if extension is None:
        return "none"
    return f"{extension.name} {extension.version} observes {', '.join(extension.observed) or 'nothing'}"
