"""Who answers this HTTP request? One TLS port for every production name, told apart by Host.

`management.azure.com` goes to Resource Manager, the login hosts to Entra, `*.vault.azure.net` to the vaults. On
`localhost` the paths decide, for clients that were given a cloud of their own. Leaves out: the answers themselves.
"""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from typing import Any

import msgspec
from aiohttp import web

from sfcert.sim.entra import Entra
from sfcert.sim.entra.discovery import describe_instances, describe_openid
from sfcert.sim.entra.entra import LOGIN_HOSTS
from sfcert.sim.entra.graph import GRAPH_HOST, answer_graph
from sfcert.sim.front import ArmFront, Reply, Request, Tempo
from sfcert.sim.front.exchange import reply_to_failure
from sfcert.sim.front.loose_json import parse_body
from sfcert.sim.front.unkind import Unkind
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.journal import Exchange
from sfcert.sim.kernel.journal import Request as Seen
from sfcert.sim.kernel.strikes import Asked
from sfcert.sim.server.kinds import kind_of

_LOG = logging.getLogger(__name__)
_LOGIN_PATH = re.compile(r"^/([^/]+)/(oauth2|v2\.0|discovery)(/.*)?$", re.IGNORECASE)
VAULT_SUFFIX = ".vault.azure.net"


