"""Which certificates would Windows bind to another as its renewal? The rule of inclusion of SAN sets. Floor 3.

When the extension has fetched C, every certificate X in the store whose SAN set is a subset of C's is marked as renewed
by C, and credentials for X are from then on those of C. Source: service-fabric.md 7 row 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfcert.model.certificate import Certificate


def links(certificates: Sequence[Certificate]) -> tuple[tuple[Certificate, Certificate], ...]:
    """Pairs (old, new) that linking makes among certificates fetched in any order; a certificate never links to itself.

    Names are compared without regard to case. A certificate without names links to nothing: its empty set says
    nothing of its purpose (assumed; the vendor's text speaks of shared names).
    """
    names = {one.thumbprint: frozenset(name.lower() for name in one.dns_names) for one in certificates}
    return tuple(
        (old, new)
        for old in certificates
        for new in certificates
        if old.thumbprint != new.thumbprint and names[old.thumbprint] and names[old.thumbprint] <= names[new.thumbprint]
    )
