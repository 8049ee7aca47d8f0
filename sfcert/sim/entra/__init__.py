"""Microsoft Entra, as far as a client needs it to get a token. Tokens live in wall time, not in the world's."""

from __future__ import annotations

from collections.abc import Callable

from sfcert.sim.entra.entra import Entra
from sfcert.sim.kernel.azure import Azure

__all__ = ["Entra", "install"]


def install(azure: Azure, *, wall: Callable[[], float] | None = None) -> None:
    """Add the service `entra`. `wall` gives seconds since the epoch (tokens expire by it); a fixed one for tests."""
    azure.add_service("entra", Entra(azure, wall or (lambda: 1_700_000_000.0)))
