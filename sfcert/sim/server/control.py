"""How is the embedded Azure itself steered? Its own small HTTP API on loopback, behind a token in the path.

Every path begins with `/t/<token>`; what follows is:

    GET  /now        {"now": instant}
    GET  /status     everything, as JSON                        GET /  the same as a page for people
    GET  /journal    every write, request and note since the world was made; `?after=n` leaves out the first n writes
    POST /advance    {"seconds": n} or {"until": instant}       -> {"now", "events"}
    POST /tempo      {"mode": "manual|auto|factor|at-once|looks", "factor": n, "looks": n}
    POST /reset      a fresh world                              POST /stop    end the server
    POST /load       {"world": name, …} or {"template": {…}, "parameters": {…}, "resource_group": name}
                     or {"publish": {address: text}}
    POST /fault      {"name", …options} or {"name", "off": true}
    POST /mend       {"nodes": [name, …] (none: all), "accept_expired": bool, "cluster": id (the only one where absent)}
    GET  /env        what a client's environment needs          GET /vault-port?name=…  the direct way to one vault
"""

from __future__ import annotations

import asyncio
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

from aiohttp import web

from sfcert.sim.front import Mode, Tempo
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.faults import OptionRefused
from sfcert.sim.server.load import load
from sfcert.sim.server.mend import mend
from sfcert.sim.server.page import render_page
from sfcert.sim.server.status import describe

if TYPE_CHECKING:
    from sfcert.sim.server.server import Server

#: So many events run before the loop may serve somebody else.
_EVENTS_AT_A_TIME = 512
#: Loads carry templates and bundles of whole clusters.
_BODY_LIMIT = 64 * 1024 * 1024


