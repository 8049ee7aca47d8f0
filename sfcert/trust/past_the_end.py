"""Can a cluster live on past the end of this certificate, or come back after it, by stages of a plan? Floor 2, pure.

Leaves out the stages (planning's `recovery`). Source: reference 1.3 (the setting: self-signed, by thumbprint, Windows),
7 rows 11 and 12 (by name any newer valid certificate of that name).
"""

from __future__ import annotations

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Cluster

PLAYBOOK = "recover-expired"


def setting_helps(cluster: Cluster, leaf: Certificate) -> bool:
    """Whether nodes can be told to go on with it: it is declared by thumbprint, self-signed, and they run Windows."""
    return cluster.os == "Windows" and leaf.is_self_signed and leaf.thumbprint in cluster.certificate.thumbprints


def can_be_recovered(cluster: Cluster, leaf: Certificate) -> bool:
    """Whether there are stages once it has ended."""
    return setting_helps(cluster, leaf) or leaf.common_name in {one.common_name for one in cluster.certificate.names}
