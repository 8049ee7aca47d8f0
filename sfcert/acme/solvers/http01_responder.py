"""How is an HTTP-01 challenge answered where no web server runs? A small one of our own. Floor 5.

It listens only while an answer is presented, and serves nothing else. The CA comes to port 80 of the name, whatever
port is listened on here. Source: RFC 8555, section 8.3.
"""

from __future__ import annotations

import errno
import socket
import socketserver
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sfcert.acme.solvers.solver import Kind
from sfcert.errors import RemoteError

PREFIX = "/.well-known/acme-challenge/"


class Http01Responder:
    """The solver for HTTP-01 with a server of its own.

    Args:
        host: the address to listen on; empty for all, of both families.
        port: 80, or where port 80 is led to.
    """

    kind: Kind = "http-01"

    def __init__(self, host: str = "", port: int = 80) -> None:
        self._host = host
        self._port = port
        self._answers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Serve the answer.

        Raises:
            RemoteError: `ChallengeNotServed` where the port cannot be had.
        """
        with self._lock:
            self._answers[token] = key_authorization
            if self._server is None:
                try:
                    self._server = _listen(self._host, self._port, _handler(self._answers))
                except (OSError, OverflowError, UnicodeError) as error:
                    # also for a port beyond 65535, and for a host that no name can be
                    self._answers.pop(token)
                    raise self._taken(name, error) from error
                threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        """Nothing to wait for: it is served at once. Whether the name leads here, only the CA can tell."""

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        with self._lock:
            self._answers.pop(token, None)
            server = None if self._answers else self._server
            if server is not None:
                self._server = None
                server.shutdown()
                server.server_close()

    def _taken(self, name: str, error: Exception) -> RemoteError:
        where = f"{self._host or '*'}:{self._port}"
        why = getattr(error, "strerror", None) or error
        return RemoteError(
            "ChallengeNotServed",
            f"The challenge for {name} cannot be served on {where} ({why}). Stop what listens there, give it "
            f"a web root instead, run this where the port may be opened, or use DNS-01, which needs no way in.",
            service="HTTP-01",
            operation=f"listen {where}",
            transient=False,
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # many names are looked at in the same moment
    request_queue_size = 128

    def server_bind(self) -> None:
        # the parent would ask DNS for a name of this machine, which can take seconds and serves nobody here
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "sfcert", self.socket.getsockname()[1]


class _DualStack(_Server):
    """Both families on one socket: a CA comes by IPv6 where the name has such an address."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def _listen(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    if host:
        return (_DualStack if ":" in host else _Server)((host, port), handler)
    try:
        return _DualStack(("::", port), handler)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise
        # a machine without IPv6
        return _Server(("", port), handler)


def _handler(answers: dict[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            path = self.path.split("?", 1)[0]
            answer = answers.get(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
            body = (answer or "not here").encode("ascii")
            self.send_response(200 if answer is not None else 404)
            self.send_header("Content-Type", "application/octet-stream" if answer is not None else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what the CA asks is no event of the user's."""

    return Handler
