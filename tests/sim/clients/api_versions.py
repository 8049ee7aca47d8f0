"""Which api-versions do the clients ask for? Those of `az`, by the type of the resource, and where each is tried.

Not a test. `test_az.py` holds what az asks for against this list, `test_api_versions.py` has the SDKs speak each of
them, and the reference prints it.
"""

from __future__ import annotations

#: By type, lower case; `vault/…` is the data plane. As az 2.91.0 asks for them, commands of its table only.
OF_AZ: dict[str, tuple[str, ...]] = {
    "microsoft.authorization/roleassignments": ("2022-04-01",),
    "microsoft.authorization/roledefinitions": ("2022-05-01-preview",),
    "microsoft.compute/virtualmachinescalesets": ("2024-11-01", "2026-04-01"),
    "microsoft.keyvault/managedhsms": ("2026-02-01",),
    "microsoft.keyvault/vaults": ("2026-02-01",),
    "microsoft.managedidentity/userassignedidentities": ("2025-05-31-preview",),
    "microsoft.resources/deployments": ("2025-04-01",),
    "microsoft.servicefabric/clusters": ("2021-06-01",),
    "resourcegroups": ("2024-11-01",),
    "resources": ("2015-11-01", "2024-11-01"),
    "subscriptions": ("2022-12-01",),
    "vault/certificates": ("7.4",),
    "vault/secrets": ("7.4",),
}


def kind_of(path: str) -> str:
    """Under which name of the list a path of Resource Manager falls: the type above all, the last word elsewhere."""
    lowered = path.lower().rstrip("/")
    if "/providers/" in lowered:
        tail = lowered[lowered.rindex("/providers/") + len("/providers/") :].split("/")
        return "/".join(tail[:2])
    words = lowered.strip("/").split("/")
    if "deployments" in words:
        return "microsoft.resources/deployments"
    return words[-1] if len(words) % 2 else words[-2]
