"""Which value has a parameter that stands in a vault? A deployment's `reference` read from a vault of this world.

Source: "Use Azure Key Vault to pass secure parameter value during deployment" of the ARM documentation, read 2026-11:
the vault must be enabled for template deployment, the caller needs `Microsoft.KeyVault/vaults/deploy/action` on it, and
Resource Manager itself reads the secret, past the vault's own access list. Codes and messages as deployments are known
to answer them (Azure/azure-powershell#5324, Azure/bicep#6859).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfcert.sim.front.access import check_access
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.provider import Caller

_DEPLOY = "Microsoft.KeyVault/vaults/deploy/action"


def read_reference(azure: Azure, caller: Caller, name: str, reference: Any) -> str:
    """The secret that a parameter's `reference` means.

    Args:
        name: the parameter's, for the refusal.
        reference: `{"keyVault": {"id"}, "secretName", "secretVersion"?}`.

    Raises:
        AzureFailure: 400 `KeyVaultParameterReferenceNotFound`, `KeyVaultParameterReferenceSecretRetrieveFailed`,
            403 `KeyVaultParameterReferenceAuthorizationFailed`, 400 `InvalidRequestContent`.
    """
    vault_id, secret, version = _parts(name, reference)
    vault = azure.resources.get(vault_id)
    if vault is None:
        raise AzureFailure(
            400,
            "KeyVaultParameterReferenceNotFound",
            f"The specified KeyVault '{vault_id}' could not be found. Please see https://aka.ms/arm-keyvault for usage"
            " details.",
        )
    try:
        check_access(azure, caller, _DEPLOY, vault.id.text)
    except AzureFailure as failure:
        raise AzureFailure(
            403,
            "KeyVaultParameterReferenceAuthorizationFailed",
            f"The client does not have permission to perform action '{_DEPLOY}' on the specified KeyVault resource"
            f" '{vault_id}' of the parameter '{name}'. {failure.message}",
        ) from failure
    if not (vault.body.get("properties") or {}).get("enabledForTemplateDeployment"):
        raise _refused(name, "Forbidden", "Access denied to first party service.")
    vaults = azure.find_service("vaults")
    try:
        found = vaults.readable(vaults.content(vault.id.name), secret, version)
    except AzureFailure as failure:
        raise _refused(name, "NotFound" if failure.status == 404 else "Forbidden", failure.message) from failure
    return str(vaults.secret_text(found))


def _parts(name: str, reference: Any) -> tuple[str, str, str | None]:
    vault = reference.get("keyVault") if isinstance(reference, Mapping) else None
    vault_id = vault.get("id") if isinstance(vault, Mapping) else None
    secret = reference.get("secretName") if isinstance(reference, Mapping) else None
    if not isinstance(vault_id, str) or not isinstance(secret, str):
        raise AzureFailure(
            400,
            "InvalidRequestContent",
            f"The request content was invalid: the reference of the parameter '{name}' needs 'keyVault.id' and"
            " 'secretName'.",
        )
    version = reference.get("secretVersion")
    return vault_id, secret, str(version) if version else None


def _refused(name: str, status: str, message: str) -> AzureFailure:
    return AzureFailure(
        400,
        "KeyVaultParameterReferenceSecretRetrieveFailed",
        f"The secret of KeyVault parameter '{name}' cannot be retrieved. Http status code: '{status}'. Error message:"
        f" '{message}'. Please see https://aka.ms/arm-keyvault for usage details.",
    )
