"""Where is the world's DNS asked? One loopback port, UDP and TCP, for every zone. Belongs to the server's life."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from sfcert.sim.dns.answers import answer
from sfcert.sim.kernel.azure import Azure

_PLAIN_UDP = 512
_IDLE_S = 10.0
_TRIES = 20


class DnsDoor:
    """The DNS port. It asks for the world at each question, so a reset leaves it where it is."""

    def __init__(self, world: Callable[[], Azure]) -> None:
        self._world = world
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen on one free port for both transports."""
        loop = asyncio.get_running_loop()
        for _ in range(_TRIES):
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = int(self._server.sockets[0].getsockname()[1])
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind(("127.0.0.1", self.port))
            except OSError:
                # the same number is taken for UDP by another program
                udp.close()
                self._server.close()
                continue
            self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._reply), sock=udp)
            return
        raise OSError("no loopback port is free for both UDP and TCP")

    async def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _reply(self, wire: bytes, longest: int | None) -> bytes | None:
        """The answer's bytes; None for what is no DNS message."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        if query.flags & dns.flags.QR:
            return None
        response = answer(self._world(), query)
        if longest is None:
            return response.to_wire(max_size=65535)
        try:
            return response.to_wire(max_size=max(longest, query.payload or 0))
        except dns.exception.TooBig:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            return short.to_wire()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                while True:
                    size = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), _IDLE_S), "big")
                    reply = self._reply(await asyncio.wait_for(reader.readexactly(size), _IDLE_S), None)
                    if reply is None:
                        return
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, reply: Callable[[bytes, int | None], bytes | None]) -> None:
        self._reply = reply
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # the event loop's own class is a datagram transport in all but its parents
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._reply(data, _PLAIN_UDP)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)
