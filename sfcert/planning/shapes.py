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
_EXTENSIONS = f"{_PROFILE}.extensionProfile.extensions"
_SECRETS = f"{_PROFILE}.osProfile.secrets"
_OBJECTS = (
    "identity",
    "identity.userAssignedIdentities",
    "properties",
    _PROFILE,
    f"{_PROFILE}.osProfile",
    f"{_PROFILE}.extensionProfile",
)


def check_shapes(observation: Observation, reasons: Reasons) -> bool:
    """Whether every scale set can be edited; each place that cannot is a reason. In an authored template an expression
    may stand in the place of anything, and nothing is sent.

    Effects: adds to `reasons`.
    """
    if observation.source == "template":
        return True
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
    found = [(path, _at(body, path)) for path in _OBJECTS]
    broken = [path for path, value in found if value is not None and not isinstance(value, dict)]
    if broken:
        yield from ((path, "an object") for path in broken)
        return
    yield from _odd_extensions(_at(body, _EXTENSIONS) or [])
    yield from _odd_secrets(_at(body, _SECRETS) or [])


def _at(body: dict[str, Any], path: str) -> Any:
    """What stands there; None also where something on the way is no object."""
    value: Any = body
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _odd_extensions(extensions: Any) -> Iterator[tuple[str, str]]:
    listed = extensions if isinstance(extensions, list) else [None]
    names = [one.get("name") for one in listed if isinstance(one, dict)]
    texts = [name.lower() for name in names if isinstance(name, str) and name]
    if len(texts) < len(listed) or len(set(texts)) < len(texts):
        yield _EXTENSIONS, "a list of extensions with a name each, all different"
        return
    for one in (each for each in listed if each is not None):
        publisher = str(_at(one, "properties.publisher") or "").lower()
        if publisher == "microsoft.azure.servicefabric" and not isinstance(_at(one, "properties.settings"), dict):
            yield f"{_EXTENSIONS}[name='{one['name']}'].properties.settings", "an object"


def _odd_secrets(secrets: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(secrets, list):
        yield _SECRETS, "a list"
        return
    for at, group in enumerate(secrets):
        if not isinstance(group, dict):
            yield f"{_SECRETS}[{at}]", "an object with vaultCertificates"
            continue
        entries = group.get("vaultCertificates")
        if entries is not None and not (isinstance(entries, list) and all(isinstance(one, dict) for one in entries)):
            yield f"{_SECRETS}[{at}].vaultCertificates", "a list of objects with a certificateUrl each"
        if not isinstance(group.get("sourceVault") or {}, dict):
            yield f"{_SECRETS}[{at}].sourceVault", "an object with an id"
