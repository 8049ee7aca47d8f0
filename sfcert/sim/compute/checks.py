"""What does the compute provider refuse before it touches a machine? Checks on a scale set's new model.

Source: reference 4.4, 5; for a second extension of one handler and for an extension that others wait for, the texts
that Azure is known to answer (Azure/WALinuxAgent pull request 2933; Azure/terraform-azurerm-avm-res-compute-
virtualmachine issue 39). Assumed: the codes of the other checks of sequence, of the time budget and of durability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sfcert.sim.compute.model import durability_of, extensions_of, profile_of, seconds_of
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.nodes.neighbours import AccessJudge, VaultSource

ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
MANY_MACHINES = 5
LEAST_BUDGET_S, MOST_BUDGET_S = 15 * 60, 120 * 60


def check_model(body: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> None:
    """Refuse a model that is wrong by itself.

    Args:
        body: the whole scale set as it is to be.
        known: the scale set as it stands, None where there is none; some refusals are worded by it.

    Raises:
        AzureFailure: 400 or 409 with the code of the first check that fails.
    """
    if str((body.get("properties") or {}).get("orchestrationMode") or "Uniform").lower() != "uniform":
        raise AzureFailure(400, "NotSupported", "The embedded Azure knows scale sets in Uniform orchestration only.")
    _check_handlers(extensions_of(body))
    _check_sequence(str(body.get("name")), extensions_of(body), extensions_of(known or {}))
    _check_time_budget(body)
    _check_secrets_shape(body)
    _check_durability(body, durability_of(known or {}))


def _check_handlers(extensions: list[dict[str, Any]]) -> None:
    handlers: Counter[tuple[str, str]] = Counter()
    for extension in extensions:
        properties = extension.get("properties") or {}
        handlers[str(properties.get("publisher", "")).lower(), str(properties.get("type", "")).lower()] += 1
    for extension in extensions:
        properties = extension.get("properties") or {}
        key = (str(properties.get("publisher", "")).lower(), str(properties.get("type", "")).lower())
        if handlers[key] > 1:
            raise AzureFailure(
                400,
                "BadRequest",
                "Multiple VMExtensions per handler not supported for OS type 'Windows'. VMExtension "
                f"'{extension.get('name')}' with handler '{properties.get('publisher')}.{properties.get('type')}' "
                "already added or specified in input.",
            )
    names = Counter(str(extension.get("name", "")).lower() for extension in extensions)
    doubled = [name for name, count in names.items() if count > 1]
    if doubled:
        raise AzureFailure(400, "InvalidParameter", f"The extension name '{doubled[0]}' is used more than once.")


def _check_sequence(resource: str, extensions: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    waits: dict[str, list[str]] = {}
    settings: dict[str, bool] = {}
    known = {str(extension.get("name")) for extension in before}
    for extension in extensions:
        properties = extension.get("properties") or {}
        waits[str(extension.get("name"))] = [str(name) for name in properties.get("provisionAfterExtensions") or []]
        settings[str(extension.get("name"))] = "settings" in properties
    for name, earlier in waits.items():
        for wanted in earlier:
            says = f"On resource '{resource}', extension '{name}' specifies '{wanted}' in its provisionAfterExtensions"
            if wanted not in waits and wanted in known:
                raise AzureFailure(
                    400,
                    "BadRequest",
                    f"{says} property, but the extension '{wanted}' will no longer exist. First, remove the extension "
                    f"'{name}' or remove '{wanted}' from the provisionAfterExtensions property of '{name}'.",
                )
            if wanted not in waits:
                raise AzureFailure(
                    400, "BadRequest", f"{says} property, but the extension '{wanted}' is not configured."
                )
            if not settings[wanted]:
                raise AzureFailure(
                    400,
                    "InvalidParameter",
                    f"The extension '{wanted}', after which '{name}' is to be provisioned, has no settings.",
                    target="provisionAfterExtensions",
                )
    left = dict(waits)
    while left:
        free = [name for name, earlier in left.items() if not any(other in left for other in earlier)]
        if not free:
            raise AzureFailure(
                400,
                "InvalidParameter",
                f"The extensions {', '.join(sorted(left))} wait for one another in a circle.",
                target="provisionAfterExtensions",
            )
        for name in free:
            del left[name]


def _check_time_budget(body: Mapping[str, Any]) -> None:
    """Between 15 and 120 minutes, both included, as the vendor's models say."""
    given = (profile_of(body).get("extensionProfile") or {}).get("extensionsTimeBudget")
    if given is not None and not LEAST_BUDGET_S <= seconds_of(given, 0) <= MOST_BUDGET_S:
        raise AzureFailure(
            400,
            "InvalidParameter",
            f"The value '{given}' of parameter extensionsTimeBudget is invalid: a duration from 15 to 120 minutes in "
            "ISO 8601 format is expected.",
            target="extensionsTimeBudget",
        )


