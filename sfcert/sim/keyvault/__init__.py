"""Key Vault: vaults over ARM, certificates and secrets on the data plane. Services: `vaults`, `vault-http`."""

from __future__ import annotations

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.keyvault.control import VaultProvider
from sfcert.sim.keyvault.http import VaultHttp
from sfcert.sim.keyvault.vaults import Vaults


def install(azure: Azure) -> None:
    vaults = Vaults(azure)
    azure.add_service("vaults", vaults)
    azure.add_service("vault-http", VaultHttp(azure, vaults))
    azure.register(VaultProvider(azure, vaults))
