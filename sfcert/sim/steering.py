"""How is a running embedded Azure found and told what to do? Its state file, and calls of its control API."""

from __future__ import annotations

import contextlib
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

STATE_FILE = "state.json"


class SimFailed(Exception):
    """The simulator could not be started, found or steered; the message says what and why."""


def control(state_dir: Path, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the control API of the one that runs with this folder; `path` begins with a slash.

    Raises:
        SimFailed: none runs there, or it refuses; the message is its own.
    """
    state = read_state(state_dir)
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


def read_state(state_dir: Path) -> dict[str, Any] | None:
    """Who runs with this folder: `pid` and `control_url`; None where there is no state that can be read."""
    try:
        value = json.loads((state_dir / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_state(state_dir: Path, state: dict[str, Any]) -> None:
    """Keep the state: whole or not at all, and readable by its owner alone."""
    fresh = state_dir / f"{STATE_FILE}.new"
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(state, file)
    fresh.replace(state_dir / STATE_FILE)


def is_alive(state_dir: Path) -> bool:
    """Whether the one that the state names still answers."""
    try:
        control(state_dir, "GET", "/now")
    except SimFailed:
        return False
    return True
