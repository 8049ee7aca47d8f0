"""Role assignments and built-in roles, propagating in virtual time. Service name: `authorization`.

Where Entra is there already, its default application becomes the operator of the whole subscription.
"""

from __future__ import annotations

from sfcert.sim.authorization.provider import AuthorizationProvider
from sfcert.sim.authorization.roles import Roles
from sfcert.sim.kernel.azure import Azure


def install(azure: Azure) -> None:
    roles = Roles(azure)
    azure.add_service("authorization", roles)
    azure.register(AuthorizationProvider(azure, roles))
    entra = azure.find_service("entra")
    if entra is not None:
        roles.make_operator(entra.default.object_id)