class Control:
    """The control port of one server."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._token = token
        self._runner: web.AppRunner | None = None
        self._paths: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        """What `SFCERT_SIM` holds: to be followed by `/advance` and the like."""
        return f"http://127.0.0.1:{self.port}/t/{self._token}"

    async def start(self) -> None:
        application = web.Application(client_max_size=_BODY_LIMIT)
        for method, path, handler in (
            ("GET", "", self._page),
            ("GET", "/", self._page),
            ("GET", "/now", self._now),
            ("GET", "/status", self._status),
            ("GET", "/journal", self._journal),
            ("GET", "/env", self._env),
            ("GET", "/vault-port", self._vault_port),
            ("POST", "/advance", self._advance),
            ("POST", "/tempo", self._tempo),
            ("POST", "/reset", self._reset),
            ("POST", "/load", self._load),
            ("POST", "/fault", self._fault),
            ("POST", "/mend", self._mend),
            ("POST", "/stop", self._stop),
        ):
            application.router.add_route(method, "/t/{token}" + path, self._guarded(handler))
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert isinstance(site._server, asyncio.Server)
        self.port = site._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _guarded(self, handler: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not hmac.compare_digest(request.match_info["token"].encode(), self._token.encode()):
                return _error(403, "the token in the path is not the one of this simulator")
            try:
                response: web.StreamResponse = await handler(request)
            except AzureFailure as failure:
                return _error(failure.status, f"{failure.code}: {failure.message}", failure.envelope())
            except _BadCall as bad:
                return _error(400, str(bad))
            return response

        return guarded

    # -- looking ------------------------------------------------------------------------------------------------------

    async def _now(self, request: web.Request) -> web.Response:
        return _json({"now": self._server.azure.clock.now.isoformat()})

    async def _status(self, request: web.Request) -> web.Response:
        return _json(describe(self._server))

    async def _journal(self, request: web.Request) -> web.Response:
        journal = self._server.azure.journal
        after = request.query.get("after", "0")
        if not after.isdigit():
            raise _BadCall("after must be a number of writes")
        return _json(
            {
                "writes": journal.writes[int(after) :],
                "requests": [
                    {
                        "at": one.at.isoformat(),
                        "kind": one.kind,
                        "host": one.host,
                        "path": one.path,
                        "status": one.status,
                    }
                    for one in journal.requests
                ],
                "notes": [{"at": at.isoformat(), "note": note} for at, note in journal.notes],
            }
        )

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=render_page(describe(self._server)), content_type="text/html")

    async def _env(self, request: web.Request) -> web.Response:
        return _json(self._server.environment())

    async def _vault_port(self, request: web.Request) -> web.Response:
        name = request.query.get("name", "")
        if not name:
            raise _BadCall("name is missing: which vault?")
        return _json({"port": await self._server.vault_port(name)})

    # -- steering -----------------------------------------------------------------------------------------------------

    async def _advance(self, request: web.Request) -> web.Response:
        body = await _body(request)
        clock = self._server.azure.clock
        if "until" in body:
            until = _instant(body["until"])
        elif isinstance(body.get("seconds"), int | float) and not isinstance(body["seconds"], bool):
            if body["seconds"] < 0:
                raise _BadCall("time moves forward only: seconds must not be negative")
            until = _later(clock.now, float(body["seconds"]))
        else:
            raise _BadCall('say {"seconds": number} or {"until": instant}')
        if until < clock.now:
            raise _BadCall(f"time moves forward only: it is {clock.now.isoformat()} already")
        ran = 0
        while (due := clock.next_event_at()) is not None and due <= until:
            ran += clock.advance_to(due)
            if ran % _EVENTS_AT_A_TIME == 0:
                await asyncio.sleep(0)
        # Somebody else may have moved time further meanwhile.
        if until > clock.now:
            clock.advance_to(until)
        return _json({"now": clock.now.isoformat(), "events": ran})

    async def _tempo(self, request: web.Request) -> web.Response:
        body = await _body(request)
        tempo = self._server.azure.service("tempo", Tempo)
        if body.get("mode") not in get_args(Mode):
            raise _BadCall(f"mode must be one of {', '.join(get_args(Mode))}")
        factor = body.get("factor", tempo.factor)
        if not isinstance(factor, int | float) or factor <= 0:
            raise _BadCall("factor must be a positive number")
        looks = body.get("looks", tempo.looks)
        if isinstance(looks, bool) or not isinstance(looks, int) or looks < 1:
            raise _BadCall("looks must be a whole number from 1 on")
        tempo.mode, tempo.factor, tempo.looks = body["mode"], float(factor), looks
        return _json({"mode": tempo.mode, "factor": tempo.factor, "looks": tempo.looks})

    async def _reset(self, request: web.Request) -> web.Response:
        await self._server.reset()
        return _json({"now": self._server.azure.clock.now.isoformat()})

    async def _load(self, request: web.Request) -> web.Response:
        return _json(load(self._server.azure, await _body(request)))

    async def _fault(self, request: web.Request) -> web.Response:
        body = await _body(request)
        faults = self._server.azure.faults
        name = str(body.pop("name", ""))
        if name not in faults.catalogue():
            known = ", ".join(faults.catalogue()) or "none"
            raise _BadCall(f"no fault is named '{name}'; known are: {known}")
        if body.pop("off", False):
            faults.disarm(name)
        else:
            try:
                faults.arm(name, body)
            except OptionRefused as refused:
                raise _BadCall(str(refused)) from refused
        return _json({"armed": faults.armed()})

    async def _mend(self, request: web.Request) -> web.Response:
        return _json(mend(self._server.azure, await _body(request)))

    async def _stop(self, request: web.Request) -> web.Response:
        self._server.stopping.set()
        return _json({"stopping": True})


class _BadCall(Exception):
    """A call that says too little or the wrong thing."""


async def _body(request: web.Request) -> dict[str, Any]:
    data = await request.read()
    try:
        body = json.loads(data) if data.strip() else {}
    except ValueError as error:
        raise _BadCall(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _BadCall("the body must be a JSON object")
    return body


def _instant(text: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError as error:
        raise _BadCall(f"'{text}' is no instant: write it as 2026-11-22T10:00:00Z") from error
    if instant.tzinfo is None:
        raise _BadCall(f"'{text}' has no time zone: write it as 2026-11-22T10:00:00Z")
    return instant.astimezone(UTC)


def _later(now: datetime, seconds: float) -> datetime:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError as error:
        raise _BadCall("that is beyond the end of time") from error


def _json(value: Any) -> web.Response:
    return web.json_response(value)


def _error(status: int, message: str, more: dict[str, Any] | None = None) -> web.Response:
    return web.json_response({"error": message, **({"azure": more} if more else {})}, status=status)
