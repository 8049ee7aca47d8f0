"""How is an embedded Azure asked without a network? One request in, one reply out, on the caller's thread.

For rehearsals and laws, which run many worlds in virtual time: no listener, no TLS, no wall time. Resource Manager and
the vaults answer as they do behind the server's doors. Leaves out: Entra's endpoints (see `token`), Microsoft Graph,
the nodes' TLS listeners; what a node would answer is in `runtime` and `chain_at`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.entra import Entra
from sfcert.sim.front import ArmFront, Request
from sfcert.sim.front.exchange import reply_to_failure
from sfcert.sim.front.loose_json import parse_body
from sfcert.sim.front.unkind import Unkind
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.journal import Exchange
from sfcert.sim.kernel.journal import Request as Seen
from sfcert.sim.kernel.strikes import Asked
from sfcert.sim.server.kinds import kind_of
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.servicefabric.rest import NoSuchThing
from sfcert.sim.servicefabric.rest import answer as answer_of_fabric

_VAULT_SUFFIX = ".vault.azure.net"
_ARM_HOST = "management.azure.com"


class ConnectionCut(Exception):
    """The connection was closed without an answer; what was asked may have been done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body as bytes, JSON where there is any."""

    status: int
    headers: dict[str, str]
    body: bytes


class Direct:
    """Safe to call from several threads: one is served at a time. A slow answer costs virtual time, not wall time."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._arm = azure.service("arm", ArmFront)
        self._unkind = azure.service("unkind", Unkind)
        self._lock = threading.RLock()

    def token(self, audience: str) -> str:
        """An access token of the world's operator."""
        entra = self._azure.service("entra", Entra)
        return entra.token_for(entra.default.caller, audience)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The reply of whoever serves the host of `url`.

        Raises:
            ConnectionCut: nobody serves that host, or an armed fault closes the connection.
        """
        split = urlsplit(url)
        host = (split.hostname or "").lower()
        query = {name.lower(): value for name, value in parse_qsl(split.query, keep_blank_values=True)}
        lowered = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            if host == _ARM_HOST:
                answered = self._resource_manager(method, unquote(split.path), query, lowered, body)
            elif host.endswith(_VAULT_SUFFIX):
                answered = self._vault(method, unquote(split.path), host, query, lowered, body)
            else:
                raise ConnectionCut(f"nobody serves {host} here")
            kind = kind_of(method, host, split.path)
            self._azure.journal.requests.append(
                Seen(self._azure.clock.now, method, host, split.path, kind, answered.status)
            )
            witness = type(self._azure.journal).witness
            if witness is not None:
                witness(Exchange(method, url, headers, body, answered.status, answered.headers, answered.body))
        return answered

    def _resource_manager(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Answer:
        try:
            asked = Request(method, path, f"https://{_ARM_HOST}", query, headers, parse_body(body))
            reply = self._arm.handle(asked)
        except AzureFailure as failure:
            reply = reply_to_failure(failure)
        if reply.delay_s:
            self._azure.clock.advance(reply.delay_s)
        if reply.reset:
            raise ConnectionCut(f"{method} {path}: the connection was reset")
        return _answer(reply.status, reply.headers, reply.body)

    def _vault(
        self, method: str, path: str, host: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Answer:
        reply = self._azure.find_service("vault-http").answer(
            method,
            path,
            base=f"https://{host}",
            vault_host=host,
            query=query,
            authorization=headers.get("authorization"),
            text=body.decode("utf-8"),
        )
        if reply.delay_s:
            self._azure.clock.advance(reply.delay_s)
        if reply.reset:
            raise ConnectionCut(f"{method} {path}: the connection was reset")
        return _answer(reply.status, reply.headers, reply.body)

    # -- time and nodes -----------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        with self._lock:
            self._azure.clock.advance(seconds)

    def runtime(self, cluster_id: str, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What Service Fabric's own REST answers at `path`, through any node that is up.

        Raises:
            ConnectionCut: no node is up. AzureFailure: an armed fault refuses.
            LookupError: nothing answers at that path.
        """
        with self._lock:
            cluster = self._azure.service("clusters", Clusters).get(cluster_id)
            if cluster is None or not any(node.in_ring and node.served is not None for node in cluster.nodes.values()):
                raise ConnectionCut("no node of the cluster is up")
            asked = Asked("nodes", "GET", path)
            if self._unkind.cuts(asked):
                raise ConnectionCut(f"GET {path}: the connection was reset")
            self._unkind.refuse(asked)
            self._azure.clock.advance(self._unkind.delay_s(asked))
            try:
                return answer_of_fabric(self._azure, cluster, path, dict(query or {}))
            except NoSuchThing as fault:
                raise LookupError(str(fault)) from fault

    def chain_at(self, cluster_id: str, host: str) -> list[bytes]:
        """The DER chain that the gateway of the node at `host` would serve now, leaf first.

        Raises:
            ConnectionCut: no such node, or it is down, or has nothing to serve.
        """
        with self._lock:
            cluster = self._azure.service("clusters", Clusters).get(cluster_id)
            nodes = cluster.nodes.values() if cluster is not None else ()
            node = next((one for one in nodes if one.ip_address == host), None)
            if node is None or not node.in_ring or node.served is None:
                raise ConnectionCut(f"no node answers at {host}")
            shown = node.served.certificate
            return [one.public_bytes(Encoding.DER) for one in (shown.leaf, *shown.chain)]


def _answer(status: int, headers: Mapping[str, str], body: Any) -> Answer:
    shown = {"Content-Type": "application/json; charset=utf-8", **headers}
    return Answer(status, shown, b"" if body is None else json.dumps(body, ensure_ascii=False).encode())
