"""User-assigned identities, and whose token a machine gets. Service name: `identities`."""

from __future__ import annotations

from sfcert.sim.identity.identities import Identities
from sfcert.sim.identity.provider import IdentityProvider
from sfcert.sim.kernel.azure import Azure


def install(azure: Azure) -> None:
    identities = Identities(azure)
    azure.add_service("identities", identities)
    azure.register(IdentityProvider(azure, identities))
