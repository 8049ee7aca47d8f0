"""Which hosts may a client reach? A CONNECT proxy that tunnels the simulated names to loopback and refuses all others.

With it clients keep their production host names, and nothing can leave this machine: there is no way through it to any
real address. Plain `http` requests are refused too, so that the metadata address of virtual machines is not asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sfcert.sim.entra.entra import LOGIN_HOSTS
from sfcert.sim.entra.graph import GRAPH_HOST
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.server.doors import VAULT_SUFFIX

_VAULT_TYPE = "Microsoft.KeyVault/vaults"
_HEAD_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class RefusedConnection:
    """A client asked for a host that is not simulated. `at` is virtual time."""

    at: datetime
    target: str
    reason: str


class Proxy:
    """The listening proxy. `tls_port` is where the simulated services are."""

    def __init__(self, azure: Callable[[], Azure], tls_port: int) -> None:
        self._azure = azure
        self._tls_port = tls_port
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.refused: list[RefusedConnection] = []

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; `port` 0 takes a free one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_HEAD_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for tunnel in list(self._tunnels):
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)
        for writer in list(self._open):
            # Not `close`: it would wait for a peer that may never read again.
            writer.transport.abort()
        self._open.clear()

    def target_of(self, host: str, port: int) -> int | None:
        """The loopback port that stands for `host:port`, or None where it may not be reached."""
        name = host.lower().strip("[]").rstrip(".")
        azure = self._azure()
        if port == 443 and (name in {"management.azure.com", GRAPH_HOST} or name in LOGIN_HOSTS):
            return self._tls_port
        if port == 443 and name.endswith(VAULT_SUFFIX):
            wanted = name.removesuffix(VAULT_SUFFIX)
            known = any(vault.id.name.lower() == wanted for vault in azure.resources.of_type(_VAULT_TYPE))
            return self._tls_port if known else None
        endpoints = azure.find_service("endpoints")
        if endpoints is None:
            return None
        found: int | None = endpoints.port_for(name, port)
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tunnels.add(task)
        self._open.add(writer)
        try:
            await self._tunnel(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            # The client or the target went away, or `stop` cut the tunnel: that is how tunnels end.
            pass
        finally:
            self._tunnels.discard(task)
            await self._close(writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
            self._open.discard(writer)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        words = head.split("\r\n", 1)[0].split(" ")
        if len(words) != 3 or words[0].upper() != "CONNECT":
            await self._refuse(writer, " ".join(words[:2]), "only CONNECT is served")
            return
        host, _, port = words[1].rpartition(":")
        if not port.isdigit() or not host:
            await self._refuse(writer, words[1], "no host and port")
            return
        target = self.target_of(host, int(port))
        if target is None:
            await self._refuse(writer, words[1], "not a host of the embedded Azure")
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target)
        self._open.add(there_writer)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        finally:
            await self._close(there_writer)

    async def _refuse(self, writer: asyncio.StreamWriter, target: str, reason: str) -> None:
        self.refused.append(RefusedConnection(self._azure().clock.now, target, reason))
        text = f"The embedded Azure does not let {target} through: {reason}.\n".encode()
        writer.write(
            b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: "
            + str(len(text)).encode()
            + b"\r\n\r\n"
            + text
        )
        await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, then pass the end on."""
    try:
        while chunk := await reader.read(64 * 1024):
            writer.write(chunk)
            await writer.drain()
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()
