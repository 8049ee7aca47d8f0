"""How is the data plane reached? One request of a vault's host: token, network, route, permission, operation.

Who comes without a token is told where to get one; that answer is the first of every SDK client's conversation, before
anything else is looked at. Leaves out the TLS port itself (see the server).

Source: Key Vault authentication, requests and responses (challenge); operation paths of the data-plane REST
description 2026-04-01. Every api-version that looks like one is taken.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any, Protocol, cast

from aiohttp import web

from sfcert.sim.front.listing import is_shuffled, shuffled_list, shuffled_page
from sfcert.sim.front.tempo import Tempo
from sfcert.sim.front.unkind import Unkind
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.provider import Caller
from sfcert.sim.kernel.strikes import Asked
from sfcert.sim.keyvault.access import Visitor
from sfcert.sim.keyvault.bodies import Bodies
from sfcert.sim.keyvault.calls import Call, VaultReply
from sfcert.sim.keyvault.certificate_calls import CertificateCalls
from sfcert.sim.keyvault.failures import VaultFailure, bad_parameter
from sfcert.sim.keyvault.secret_calls import SecretCalls
from sfcert.sim.keyvault.vaults import Vaults, vault_name

API_VERSION = re.compile(r"\d+\.\d+(-preview(\.\d+)?)?|\d{4}-\d{2}-\d{2}(-preview)?", re.IGNORECASE)
# The address that a vault's firewall sees behind every HTTP request; the switch `client_address` changes it.
CLIENT_ADDRESS = "203.0.113.10"

Operation = Callable[[Call], VaultReply]


class TokenReader(Protocol):
    """What this module needs of Entra."""

    def caller_of(self, authorization_header: str | None, audience_host: str) -> Caller: ...


class VaultHttp:
    """The service `vault-http`."""

    def __init__(self, azure: Azure, vaults: Vaults) -> None:
        self._azure = azure
        self._vaults = vaults
        # Vaults without Resource Manager beside them have faults of their own.
        self._unkind: Unkind = azure.find_service("unkind") or Unkind(azure, Tempo(azure))
        self._routes = _routes(CertificateCalls(azure, vaults), SecretCalls(azure, vaults))

    async def handle(self, request: web.Request, vault_host: str) -> web.StreamResponse:
        """Answer one request for this vault, however it came here."""
        reply = self.answer(
            request.method,
            request.path,
            base=f"https://{request.host}",
            vault_host=vault_host,
            query=dict(request.query),
            authorization=request.headers.get("Authorization"),
            text=await request.text(),
        )
        headers = {
            "x-ms-keyvault-region": str(self._region(vault_host)),
            "x-ms-keyvault-service-version": "1.9.2300.1",
            "x-ms-request-id": self._azure.new_guid(),
            **reply.headers,
        }
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.reset:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=499)
        if reply.body is None:
            return web.Response(status=reply.status, headers=headers)
        return web.json_response(reply.body, status=reply.status, headers=headers)

    def answer(
        self,
        method: str,
        path: str,
        *,
        base: str,
        vault_host: str,
        query: dict[str, str],
        authorization: str | None,
        text: str = "",
    ) -> VaultReply:
        """The reply, refusals included; nothing is raised.

        Args:
            base: scheme and host as the client addressed them; links in answers begin with it.
            vault_host: `<name>.vault.azure.net`.
            text: the request's body as it came.
        """
        host = vault_host.lower().split(":")[0]
        asked = Asked("vault", method, host + "/" + re.sub(r"/+", "/", path).strip("/"))
        # The first question of a conversation brings no token and only asks where to get one. A process asks it once
        # and remembers the answer, whatever worlds it has to do with: nothing that a seed decides may hang on it.
        is_unkind = bool(authorization)
        if is_unkind and self._unkind.cuts(asked):
            return VaultReply(0, reset=True)
        try:
            if is_unkind:
                self._unkind.refuse(asked, authorization)
            reply = self._answer(asked, method, path, base, host, query, authorization, text)
        except AzureFailure as failure:
            reply = VaultReply(failure.status, failure.envelope(), dict(failure.headers))
        if not is_unkind:
            return reply
        spoilt = self._unkind.spoils(asked, reply.status)
        if spoilt == "cut":
            return VaultReply(0, reset=True)
        if spoilt == "lost":
            reply = VaultReply(500, self._unkind.lost().envelope())
        reply.delay_s = self._unkind.delay_s(asked)
        return reply

    def _answer(
        self,
        asked: Asked,
        method: str,
        path: str,
        base: str,
        host: str,
        query: dict[str, str],
        authorization: str | None,
        text: str,
    ) -> VaultReply:
        caller = self._caller(authorization, host)
        vault = self._vaults.resource(host)
        visitor = Visitor(
            caller.object_id,
            caller.app_id,
            address=str(self._azure.switches.get("client_address", CLIENT_ADDRESS)),
        )
        self._vaults.access.check_network(vault, visitor)
        lowered = {name.lower(): value for name, value in query.items()}
        if not API_VERSION.fullmatch(lowered.get("api-version", "")):
            raise bad_parameter("The request URI needs a valid api-version.")
        path = "/" + re.sub(r"/+", "/", path).strip("/")
        operation, kind, permission, names = self._route(method, path)
        self._vaults.access.check(vault, visitor, kind, permission, names.get("name"))
        call = Call(
            method=method,
            path=path,
            base=base,
            query=lowered,
            body=_parsed(text),
            names=names,
            vault=vault,
            content=self._vaults.content(host),
            visitor=visitor,
            bodies=Bodies(vault, host, lowered["api-version"]),
        )
        if is_shuffled(self._azure, "vault"):
            call.mix = lambda items: shuffled_list(self._azure, asked.path, items)
            call.longest_page = shuffled_page(self._azure)
        stale = self._unkind.is_stale("vault", method, asked.path)
        if stale is not None:
            return VaultReply(stale.status, stale.body)
        before = self._body_before(call) if method != "GET" and self._unkind.remembers() else None
        reply = operation(call)
        if before is not None:
            self._unkind.remember(asked, before)
        if method != "GET":
            self._azure.record_write(f"{method} {kind}", f"https://{host}{path}", operation=operation.__name__)
        return reply

    def _caller(self, authorization: str | None, host: str) -> Caller:
        entra = cast(TokenReader, self._azure.find_service("entra"))
        try:
            if not authorization:
                raise VaultFailure(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
            return entra.caller_of(authorization, host)
        except AzureFailure as failure:
            tenant = self._azure.tenant_id
            raise VaultFailure(
                401,
                "Unauthorized",
                failure.message,
                headers={
                    "WWW-Authenticate": f'Bearer authorization="https://login.microsoftonline.com/{tenant}", '
                    'resource="https://vault.azure.net"'
                },
            ) from failure

    def _body_before(self, call: Call) -> dict[str, Any] | None:
        """What a GET of the same path answers before a write; None where it answers nothing."""
        try:
            operation = self._route("GET", call.path)[0]
            return copy.deepcopy(operation(dataclasses.replace(call, method="GET", body={})).body)
        except AzureFailure:
            return None

    def _route(self, method: str, path: str) -> tuple[Operation, str, str, dict[str, str]]:
        known_path = False
        for wanted, pattern, operation, kind, permission in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            known_path = True
            if wanted == method:
                return operation, kind, permission, {k: v for k, v in found.groupdict().items() if v}
        if known_path:
            raise VaultFailure(405, "MethodNotAllowed", f"The method {method} is not allowed on {path}.")
        raise VaultFailure(404, "NotFound", f"The embedded Azure serves no {method} {path} of a vault.")

    def _region(self, vault_host: str) -> str:
        if not self._vaults.exists(vault_name(vault_host)):
            return ""
        return str(self._vaults.resource(vault_host).body.get("location", ""))


def _parsed(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except ValueError as error:
        raise bad_parameter("The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise bad_parameter("The request body must be a JSON object.")
    return body


def _routes(c: CertificateCalls, s: SecretCalls) -> list[tuple[str, re.Pattern[str], Operation, str, str]]:
    """Every operation in the order in which paths are tried: fixed words come before names."""
    one, at = "/certificates/{name}", "/certificates/{name}/{version}"
    table: list[tuple[str, str, Operation, str]] = [
        ("GET", "/certificates", c.get_certificates, "list"),
        ("GET", "/certificates/contacts", c.get_certificate_contacts, "managecontacts"),
        ("PUT", "/certificates/contacts", c.set_certificate_contacts, "managecontacts"),
        ("DELETE", "/certificates/contacts", c.delete_certificate_contacts, "managecontacts"),
        ("GET", "/certificates/issuers", c.get_certificate_issuers, "listissuers"),
        ("GET", "/certificates/issuers/{issuer}", c.get_certificate_issuer, "getissuers"),
        ("PUT", "/certificates/issuers/{issuer}", c.set_certificate_issuer, "setissuers"),
        ("PATCH", "/certificates/issuers/{issuer}", c.update_certificate_issuer, "setissuers"),
        ("DELETE", "/certificates/issuers/{issuer}", c.delete_certificate_issuer, "deleteissuers"),
        ("POST", f"{one}/create", c.create_certificate, "create"),
        ("POST", f"{one}/import", c.import_certificate, "import"),
        ("GET", f"{one}/versions", c.get_certificate_versions, "list"),
        ("GET", f"{one}/policy", c.get_certificate_policy, "get"),
        ("PATCH", f"{one}/policy", c.update_certificate_policy, "update"),
        ("GET", f"{one}/pending", c.get_certificate_operation, "get"),
        ("PATCH", f"{one}/pending", c.update_certificate_operation, "update"),
        ("DELETE", f"{one}/pending", c.delete_certificate_operation, "delete"),
        ("POST", f"{one}/pending/merge", c.merge_certificate, "create"),
        ("GET", one, c.get_certificate, "get"),
        ("PATCH", one, c.update_certificate, "update"),
        ("DELETE", one, c.delete_certificate, "delete"),
        ("GET", at, c.get_certificate, "get"),
        ("PATCH", at, c.update_certificate, "update"),
        ("GET", "/deletedcertificates", c.get_deleted_certificates, "list"),
        ("GET", "/deletedcertificates/{name}", c.get_deleted_certificate, "get"),
        ("DELETE", "/deletedcertificates/{name}", c.purge_deleted_certificate, "purge"),
        ("POST", "/deletedcertificates/{name}/recover", c.recover_deleted_certificate, "recover"),
        ("GET", "/secrets", s.get_secrets, "list"),
        ("GET", "/secrets/{name}", s.get_secret, "get"),
        ("PUT", "/secrets/{name}", s.set_secret, "set"),
        ("PATCH", "/secrets/{name}", s.update_secret, "set"),
        ("DELETE", "/secrets/{name}", s.delete_secret, "delete"),
        ("GET", "/secrets/{name}/versions", s.get_secret_versions, "list"),
        ("GET", "/secrets/{name}/{version}", s.get_secret, "get"),
        ("PATCH", "/secrets/{name}/{version}", s.update_secret, "set"),
        ("GET", "/deletedsecrets", s.get_deleted_secrets, "list"),
        ("GET", "/deletedsecrets/{name}", s.get_deleted_secret, "get"),
        ("DELETE", "/deletedsecrets/{name}", s.purge_deleted_secret, "purge"),
        ("POST", "/deletedsecrets/{name}/recover", s.recover_deleted_secret, "recover"),
        ("GET", "/keys", s.get_keys, "list"),
        ("GET", "/keys/{name}", s.get_key, "get"),
        ("GET", "/keys/{name}/versions", s.get_key_versions, "list"),
        ("GET", "/keys/{name}/{version}", s.get_key, "get"),
    ]
    routes = []
    for method, path, operation, permission in table:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path), re.IGNORECASE)
        kind = path.split("/")[1].removeprefix("deleted")
        routes.append((method, pattern, operation, kind, permission))
    return routes
