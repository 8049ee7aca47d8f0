"""Which hosts may a client reach? A CONNECT proxy that tunnels the simulated names to loopback and refuses all others.

With it clients keep their production host names, and nothing can leave this machine: there is no way through it to any
real address. Plain `http` requests are refused too, so that the metadata address of virtual machines is not asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfcert.sim.entra.entra import LOGIN_HOSTS
from sfcert.sim.entra.graph import GRAPH_HOST
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.server.doors import VAULT_SUFFIX

_VAULT_TYPE = "Microsoft.KeyVault/vaults"
_HEAD_LIMIT = 16 * 1024
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True, slots=True)
class RefusedConnection:
    """A client asked for a host that is not simulated. `at` is virtual time."""

    at: datetime
    target: str
    reason: str


#: How a connection that was let through to the simulated services goes on: it is theirs from then on.
HandOver = Callable[[asyncio.Transport], Awaitable[None]]


class Proxy:
    """The listening proxy. What is meant for the simulated services is handed over to them on its own connection: a
    second one, relayed, would cost as much again. Everything else that is let through is relayed."""

    def __init__(self, azure: Callable[[], Azure], hand_over: HandOver) -> None:
        self._azure = azure
        self._hand_over = hand_over
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Transport] = set()
        self.port = 0
        self.refused: list[RefusedConnection] = []

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; `port` 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Asker(self), "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for tunnel in list(self._tunnels):
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)
        for transport in list(self._open):
            # Not `close`: it would wait for a peer that may never read again.
            transport.abort()
        self._open.clear()

    def is_service(self, host: str, port: int) -> bool:
        """Whether `host:port` is one of the simulated services."""
        name = _named(host)
        if port != 443:
            return False
        if name in {"management.azure.com", GRAPH_HOST} or name in LOGIN_HOSTS:
            return True
        wanted = name.removesuffix(VAULT_SUFFIX)
        vaults = self._azure().resources.of_type(_VAULT_TYPE) if name.endswith(VAULT_SUFFIX) else ()
        return any(vault.id.name.lower() == wanted for vault in vaults)

    def endpoint(self, host: str, port: int) -> int | None:
        """The loopback port of a node or of a cluster's balanced endpoint, or None where that is neither."""
        endpoints = self._azure().find_service("endpoints")
        found: int | None = endpoints.port_for(_named(host), port) if endpoints is not None else None
        return found

    # -- one connection -----------------------------------------------------------------------------------------------

    def opened(self, transport: asyncio.Transport) -> None:
        self._open.add(transport)

    def closed(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)

    def asked(self, asker: _Asker, head: str, rest: bytes) -> None:
        """A client has said where it wants to go."""
        words = head.split("\r\n", 1)[0].split(" ")
        if len(words) != 3 or words[0].upper() != "CONNECT":
            self.refuse(asker, " ".join(words[:2]), "only CONNECT is served")
            return
        host, _, port = words[1].rpartition(":")
        if not port.isdigit() or not host:
            self.refuse(asker, words[1], "no host and port")
        elif self.is_service(host, int(port)) and not rest:
            self._keep(self._serve(asker))
        elif (target := self.endpoint(host, int(port))) is not None:
            self._keep(self._relay(asker, target, rest))
        else:
            self.refuse(asker, words[1], "not a host of the embedded Azure")

    def _keep(self, tunnel: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(tunnel)
        self._tunnels.add(task)
        task.add_done_callback(self._tunnels.discard)

    async def _serve(self, asker: _Asker) -> None:
        transport = asker.transport
        transport.write(_ESTABLISHED)
        try:
            await self._hand_over(transport)
        except OSError:
            # The client went away, or did not accept what it was shown.
            transport.abort()
        finally:
            self._open.discard(transport)

    async def _relay(self, asker: _Asker, target: int, rest: bytes) -> None:
        loop = asyncio.get_running_loop()
        asker.transport.pause_reading()
        try:
            _, there = await loop.create_connection(lambda: _End(self), "127.0.0.1", target)
        except OSError:
            asker.transport.abort()
            return
        here = _End(self)
        here.transport, here.other, there.other = asker.transport, there, here
        asker.transport.set_protocol(here)
        asker.transport.write(_ESTABLISHED)
        if rest:
            there.transport.write(rest)
        asker.transport.resume_reading()

    def refuse(self, asker: _Asker, target: str, reason: str) -> None:
        self.refused.append(RefusedConnection(self._azure().clock.now, target, reason))
        text = f"The embedded Azure does not let {target} through: {reason}.\n".encode()
        asker.transport.write(
            b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: "
            + str(len(text)).encode()
            + b"\r\n\r\n"
            + text
        )
        asker.transport.close()


def _named(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")


class _Asker(asyncio.Protocol):
    """A connection that has not yet said where it wants to go."""

    transport: asyncio.Transport

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = b""
        self._is_done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._proxy.opened(transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._is_done:
            return
        if b"\r\n\r\n" in self._head:
            self._is_done = True
            head, _, rest = self._head.partition(b"\r\n\r\n")
            self._proxy.asked(self, head.decode("latin-1"), rest)
        elif len(self._head) > _HEAD_LIMIT:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.closed(self.transport)


class _End(asyncio.Protocol):
    """One end of a relayed tunnel: what comes in here goes out at the other end, and so does its end."""

    transport: asyncio.Transport
    other: _End

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._proxy.opened(transport)

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        """One direction has ended; once both have, so has the tunnel. False closes this end."""
        self._has_ended = True
        if self.other._has_ended:
            self.other.transport.close()
            return False
        with contextlib.suppress(OSError, RuntimeError):
            if self.other.transport.can_write_eof():
                self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.closed(self.transport)
        self.other.transport.close()
