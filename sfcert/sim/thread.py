"""How does an embedded Azure run inside of this process? In a thread of its own, for tests and the demo."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TypeVar

from sfcert.sim.assemble import SERVICES
from sfcert.sim.front import Mode
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.server.server import Server
from sfcert.sim.settings import DEFAULT_SEED, START_PATIENCE_S, Settings, wall_now

T = TypeVar("T")


class Running:
    """An embedded Azure in a thread of this process; also a context manager, which stops it."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
        self._server = server
        self._loop = loop
        self._stop = stop

    @property
    def ca_bundle(self) -> Path:
        """The PEM file of the servers' own authority; nothing else is in it."""
        return self._server.ca_file

    @property
    def proxy_url(self) -> str:
        assert self._server.proxy is not None
        return f"http://127.0.0.1:{self._server.proxy.port}"

    @property
    def base_url(self) -> str:
        """Resource Manager and Entra on the direct way in, without a trailing slash."""
        return f"https://localhost:{self._server.tls_port}"

    @property
    def control_url(self) -> str:
        return self._server.control.url

    @property
    def dns_server(self) -> str:
        """`address:port` at which the world's public DNS zones are asked."""
        return self._server.dns.address

    @property
    def azure(self) -> Azure:
        """The world. Touch it only inside `call`: it belongs to the loop's thread."""
        return self._server.azure

    @property
    def server(self) -> Server:
        return self._server

    def env(self) -> dict[str, str]:
        """The variables of `sim env`."""
        return self.call(lambda azure: self._server.environment())

    def vault_url(self, name: str) -> str:
        """One vault on the direct way in."""
        port = asyncio.run_coroutine_threadsafe(self._server.vault_port(name), self._loop).result(timeout=10)
        return f"https://localhost:{port}"

    def call(self, function: Callable[[Azure], T]) -> T:
        """Run `function` with the world, on its own thread, and return what it returns."""

        async def run() -> T:
            return function(self._server.azure)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def advance(self, seconds: float) -> datetime:
        """Let virtual time pass. Returns what time it is then."""
        self.call(lambda azure: azure.clock.advance(seconds))
        return self.call(lambda azure: azure.clock.now)

    def stop(self) -> None:
        """Close every listener and end the thread; a second call is harmless."""
        self._stop()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_in_thread(
    *,
    folder: Path | None = None,
    start: datetime | None = None,
    seed: int = DEFAULT_SEED,
    tempo: Mode = "auto",
    factor: float = 3600.0,
    looks: int = 3,
    services: tuple[str, ...] = SERVICES,
    prepare: Callable[[Azure], None] | None = None,
) -> Running:
    """Start an embedded Azure in a daemon thread and return when it answers.

    Args:
        folder: for the authority's certificate; None makes one that goes with `stop`.
        start: where virtual time begins, aware; None is the present whole second.
        prepare: fills a world before anybody can see it, and again after each reset.

    Effects: listens on free loopback ports; writes `ca.pem` into the folder.
    """
    temporary = TemporaryDirectory(prefix="sfcert-sim-") if folder is None else None
    home = Path(temporary.name) if temporary is not None else folder
    assert home is not None
    home.mkdir(parents=True, exist_ok=True)
    settings = Settings(start or wall_now(), seed, tempo, factor, looks, services)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run_loop, args=(loop,), name="embedded-azure", daemon=True)
    thread.start()

    def fresh() -> Azure:
        azure = settings.build()
        if prepare is not None:
            prepare(azure)
        return azure

    async def begin() -> Server:
        server = Server(fresh, now=wall_now(), control_token=secrets.token_urlsafe(18), folder=home)
        await server.start()
        return server

    stopped = threading.Event()

    def close() -> None:
        if stopped.is_set():
            return
        stopped.set()
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        if temporary is not None:
            temporary.cleanup()

    try:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(timeout=START_PATIENCE_S)
    except BaseException:  # also Ctrl-C: no thread and no folder may be left behind; it always flies on
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        if temporary is not None:
            temporary.cleanup()
        raise
    return Running(server, loop, close)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    # Transports that were closed a moment ago say so in the loop's next turns.
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
