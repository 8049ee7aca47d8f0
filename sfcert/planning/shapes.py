"""Does a scale set's body have the shape that its edits count on? Asked of hand-made captures. Floor 4, pure.

A stage writes a body back as it was read, edited in place: extensions are found by name, vm secrets by vault and URL.
Azure itself never answers otherwise; a bundle that somebody edited may. Leaves out what each value means (`sources`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfcert.model.ids import same_id
from sfcert.model.observation import Observation
from sfcert.planning.reasons import Reasons

_PROFILE = "properties.virtualMachineProfile"


def check_shapes(observation: Observation, reasons: Reasons) -> bool:
    """Whether every scale set can be edited; each place that cannot is a reason.

    Effects: adds to `reasons`.
    """
    is_fit = True
    for one in observation.scale_sets:
        body = next(raw.body for key, raw in observation.bundle.resources.items() if same_id(key, one.id))
        for path, wanted in _odd(body):
            is_fit = False
            reasons.add(
                f"{path} of the scale set {one.name} is not {wanted}, so that nothing can be written back in its "
                "place. Capture again, or mend the bundle."
            )
    return is_fit


def _odd(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    profile = (body.get("properties") or {}).get("virtualMachineProfile") or {}
    extensions = (profile.get("extensionProfile") or {}).get("extensions") or []
    names = [one.get("name") for one in extensions if isinstance(one, dict)]
    texts = [name.lower() for name in names if isinstance(name, str) and name]
    if len(texts) < len(extensions) or len(set(texts)) < len(texts):
        yield f"{_PROFILE}.extensionProfile.extensions", "a list of extensions with a name each, all different"
    for at, group in enumerate((profile.get("osProfile") or {}).get("secrets") or []):
        path = f"{_PROFILE}.osProfile.secrets[{at}]"
        if not isinstance(group, dict):
            yield path, "an object with vaultCertificates"
            continue
        entries = group.get("vaultCertificates")
        if entries is not None and not (isinstance(entries, list) and all(isinstance(one, dict) for one in entries)):
            yield f"{path}.vaultCertificates", "a list of objects with a certificateUrl each"
        if not isinstance(group.get("sourceVault") or {}, dict):
            yield f"{path}.sourceVault", "an object with an id"
