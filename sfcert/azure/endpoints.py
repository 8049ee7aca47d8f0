"""What does any TLS endpoint serve? The `Endpoints` port: one handshake, judged by nobody here. Floor 5."""

from __future__ import annotations

from sfcert.azure.handshake import present_chain
from sfcert.azure.tunnel import Route


class TlsEndpoints:
    """The `Endpoints` port over a way out, a proxy's CONNECT where the environment names one."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def fetch_served(self, host: str, port: int, server_name: str | None) -> list[bytes]:
        return present_chain(host, port, self._route, server_name=server_name, service="TLS")
