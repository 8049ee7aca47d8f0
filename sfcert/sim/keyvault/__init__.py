"""Key Vault: vaults over ARM, certificates and secrets on the data plane. Services: `vaults`, `vault-http`."""

from __future__ import annotations

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.keyvault.vaults import Vaults


def install(azure: Azure) -> None:
    azure.add_service("vaults", Vaults(azure))