class Doors:
    """The one handler of the TLS port. `vault_ports` maps a listening port of the direct way to its vault's host."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._entra = azure.service("entra", Entra)
        self._arm = azure.service("arm", ArmFront)
        self._tempo = azure.service("tempo", Tempo)
        self._unkind = azure.service("unkind", Unkind)
        self.vault_ports: dict[int, str] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and note it in the journal."""
        host = request.host.lower()
        try:
            response = await self._route(request, host)
        except web.HTTPException:
            raise
        except Exception as error:  # a bug of the simulator must be told as one, not retried as Azure's own trouble
            response = self._confess(request, error)
        self._azure.journal.requests.append(
            Seen(
                self._azure.clock.now,
                request.method,
                host,
                request.path,
                kind_of(request.method, host, request.path),
                response.status,
            )
        )
        witness = type(self._azure.journal).witness
        if witness is not None:
            asked, body = await request.read(), response.body if isinstance(response, web.Response) else b""
            known = body if isinstance(body, bytes) else b""
            url = f"https://{self.vault_ports.get(_local_port(request), host)}{request.path_qs}"
            witness(
                Exchange(
                    request.method, url, dict(request.headers), asked, response.status, dict(response.headers), known
                )
            )
        return response

    def _confess(self, request: web.Request, error: Exception) -> web.StreamResponse:
        """501, which no client retries, with the place of the bug; the whole trace goes to the log."""
        _LOG.exception("the embedded Azure failed at %s %s", request.method, request.path, exc_info=error)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
        message = f"A bug of the embedded Azure, not of the client: {type(error).__name__}: {error} ({where})"
        self._azure.journal.notes.append((self._azure.clock.now, f"{request.method} {request.path}: {message}"))
        return _as_json(Reply(501, {"error": {"code": "SimulatorBug", "message": message}}))

    async def _route(self, request: web.Request, host: str) -> web.StreamResponse:
        name = host.split(":")[0]
        local_port = _local_port(request)
        if local_port in self.vault_ports:
            return await self._vault(request, self.vault_ports[local_port])
        if name.endswith(VAULT_SUFFIX):
            return await self._vault(request, name)
        if name in LOGIN_HOSTS:
            return await self._login(request, host)
        if name == GRAPH_HOST:
            return await self._graph(request)
        if name == "management.azure.com":
            return await self._resource_manager(request, host)
        if name in {"localhost", "127.0.0.1"}:
            if _LOGIN_PATH.match(request.path):
                return await self._login(request, host)
            return await self._resource_manager(request, host)
        return _as_json(
            Reply(421, {"error": {"code": "MisdirectedRequest", "message": f"Nobody serves '{host}' here."}})
        )

    # -- Resource Manager ---------------------------------------------------------------------------------------------

    async def _resource_manager(self, request: web.Request, host: str) -> web.StreamResponse:
        try:
            body = parse_body(await request.read())
        except AzureFailure as failure:
            return _as_json(reply_to_failure(failure))
        asked = Request(
            method=request.method,
            path=request.path,
            base=f"https://{host}",
            query={name.lower(): value for name, value in request.query.items()},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
        )
        reply = self._arm.handle(asked)
        if reply.delay_s:
            # Wall time on purpose: this is the network being slow, not the world's time.
            await asyncio.sleep(reply.delay_s)
        if reply.reset:
            return _cut(request)
        correlation = request.headers.get("x-ms-correlation-request-id") or self._trace()
        reply.headers.setdefault("x-ms-request-id", self._trace())
        reply.headers.setdefault("x-ms-correlation-request-id", correlation)
        if "x-ms-client-request-id" in request.headers:
            reply.headers.setdefault("x-ms-client-request-id", request.headers["x-ms-client-request-id"])
        return _as_json(reply)

    def _trace(self) -> str:
        # Not from the world's random stream: a request more must not change what the world does.
        return f"00000000-0000-4000-8000-{len(self._azure.journal.requests) + 1:012x}"

    # -- Entra --------------------------------------------------------------------------------------------------------

    async def _login(self, request: web.Request, host: str) -> web.StreamResponse:
        asked = Asked("sign-in", request.method, request.path)
        if self._unkind.cuts(asked):
            return _cut(request)
        try:
            self._unkind.refuse(asked)
            reply = await self._sign_in(request, host)
        except AzureFailure as failure:
            reply = Reply(failure.status, _oauth_error(failure), dict(failure.headers))
        # wall time on purpose, as at the other doors
        await asyncio.sleep(self._unkind.delay_s(asked))
        return _as_json(reply)

    async def _sign_in(self, request: web.Request, host: str) -> Reply:
        base = f"https://{host}"
        found = _LOGIN_PATH.match(request.path)
        if found is None:
            return Reply(404, {"error": "invalid_request"})
        tenant, tail = found[1], request.path.lower().rstrip("/")
        if tail.endswith("/discovery/instance"):
            return Reply(200, describe_instances(base, self._azure.tenant_id))
        if tail.endswith("/.well-known/openid-configuration"):
            return Reply(200, describe_openid(base, tenant))
        if tail.endswith("/keys"):
            return Reply(200, {"keys": []})
        if request.method == "POST" and tail.endswith("/token"):
            form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
            return Reply(200, self._entra.answer_token(tenant, form))
        return Reply(404, {"error": "invalid_request"})

    async def _graph(self, request: web.Request) -> web.StreamResponse:
        try:
            self._entra.caller_of(request.headers.get("Authorization"), GRAPH_HOST)
            body = parse_body(await request.read())
            return _as_json(
                Reply(200, answer_graph(self._azure, request.method, request.path, dict(request.query), body))
            )
        except AzureFailure as failure:
            return _as_json(reply_to_failure(failure))

    # -- vaults -------------------------------------------------------------------------------------------------------

    async def _vault(self, request: web.Request, vault_host: str) -> web.StreamResponse:
        vaults = self._azure.find_service("vault-http")
        if vaults is None:
            return _as_json(Reply(503, {"error": {"code": "ServiceUnavailable", "message": "No vaults here."}}))
        response: web.StreamResponse = await vaults.handle(request, vault_host)
        if request.method == "GET" and request.path.lower().rstrip("/").endswith("/pending") and response.status == 200:
            # Looking at a certificate that is being made is waiting for it, as polling an operation is.
            self._tempo.looked_since(self._azure.clock.now)
        return response


def _local_port(request: web.Request) -> int:
    name: Any = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(name[1]) if name else 0


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection so that the client sees a reset, not an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


def _as_json(reply: Reply) -> web.Response:
    headers = {"Cache-Control": "no-cache", "Pragma": "no-cache", **reply.headers}
    if reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    return web.Response(
        status=reply.status,
        body=msgspec.json.encode(reply.body),
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


def _oauth_error(failure: AzureFailure) -> dict[str, Any]:
    return {
        "error": failure.target or "invalid_request",
        "error_description": f"{failure.code}: {failure.message}",
        "error_codes": [int(failure.code.removeprefix("AADSTS"))],
    }