def secrets_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The vm secrets of the model."""
    return list((profile_of(body).get("osProfile") or {}).get("secrets") or [])


def _check_secrets_shape(body: Mapping[str, Any]) -> None:
    vaults = Counter(str((group.get("sourceVault") or {}).get("id", "")).lower() for group in secrets_of(body))
    for vault, count in vaults.items():
        if count > 1:
            raise AzureFailure(
                400, "InvalidParameter", f"List secrets contains repeated instances of {vault}, which is disallowed."
            )


def _check_durability(body: Mapping[str, Any], before: str) -> None:
    level = durability_of(body)
    if level == "bronze":
        if before != "bronze" and _has_node_extension(body):
            raise AzureFailure(
                400,
                "BadRequest",
                f"Service Fabric durability level {before.capitalize()} cannot be lowered to Bronze.",
            )
        return
    capacity = int((body.get("sku") or {}).get("capacity") or 0)
    if capacity < MANY_MACHINES:
        raise AzureFailure(
            400,
            "BadRequest",
            f"Service Fabric durability level {level.capitalize()} requires at least {MANY_MACHINES} virtual machines; "
            f"the scale set has {capacity}.",
        )
    windows = (profile_of(body).get("osProfile") or {}).get("windowsConfiguration") or {}
    if windows.get("enableAutomaticUpdates") is True:
        raise AzureFailure(
            400,
            "BadRequest",
            f"Service Fabric durability level {level.capitalize()} requires enableAutomaticUpdates to be false.",
        )


def _has_node_extension(body: Mapping[str, Any]) -> bool:
    publishers = {str((one.get("properties") or {}).get("publisher", "")).lower() for one in extensions_of(body)}
    return "microsoft.azure.servicefabric" in publishers


def check_secrets(azure: Azure, body: Mapping[str, Any]) -> None:
    """Refuse vm secrets that the deployment service could not fetch.

    Raises:
        AzureFailure: 400 or 409 when the vault is elsewhere, not enabled for deployment, or the version is missing or
            disabled.
    """
    for group in secrets_of(body):
        vault_id = str((group.get("sourceVault") or {}).get("id", ""))
        vault = azure.resources.get(vault_id)
        if vault is None or not (vault.body.get("properties") or {}).get("enabledForDeployment"):
            raise AzureFailure(
                400,
                "KeyVaultAccessForbidden",
                f"Key Vault {vault_id} either has not been enabled for deployment or the vault id provided does not "
                "match the Key Vault's true resource id.",
            )
        if _region(vault.body.get("location")) != _region(body.get("location")):
            raise AzureFailure(
                400,
                "KeyVaultAndVMInDifferentRegions",
                f"The Key Vault {vault_id} is located in location {vault.body.get('location')}, which is "
                f"different from the location of the VM, {body.get('location')}.",
            )
        for certificate in group.get("vaultCertificates") or []:
            fetch_secret(azure, str(certificate.get("certificateUrl", "")))


def fetch_secret(azure: Azure, url: str) -> Any:
    """A version as the deployment service fetches it: past the firewall, without an access policy of its own.

    Raises:
        AzureFailure: `KeyVaultSecretDoesNotExist` and its like.
    """
    parts = url.split("/")
    if len(parts) < 6 or parts[3].lower() != "secrets" or not parts[5]:
        raise AzureFailure(
            400, "InvalidParameter", f"{url} is not a valid versioned Key Vault Secret URL.", target="certificateUrl"
        )
    vault_url, name, version = "/".join(parts[:3]), parts[4], parts[5]
    vaults = azure.service("vaults", VaultSource)  # type: ignore[type-abstract]  # a runtime-checkable protocol is a kind
    try:
        return vaults.secret(vault_url, name, version, principal_id="", trusted_service=True)
    except AzureFailure as failure:
        if failure.status == 404:
            raise AzureFailure(
                400,
                "KeyVaultSecretDoesNotExist",
                f"The Key Vault secret referenced with the URL {url} does not exist.",
            ) from failure
        raise AzureFailure(
            400, "KeyVaultAccessForbidden", f"The Key Vault secret {url} cannot be read: {failure.message}"
        ) from failure


def check_identities(azure: Azure, known: Mapping[str, Any], body: Mapping[str, Any], principal_id: str) -> None:
    """Refuse newly assigned identities that do not exist or that the caller may not assign.

    Raises:
        AzureFailure: 400 for an unknown identity, 403 `LinkedAuthorizationFailed` without the right to assign it.
    """
    before = {key.lower() for key in (known.get("identity") or {}).get("userAssignedIdentities") or {}}
    for identity_id in (body.get("identity") or {}).get("userAssignedIdentities") or {}:
        if identity_id.lower() in before:
            continue
        if azure.resources.get(identity_id) is None:
            raise AzureFailure(
                400,
                "FailedIdentityOperation",
                f"Identity operation failed: the resource '{identity_id}' was not found.",
            )
        judge = azure.service("authorization", AccessJudge)  # type: ignore[type-abstract]  # as above
        if not judge.may(principal_id, ASSIGN, identity_id):
            raise AzureFailure(
                403,
                "LinkedAuthorizationFailed",
                f"The client with object id '{principal_id}' has permission to perform action "
                "'Microsoft.Compute/virtualMachineScaleSets/write' on scope "
                f"'{body.get('id', '')}'; however, it does not have permission to perform action(s) '{ASSIGN}' on the "
                f"linked scope(s) '{parse_id(identity_id).text}' or the linked scope(s) are invalid.",
            )


def _region(location: Any) -> str:
    return str(location or "").replace(" ", "").lower()
