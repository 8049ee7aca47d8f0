"""How does a node speak TLS? A server side over memory buffers that shows any certificate and takes any client's.

The standard library cannot ask for a client certificate without also verifying it against a list of authorities; a
Service Fabric gateway asks, takes what comes, and decides afterwards. Certificates may be out of date by the wall's
clock: a server does not care.
"""

from __future__ import annotations

import asyncio

from cryptography import x509
from OpenSSL import SSL

from sfcert.sim.nodes.store import Held

_CHUNK = 65536


def context_for(held: Held) -> SSL.Context:
    """A server context that presents this certificate with its intermediates (no root), and asks for a client's."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(held.certificate.leaf)
    context.use_privatekey(held.key)
    for above in held.certificate.chain:
        if above.subject != above.issuer:
            context.add_extra_chain_cert(above)
    context.set_verify(SSL.VERIFY_PEER, lambda connection, certificate, number, depth, ok: True)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


class TlsStream:
    """One accepted connection: reads and writes plain bytes, sends and receives TLS records."""

    def __init__(self, context: SSL.Context, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()

    async def handshake(self) -> None:
        """
        Raises:
            OSError, SSL.Error, EOFError: the client went away or does not agree.
        """
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                await self._feed()
            else:
                await self._flush()
                return

    async def read_some(self) -> bytes:
        """The next plain bytes; empty when the client has closed."""
        while True:
            try:
                return self._tls.recv(_CHUNK)
            except SSL.WantReadError:
                try:
                    await self._feed()
                except EOFError:
                    return b""
            except SSL.ZeroReturnError:
                return b""

    async def write(self, data: bytes) -> None:
        self._tls.sendall(data)
        await self._flush()

    async def close(self) -> None:
        """Say goodbye as TLS wants it, then close."""
        try:
            self._tls.shutdown()
            await self._flush()
        except (SSL.Error, OSError):
            # The client is gone already; there is nobody to say goodbye to.
            pass
        self._writer.close()

    def client(self) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]] | None:
        """The client's certificate with whatever chain it sent, or None."""
        leaf = self._tls.get_peer_certificate(as_cryptography=True)
        if leaf is None:
            return None
        sent = self._tls.get_peer_cert_chain(as_cryptography=True) or []
        return leaf, tuple(sent)

    async def _feed(self) -> None:
        data = await self._reader.read(_CHUNK)
        if not data:
            raise EOFError("the client closed the connection")
        self._tls.bio_write(data)

    async def _flush(self) -> None:
        while True:
            try:
                data = self._tls.bio_read(_CHUNK)
            except SSL.WantReadError:
                break
            self._writer.write(data)
        await self._writer.drain()
