"""What time is it, and how is waited? The wall clock, or the embedded Azure's virtual one. Floor 5."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from sfcert.errors import RemoteError


class WallClock:
    """The `Clock` port by the machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class SimulatedClock:
    """The `Clock` port by the embedded Azure: waiting moves its virtual time, so that hours pass in milliseconds.

    Args:
        control_url: what `SFCERT_SIM` holds. Always loopback, so no proxy is asked.
    """

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def now(self) -> datetime:
        return self._instant(self._call("GET", "/now", None))

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._call("POST", "/advance", {"seconds": seconds})

    def _instant(self, answer: Any) -> datetime:
        return datetime.fromisoformat(str(answer["now"])).astimezone(UTC)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data=data, method=method, headers=headers)
        try:
            with self._opener.open(request, timeout=60) as response:
                return json.loads(response.read())
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise RemoteError(
                "RemoteUnreachable",
                f"The embedded Azure's control port does not answer ({reason}). Is it up? Try `sfcert sim status`.",
                service="embedded Azure",
                operation=f"{method} {path}",
                transient=False,
            ) from error
