"""Who calls? The credential, built by the command line and handed down. Floor 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfcert.azure.sign_in import TellingCredential

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def default_credential(*, connection_verify: str | None = None) -> TokenCredential:
    """What the environment offers: variables, workload or managed identity, az, and the rest of azure-identity's chain.

    No browser is ever opened. Effects: none before the first token.
    """
    from azure.identity import DefaultAzureCredential

    found = DefaultAzureCredential(exclude_interactive_browser_credential=True, **_options(connection_verify))
    return TellingCredential(found)


def service_principal(
    tenant_id: str, client_id: str, client_secret: str, *, connection_verify: str | None = None
) -> TokenCredential:
    """An explicit service principal by secret. The secret stays inside the credential; nothing here prints it."""
    from azure.identity import ClientSecretCredential

    # the house's own table decides what is tried again, as for every other client
    options = {"retry_total": 0, **_options(connection_verify)}

    def made() -> Any:
        return ClientSecretCredential(tenant_id, client_id, client_secret, **options)

    return TellingCredential(made(), made)


def _options(connection_verify: str | None) -> dict[str, Any]:
    return {} if connection_verify is None else {"connection_verify": connection_verify}
