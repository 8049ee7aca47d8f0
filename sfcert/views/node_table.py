"""Which node presents what? The table that `watch` and `apply` show while they look."""

from __future__ import annotations

from sfcert.converge.node_table import NodeTable
from sfcert.views.text import PLAIN, Page, instant

_SEEN = {"tls": "handshake", "health": "health event", "inferred": "inferred, not seen", "none": "not seen"}


def node_lines(nodes: NodeTable, page: Page = PLAIN) -> list[str]:
    """A row for each node: name, domain, status, thumbprint, how that is known, until when."""
    rows = [
        (
            row.node,
            f"ud {row.upgrade_domain}" if row.upgrade_domain is not None else "",
            row.status or "?",
            row.presents or "?",
            _SEEN[row.evidence],
            f"until {instant(row.expires_utc)}" if row.expires_utc else "",
        )
        for row in nodes.rows
    ]
    return page.table(rows, indent=4)
