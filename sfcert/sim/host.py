"""Where does the embedded Azure run? In a thread of this process, or as a process of its own.

The composition root of the simulator: wall time and a random token are read here and nowhere below. Leaves out: which
folder to use and what to print (see the command line).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, TypeVar

from sfcert.sim.assemble import SERVICES, build
from sfcert.sim.front import Mode
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.server.environment import VARIABLES
from sfcert.sim.server.server import Server

__all__ = [
    "VARIABLES",
    "Running",
    "SimFailed",
    "control",
    "down",
    "env",
    "serve_forever",
    "start_in_thread",
    "status",
    "up",
]

T = TypeVar("T")
_STATE_FILE = "state.json"
_START_PATIENCE_S = 20.0
DEFAULT_SEED = 1


class SimFailed(Exception):
    """The simulator could not be started, found or steered; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a world is built from."""

    start: datetime
    seed: int = DEFAULT_SEED
    tempo: Mode = "auto"
    factor: float = 3600.0
    services: tuple[str, ...] = SERVICES

    def build(self) -> Azure:
        return build(
            start=self.start,
            seed=self.seed,
            tempo=self.tempo,
            factor=self.factor,
            wall=time.time,
            services=self.services,
        )


# -- in a thread ------------------------------------------------------------------------------------------------------


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
    settings = Settings(start or _wall_now(), seed, tempo, factor, services)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run_loop, args=(loop,), name="embedded-azure", daemon=True)
    thread.start()

    def fresh() -> Azure:
        azure = settings.build()
        if prepare is not None:
            prepare(azure)
        return azure

    async def begin() -> Server:
        server = Server(fresh, now=_wall_now(), control_token=secrets.token_urlsafe(18), folder=home)
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
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(timeout=_START_PATIENCE_S)
    except BaseException:
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


def _wall_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


# -- as a process -----------------------------------------------------------------------------------------------------


def serve_forever(
    state_dir: Path,
    *,
    start: datetime | None = None,
    seed: int = DEFAULT_SEED,
    tempo: Mode = "auto",
    factor: float = 3600.0,
    load: dict[str, Any] | None = None,
    ready: Callable[[dict[str, str]], None] | None = None,
) -> None:
    """Run in the foreground until `down`, SIGTERM or Ctrl-C.

    Args:
        state_dir: gets `state.json` (readable by its owner alone: it holds the control token), `ca.pem` and `az/`.
        load: what `POST /load` would take, put in before anybody can see the world, and again after each reset.
        ready: called once with the environment when everything answers.

    Raises:
        SimFailed: another one runs with this folder.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    if _read_state(state_dir) is not None and _is_alive(state_dir):
        raise SimFailed(f"an embedded Azure already runs with {state_dir}; end it with `sfcert sim down`")
    settings = Settings(start or _wall_now(), seed, tempo, factor)
    asyncio.run(_serve(state_dir, settings, load, ready))


async def _serve(
    state_dir: Path,
    settings: Settings,
    what: dict[str, Any] | None,
    ready: Callable[[dict[str, str]], None] | None,
) -> None:
    from sfcert.sim.server.load import load

    def fresh() -> Azure:
        azure = settings.build()
        if what is not None:
            load(azure, what)
        return azure

    server = Server(fresh, now=_wall_now(), control_token=secrets.token_urlsafe(18), folder=state_dir)
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on a loop
            loop.add_signal_handler(number, server.stopping.set)
    server.config_dir.mkdir(exist_ok=True)
    _write_state(state_dir, {"pid": os.getpid(), "control_url": server.control.url})
    try:
        if ready is not None:
            ready(server.environment())
        await server.stopping.wait()
        # Let the answer to `POST /stop` go out before its connection closes.
        await asyncio.sleep(0.05)
    finally:
        (state_dir / _STATE_FILE).unlink(missing_ok=True)
        await server.stop()


