"""The proxy that a user's own variables name: it notes who asks it for what, and refuses. Not a test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class UsersProxy:
    """`asked` holds the first line of each request.

    Args:
        user: `NAME:PASSWORD` that its `url` carries; made up.
    """

    def __init__(self, user: str | None = None) -> None:
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://{f'{user}@' if user else ''}127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                self.asked.append(client.recv(4096).decode("latin-1").split("\r\n")[0])
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)


@contextmanager
def running_users_proxy(user: str | None = None) -> Iterator[UsersProxy]:
    proxy = UsersProxy(user)
    try:
        yield proxy
    finally:
        proxy.close()
