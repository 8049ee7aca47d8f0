"""Role assignments and built-in roles, propagating in virtual time. Service name: `authorization`."""

from __future__ import annotations

from sfcert.sim.authorization.provider import AuthorizationProvider
from sfcert.sim.authorization.roles import Roles
from sfcert.sim.kernel.azure import Azure


def install(azure: Azure) -> None:
    roles = Roles(azure)
    azure.add_service("authorization", roles)
    azure.register(AuthorizationProvider(azure, roles))
