"""Microsoft.Resources/deployments: templates put on the world, validated, compared with it."""

from __future__ import annotations

from sfcert.sim.deployments.linked import Content
from sfcert.sim.deployments.provider import Deployments
from sfcert.sim.kernel.azure import Azure

__all__ = ["Content", "Deployments", "install"]


def install(azure: Azure) -> None:
    """Add the provider of deployments as the service `deployments`, and `content`: what this world publishes.

    The front door's services must be there.
    """
    deployments = Deployments(azure)
    azure.register(deployments)
    azure.add_service("deployments", deployments)
    azure.add_service("content", Content())
