"""What else goes by a thumbprint? Every declaration besides the cluster role that a certificate may serve. Floor 4.

What this finds keeps its vm secrets and its renewal frozen. Source: reference 1.1, 1.3, 1.4.
"""

from __future__ import annotations

import re

from sfcert.model.ids import same_id
from sfcert.model.observation import Observation, ScaleSet

_THUMBPRINT = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{40}(?![0-9A-Fa-f])")


def thumbprint_uses(observation: Observation, scale_set: ScaleSet | None = None) -> tuple[tuple[str, str], ...]:
    """(thumbprint, where) of every declaration by thumbprint but the cluster role's, in stable order.

    Args:
        scale_set: only what matters to its machines: the cluster's own declarations and that scale set's.

    Effects: none.
    """
    cluster = observation.cluster
    found = [(one, "the cluster's reverse proxy certificate") for one in cluster.reverse_proxy.thumbprints]
    for one in observation.scale_sets:
        if scale_set is None or same_id(scale_set.id, one.id):
            where = f"the reverse proxy certificate of {one.name}"
            found += [(thumbprint, where) for thumbprint in one.node_extension.reverse_proxy.thumbprints]
    found += [(one.value, "a client certificate") for one in cluster.clients if one.kind == "thumbprint"]
    for section, parameters in cluster.settings.items():
        for name, value in parameters.items():
            where = f"the setting {section}/{name}"
            found += [(match.upper(), where) for match in _THUMBPRINT.findall(value)]
    return tuple(dict.fromkeys(found))
