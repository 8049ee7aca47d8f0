"""How does an embedded Azure run as a process of its own? In the foreground, or behind, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sfcert.sim.front import Mode
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.server.server import Server
from sfcert.sim.settings import DEFAULT_SEED, START_PATIENCE_S, Settings, wall_now
from sfcert.sim.steering import STATE_FILE, SimFailed, control, is_alive, read_state, write_state


def serve_forever(
    state_dir: Path,
    *,
    start: datetime | None = None,
    seed: int = DEFAULT_SEED,
    tempo: Mode = "auto",
    factor: float = 3600.0,
    looks: int = 3,
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
    if read_state(state_dir) is not None and is_alive(state_dir):
        raise SimFailed(f"an embedded Azure already runs with {state_dir}; end it with `sfcert sim down`")
    settings = Settings(start or wall_now(), seed, tempo, factor, looks)
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

    server = Server(fresh, now=wall_now(), control_token=secrets.token_urlsafe(18), folder=state_dir)
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on a loop
            loop.add_signal_handler(number, server.stopping.set)
    server.config_dir.mkdir(exist_ok=True)
    write_state(state_dir, {"pid": os.getpid(), "control_url": server.control.url})
    try:
        if ready is not None:
            ready(server.environment())
        await server.stopping.wait()
        # Let the answer to `POST /stop` go out before its connection closes.
        await asyncio.sleep(0.05)
    finally:
        (state_dir / STATE_FILE).unlink(missing_ok=True)
        await server.stop()


def up(
    state_dir: Path,
    *,
    start: datetime | None = None,
    seed: int = DEFAULT_SEED,
    tempo: Mode = "auto",
    factor: float = 3600.0,
    looks: int = 3,
    load: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Start one as a background process that outlives this one; returns its environment when it answers.

    Raises:
        SimFailed: one runs already with this folder, or the new one did not start; its log is `sim.log` there.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    if read_state(state_dir) is not None:
        if is_alive(state_dir):
            raise SimFailed(f"an embedded Azure already runs with {state_dir}; end it with `sfcert sim down`")
        (state_dir / STATE_FILE).unlink(missing_ok=True)
    wanted = {
        "state_dir": str(state_dir.resolve()),
        "start": start.isoformat() if start else None,
        "seed": seed,
        "tempo": tempo,
        "factor": factor,
        "looks": looks,
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
    deadline = time.monotonic() + START_PATIENCE_S + (60.0 if load else 0.0)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise SimFailed(f"the embedded Azure did not start: {tail[0] if tail else 'no reason given'} (see {log})")
        if read_state(state_dir) is not None and is_alive(state_dir):
            # The child goes on without us; without this, the interpreter would warn that it still runs.
            process.returncode = 0
            return env(state_dir)
        time.sleep(0.02)
    process.terminate()
    process.wait(timeout=10)
    raise SimFailed(f"the embedded Azure did not answer in time (see {log})")


def down(state_dir: Path) -> bool:
    """End the one of this folder. True if one was running."""
    state = read_state(state_dir)
    if state is None:
        return False
    try:
        control(state_dir, "POST", "/stop", {})
    except SimFailed:
        (state_dir / STATE_FILE).unlink(missing_ok=True)
        return False
    deadline = time.monotonic() + 10
    while (state_dir / STATE_FILE).exists() and time.monotonic() < deadline:
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
