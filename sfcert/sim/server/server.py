"""What runs while the embedded Azure is up? One TLS port, one proxy, one control port, and the passing of time.

All on one event loop, which is also the only thread that touches the world. Leaves out: threads, processes and files
(see the host).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives import serialization

from sfcert.sim.dns.door import DnsDoor
from sfcert.sim.front import Tempo
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.server.authority import ServerAuthority
from sfcert.sim.server.control import Control
from sfcert.sim.server.doors import VAULT_SUFFIX, Doors
from sfcert.sim.server.environment import describe_environment
from sfcert.sim.server.proxy import Proxy

#: Templates may have 4 MB; az sends them as they are.
_BODY_LIMIT = 16 * 1024 * 1024
_TICK_S = 0.05
_TLS_GOODBYE_S = 0.1


class Server:
    """The listeners over one world, which `reset` replaces."""

    def __init__(self, build: Callable[[], Azure], *, now: datetime, control_token: str, folder: Path) -> None:
        """A server that does not listen yet.

        Args:
            build: makes a fresh world each time.
            now: wall time, for the servers' own certificates.
            control_token: what the paths of the control API begin with.
            folder: where clients find the authority's certificate (`ca.pem`) and keep their own things (`az/`).
        """
        self._build = build
        self.azure = build()
        self._doors = Doors(self.azure)
        self.authority = ServerAuthority(now)
        self._context = self.authority.server_context()
        self._runner: web.AppRunner | None = None
        self._listeners: list[asyncio.Server] = []
        self._ticker: asyncio.Task[None] | None = None
        self.control = Control(self, control_token)
        self.proxy: Proxy | None = None
        self.dns = DnsDoor(lambda: self.azure)
        self.ca_file = folder / "ca.pem"
        self.config_dir = folder / "az"
        self.stopping = asyncio.Event()
        self.tls_port = 0

    async def start(self) -> None:
        """Listen on free loopback ports and write `ca.pem`."""
        self.ca_file.write_text(self.authority.root_pem, encoding="ascii")
        application = web.Application(client_max_size=_BODY_LIMIT)
        application.router.add_route("*", "/{tail:.*}", self._handle)
        # Requests of one test or client are few; access logs would cost more than they tell.
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        self.tls_port = await self._listen()
        self.proxy = Proxy(lambda: self.azure, self._take_over)
        await self.proxy.start()
        await self.control.start()
        await self.dns.start()
        await self._start_endpoints()
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Close everything; nothing listens afterwards."""
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        await self._stop_endpoints()
        if self.proxy is not None:
            await self.proxy.stop()
        await self.control.stop()
        await self.dns.stop()
        for listener in self._listeners:
            listener.close()
        if self._runner is not None:
            assert self._runner.server is not None
            left = [handler.transport for handler in self._runner.server.connections]
            await self._runner.cleanup()
            for transport in left:
                # A client that keeps its connection open does not say goodbye in TLS; nobody waits for it.
                if transport is not None:
                    transport.abort()

    async def reset(self) -> None:
        """A fresh world on the same ports, with the same authority of the servers."""
        fresh = self._build()
        await self._stop_endpoints()
        self.azure = fresh
        ports = self._doors.vault_ports
        self._doors = Doors(self.azure)
        self._doors.vault_ports = ports
        await self._start_endpoints()

    async def vault_port(self, vault_name: str) -> int:
        """The loopback port that stands for one vault on the direct way in; opened at the first call."""
        host = f"{vault_name.lower()}{VAULT_SUFFIX}"
        for port, known in self._doors.vault_ports.items():
            if known == host:
                return port
        port = await self._listen()
        self._doors.vault_ports[port] = host
        return port

    def environment(self) -> dict[str, str]:
        """What a client's environment needs to live in this world, production names through the proxy."""
        assert self.proxy is not None
        return describe_environment(
            self.azure,
            proxy_url=f"http://127.0.0.1:{self.proxy.port}",
            ca_file=self.ca_file,
            config_dir=self.config_dir,
            control_url=self.control.url,
            dns_server=self.dns.address,
            client_certificate=self._client_certificate(),
        )

    def _client_certificate(self) -> Path | None:
        """The operator's client certificate with its key as a PEM file that its owner alone can read, or None.

        The key is worth nothing outside this simulator, which made it up.
        """
        issued = self.azure.find_service("operator-client")
        if issued is None:
            return None
        key = issued.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.config_dir.parent / "operator.pem"
        file.touch(mode=0o600)
        file.write_bytes(key + issued.pem().encode())
        return file

    async def _listen(self) -> int:
        """Open one more TLS port for the same application."""
        assert self._runner is not None
        assert self._runner.server is not None
        listener = await asyncio.get_running_loop().create_server(
            self._runner.server, "127.0.0.1", 0, ssl=self._context, ssl_shutdown_timeout=_TLS_GOODBYE_S
        )
        self._listeners.append(listener)
        port: int = listener.sockets[0].getsockname()[1]
        return port

    async def _take_over(self, transport: asyncio.Transport) -> None:
        """Go on with a connection of the proxy's as with one of our own: TLS, then requests."""
        assert self._runner is not None
        assert self._runner.server is not None
        protocol = self._runner.server()
        secured = await asyncio.get_running_loop().start_tls(
            transport, protocol, self._context, server_side=True, ssl_shutdown_timeout=_TLS_GOODBYE_S
        )
        assert secured is not None
        protocol.connection_made(secured)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        return await self._doors.handle(request)

    async def _start_endpoints(self) -> None:
        endpoints = self.azure.find_service("endpoints")
        if endpoints is not None:
            await endpoints.start()

    async def _stop_endpoints(self) -> None:
        endpoints = self.azure.find_service("endpoints")
        if endpoints is not None:
            await endpoints.stop()

    async def _tick(self) -> None:
        """Move time by factor while that tempo is chosen. Wall seconds come from the event loop's own clock."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(_TICK_S)
            passed_s, last = loop.time() - last, loop.time()
            tempo = self.azure.service("tempo", Tempo)
            if tempo.mode == "factor":
                self.azure.clock.advance(passed_s * tempo.factor)
