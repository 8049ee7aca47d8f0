"""What does a TLS server present? The chain of one handshake, as DER, judged by nobody here. Floor 5.

Nothing but the handshake is sent, so no certificate of ours is shown and nothing is verified: looking is the purpose.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable

from sfcert.azure.failures import unreachable
from sfcert.azure.tunnel import TIMEOUT_S, Route, connect


def present_chain(
    host: str,
    port: int,
    route: Route,
    *,
    timeout_s: float = TIMEOUT_S,
    server_name: str | None = None,
    service: str = "Service Fabric",
) -> list[bytes]:
    """The DER chain that a handshake with host and port shows, leaf first.

    Args:
        server_name: what is sent as SNI; None: the host, where it is a name.
        service: who is spoken to, for messages.

    Raises:
        RemoteError: RemoteUnreachable (no connection, no TLS there, or it broke off before the chain was seen).
    """
    from cryptography.hazmat.primitives.serialization import Encoding
    from OpenSSL import SSL

    operation = f"TLS handshake with {host}:{port}"
    line = connect(host, port, route, timeout_s=timeout_s, service=service)
    try:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_NONE)
        connection = SSL.Connection(context, line)
        name = server_name or host
        with contextlib.suppress(ValueError, UnicodeError):
            if not name.replace(".", "").isdigit() and ":" not in name:
                connection.set_tlsext_host_name(name.encode("idna"))
        connection.set_connect_state()
        try:
            _run(connection.do_handshake, line, timeout_s)
        except (SSL.Error, OSError) as error:
            # a server that insists on a client certificate may break off, but has shown its own by then
            if not connection.get_peer_cert_chain(as_cryptography=True):
                raise unreachable(service, operation, _said(error)) from error
        chain = connection.get_peer_cert_chain(as_cryptography=True) or []
        return [one.public_bytes(Encoding.DER) for one in chain]
    finally:
        line.close()


def _run(step: Callable[[], None], line: socket.socket, timeout_s: float) -> None:
    """pyOpenSSL on a socket with a timeout asks to be called again; wait for the socket in between.

    By the platform's selector: `select` itself knows no descriptor from 1,024 on, and a process may have more open.
    """
    from OpenSSL import SSL

    while True:
        try:
            return step()
        except SSL.WantReadError as error:
            if not _is_ready(line, selectors.EVENT_READ, timeout_s):
                raise TimeoutError(f"nothing came for {timeout_s:.0f} s") from error
        except SSL.WantWriteError as error:
            if not _is_ready(line, selectors.EVENT_WRITE, timeout_s):
                raise TimeoutError(f"nothing could be sent for {timeout_s:.0f} s") from error


def _is_ready(line: socket.socket, what: int, timeout_s: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(line, what)
        return bool(selector.select(timeout_s))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
