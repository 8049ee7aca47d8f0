"""Is this really a node of the cluster? The server's chain against what the cluster declares, old and new. Floor 5.

Public roots are not asked: a cluster's certificate is trusted because it is declared.
Source: service-fabric.md 2.2, 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration, PinnedName
from sfcert.pki import direct_issuers


@dataclass(frozen=True, slots=True)
class NodeTrust:
    """What a node may serve. `issuers` are known authority certificates, for servers that send their leaf alone."""

    thumbprints: frozenset[str] = frozenset()
    names: tuple[PinnedName, ...] = ()
    issuers: tuple[Certificate, ...] = ()

    def refusal(self, chain: Sequence[Certificate]) -> str | None:
        """Why this server is none of the cluster's; None where it is. Dates are left to the caller's audit: a node with
        an expired certificate is still worth a look."""
        if not chain:
            return "it served no certificate"
        leaf = chain[0]
        if leaf.thumbprint in self.thumbprints:
            return None
        issuers = {leaf.thumbprint} if leaf.is_self_signed else set()
        issuers.update(one.thumbprint for one in direct_issuers(leaf, (*chain[1:], *self.issuers)))
        named = [pinned for pinned in self.names if _is_named(leaf, pinned.common_name)]
        # one name may be declared now with some pins and later with others: any of them will do
        if any(issuers & set(pinned.issuers) for pinned in named):
            return None
        if named:
            return f"{leaf.thumbprint} carries the declared name, but its direct issuer is not pinned"
        return f"{leaf.thumbprint} ({leaf.common_name}) is not what the cluster declares"


def trust_of(declarations: Iterable[Declaration], issuers: Iterable[Certificate] = ()) -> NodeTrust:
    """What these declarations (the present one, the goal's) let a node serve."""
    listed = tuple(declarations)
    return NodeTrust(
        thumbprints=frozenset(one for declaration in listed for one in declaration.thumbprints),
        names=tuple(name for declaration in listed for name in declaration.names),
        issuers=tuple(issuers),
    )


def _is_named(leaf: Certificate, name: str) -> bool:
    wanted = name.lower()
    for candidate in (leaf.common_name or "", *leaf.dns_names):
        lowered = candidate.lower()
        if lowered == wanted:
            return True
        if lowered.startswith("*.") and wanted.partition(".")[2] == lowered[2:]:
            return True
    return False