def up(
    state_dir: Path,
    *,
    start: datetime | None = None,
    seed: int = DEFAULT_SEED,
    tempo: Mode = "auto",
    factor: float = 3600.0,
    load: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Start one as a background process that outlives this one; returns its environment when it answers.

    Raises:
        SimFailed: one runs already with this folder, or the new one did not start; its log is `sim.log` there.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    if _read_state(state_dir) is not None:
        if _is_alive(state_dir):
            raise SimFailed(f"an embedded Azure already runs with {state_dir}; end it with `sfcert sim down`")
        (state_dir / _STATE_FILE).unlink(missing_ok=True)
    wanted = {
        "state_dir": str(state_dir.resolve()),
        "start": start.isoformat() if start else None,
        "seed": seed,
        "tempo": tempo,
        "factor": factor,
        "load": load,
    }
    order = state_dir / "order.json"
    order.write_text(json.dumps(wanted), encoding="utf-8")
    log = state_dir / "sim.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sfcert.sim.background", str(order)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_PATIENCE_S + (60.0 if load else 0.0)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise SimFailed(f"the embedded Azure did not start: {tail[0] if tail else 'no reason given'} (see {log})")
        if _read_state(state_dir) is not None and _is_alive(state_dir):
            # The child goes on without us; without this, the interpreter would warn that it still runs.
            process.returncode = 0
            return env(state_dir)
        time.sleep(0.02)
    process.terminate()
    process.wait(timeout=10)
    raise SimFailed(f"the embedded Azure did not answer in time (see {log})")


def down(state_dir: Path) -> bool:
    """End the one of this folder. True if one was running."""
    state = _read_state(state_dir)
    if state is None:
        return False
    try:
        control(state_dir, "POST", "/stop", {})
    except SimFailed:
        (state_dir / _STATE_FILE).unlink(missing_ok=True)
        return False
    deadline = time.monotonic() + 10
    while (state_dir / _STATE_FILE).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def status(state_dir: Path) -> dict[str, Any]:
    """What `GET /status` says.

    Raises:
        SimFailed: none runs with this folder.
    """
    return control(state_dir, "GET", "/status")


def env(state_dir: Path) -> dict[str, str]:
    """The variables of `sim env`, from the running one.

    Raises:
        SimFailed: none runs with this folder.
    """
    return {name: str(value) for name, value in control(state_dir, "GET", "/env").items()}


def control(state_dir: Path, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the control API of the one that runs with this folder; `path` begins with a slash.

    Raises:
        SimFailed: none runs there, or it refuses; the message is its own.
    """
    state = _read_state(state_dir)
    if state is None:
        raise SimFailed(f"no embedded Azure runs with {state_dir}; start one with `sfcert sim up`")
    return call_control(str(state["control_url"]), method, path, body)


def call_control(control_url: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call a control API by its address, which is what `SFCERT_SIM` holds.

    Effects: one request to loopback, past any proxy.

    Raises:
        SimFailed: it does not answer, or it refuses.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        control_url + path, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=300) as answer:
            value: Any = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode("utf-8", "replace")
        with contextlib.suppress(ValueError, KeyError, TypeError):
            text = json.loads(text)["error"]
        raise SimFailed(f"the embedded Azure refuses {path}: {text}") from error
    except OSError as error:
        raise SimFailed(f"the embedded Azure does not answer: {error}") from error
    assert isinstance(value, dict)
    return value


def _read_state(state_dir: Path) -> dict[str, Any] | None:
    try:
        value = json.loads((state_dir / _STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _write_state(state_dir: Path, state: dict[str, Any]) -> None:
    """Whole or not at all, and readable by its owner alone."""
    fresh = state_dir / f"{_STATE_FILE}.new"
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(state, file)
    fresh.replace(state_dir / _STATE_FILE)


def _is_alive(state_dir: Path) -> bool:
    try:
        control(state_dir, "GET", "/now")
    except SimFailed:
        return False
    return True
