"""Who answers a Prometheus that asks? A small HTTP server which looks anew at each scrape, until interrupted."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve_metrics(
    port: int, text: Callable[[], str], *, ready: Callable[[ThreadingHTTPServer], None] | None = None
) -> None:
    """Serve `/metrics` on all addresses.

    Args:
        text: gives the metrics at this moment; a `SfcertError` of it becomes a 503 with its sentence.
        ready: told the server once it listens; port 0 takes any free one.

    Raises:
        InputError: Misuse, where nobody may listen there.

    Effects: listens until the process is interrupted or the server is shut down.
    """
    from sfcert.errors import InputError, SfcertError

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:
            if self.path.split("?", 1)[0] != "/metrics":
                self._say(404, "The metrics are at /metrics.\n")
                return
            try:
                self._say(200, text())
            except SfcertError as error:
                self._say(503, f"# {error.token}\n")

        def _say(self, status: int, body: str) -> None:
            raw = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a scrape is no event of the user's."""

    try:
        listening = ThreadingHTTPServer(("", port), Handler)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "a port lies between 1 and 65535"
        raise InputError("Misuse", f"The metrics cannot be served at port {port}: {why}.") from error
    with listening as server:
        if ready is not None:
            ready(server)
        server.serve_forever(poll_interval=0.2)
