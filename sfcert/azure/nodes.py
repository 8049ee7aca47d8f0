"""What do the nodes say of themselves? The `Nodes` port: Service Fabric's REST and TLS handshakes. Floor 5.

The caller is a client certificate (PEM) or an AAD token; the server is judged by what the cluster declares, before
anything but the handshake is sent.
Source: Service Fabric REST reference, api-version 6.0.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from sfcert.azure.failures import of_answer, unreachable
from sfcert.azure.handshake import present_chain
from sfcert.azure.node_trust import NodeTrust
from sfcert.azure.retries import Retries
from sfcert.azure.tunnel import TIMEOUT_S, Route, connect
from sfcert.errors import RemoteError
from sfcert.pki import read_certificate

Json = dict[str, Any]
_SERVICE = "Service Fabric"
_API_VERSION = "6.0"
_READ_S = 30.0
_LONGEST_ANSWER = 64 * 1024 * 1024
_TRIES = 4


@dataclass(slots=True)
class _Kept:
    """The connection over which the parts of one look are asked; None before the first, and after one that broke."""

    connection: http.client.HTTPSConnection | None = None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class ServiceFabricNodes:
    """The `Nodes` port.

    Args:
        endpoint: "https://host:19080"; None: only handshakes are done.
        trust: what a server of this cluster may serve.
        client_certificate: a PEM file with certificate and key; None with `token` None: no REST, only handshakes.
        token: gives an AAD bearer token.
    """

    def __init__(
        self,
        endpoint: str | None,
        trust: NodeTrust,
        retries: Retries,
        route: Route,
        *,
        client_certificate: str | None = None,
        token: Callable[[], str] | None = None,
    ) -> None:
        self._endpoint = urlsplit(endpoint) if endpoint else None
        self._trust = trust
        self._retries = retries
        self._route = route
        self._client_certificate = client_certificate
        self._token = token
        self._lock = threading.Lock()
        self._accepted: set[bytes] = set()

    def fetch_presented(self, host: str, port: int) -> list[bytes]:
        return present_chain(host, port, self._route)

    def fetch_runtime(self) -> Json:
        """As the port says; each part that fails alone is None. All of them over one connection while it holds."""
        if self._endpoint is None or (self._client_certificate is None and self._token is None):
            raise RemoteError(
                "CredentialUnavailable",
                "Looking at the nodes needs --sf-client-certificate or --sf-aad.",
                service=_SERVICE,
                operation="GET /Nodes",
                transient=False,
            )
        kept = _Kept()
        try:
            return self._parts(kept)
        finally:
            kept.close()

    def _parts(self, kept: _Kept) -> Json:
        failures: list[RemoteError] = []

        def part(read: Callable[[], Any]) -> Any:
            if any(one.token == "RetriesExhausted" and one.status is None for one in failures):
                return None  # nobody answered for as long as patience goes: the next question would wait as long
            try:
                return read()
            except RemoteError as error:
                failures.append(error)
                return None

        nodes = part(lambda: self._pages("/Nodes", kept))
        health = part(lambda: self._get("/$/GetClusterHealth", kept))
        progress = part(lambda: self._get("/$/GetUpgradeProgress", kept))
        manifest = part(lambda: self._get("/$/GetClusterManifest", kept).get("Manifest"))
        if nodes is None and health is None and progress is None and manifest is None:
            raise failures[0]
        of_nodes: dict[str, Json] = {}
        for node in nodes or ():
            name = str(node.get("Name") or "")
            found = part(partial(self._get, f"/Nodes/{quote(name)}/$/GetHealth", kept))
            if found is not None:
                of_nodes[name] = found
        return {
            "nodes": nodes,
            "cluster_health": health,
            "upgrade_progress": progress,
            "cluster_manifest": manifest,
            "node_health": of_nodes or None,
        }

    def _pages(self, path: str, kept: _Kept) -> list[Json]:
        found: list[Json] = []
        query: dict[str, str] = {}
        while True:
            page = self._get(path, kept, query)
            found.extend(page.get("Items") or [])
            following = str(page.get("ContinuationToken") or "")
            if not following or query.get("ContinuationToken") == following:
                return found
            query = {"ContinuationToken": following}

    def _get(self, path: str, kept: _Kept, query: dict[str, str] | None = None) -> Json:
        return self._retries.call(lambda: self._once(path, query or {}, kept), is_repeatable=True)

    def _once(self, path: str, query: dict[str, str], kept: _Kept) -> Json:
        operation = f"GET {path}"
        connection = kept.connection or self._connection()
        kept.connection = None  # kept again only after a whole answer
        is_good = False
        try:
            headers = {"Accept": "application/json"}
            if self._token is not None:
                headers["Authorization"] = f"Bearer {self._token()}"
            connection.request("GET", f"{path}?{urlencode({'api-version': _API_VERSION, **query})}", headers=headers)
            answer = connection.getresponse()
            text = answer.read(_LONGEST_ANSWER).decode("utf-8-sig", "replace")
            is_good = answer.status < 400 and answer.isclosed() and not answer.will_close
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(_SERVICE, operation, str(error) or type(error).__name__) from error
        finally:
            if is_good:
                kept.connection = connection
            else:
                connection.close()
        if answer.status >= 400:
            now = self._retries.clock.now()
            raise of_answer(_SERVICE, operation, answer.status, dict(answer.getheaders()), text, now=now)
        try:
            found = json.loads(text)
        except ValueError as error:
            raise unreachable(_SERVICE, operation, "its answer is not JSON") from error
        return found if isinstance(found, dict) else {"Items": found}

    def _connection(self) -> http.client.HTTPSConnection:
        assert self._endpoint is not None
        host, port = self._endpoint.hostname or "", self._endpoint.port or 19080
        line = self._trusted_line(host, port)
        connection = http.client.HTTPSConnection(host, port, context=line.context)
        connection.sock = line
        # a connection that opened itself again would reach a server that nobody has judged
        connection.auto_open = 0
        return connection

    def _trusted_line(self, host: str, port: int) -> ssl.SSLSocket:
        """A TLS connection to a node whose leaf was judged good.

        The standard library shows the leaf alone. A leaf not seen before is looked up by a handshake of its own, which
        shows the chain; behind a balancer that may reach another node, hence a few tries.
        """
        for _ in range(_TRIES):
            line = self._line(host, port)
            leaf = line.getpeercert(binary_form=True) or b""
            with self._lock:
                if leaf in self._accepted:
                    return line
            line.close()
            try:
                chain = [read_certificate(one) for one in present_chain(host, port, self._route)]
            except ValueError as error:
                raise unreachable(_SERVICE, f"TLS handshake with {host}:{port}", "it serves no X.509") from error
            refusal = self._trust.refusal(chain)
            if refusal is not None:
                raise RemoteError(
                    "RemoteFailed",
                    f"The server at {host}:{port} is not taken for a node of this cluster: {refusal}. Nothing was"
                    " sent.",
                    service=_SERVICE,
                    operation=f"TLS handshake with {host}:{port}",
                    transient=False,
                )
            with self._lock:
                self._accepted.add(chain[0].der)
        raise unreachable(_SERVICE, f"TLS handshake with {host}:{port}", "each connection showed another certificate")

    def _line(self, host: str, port: int) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # not by public roots: `_trusted_line` judges the leaf by what the cluster declares
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self._client_certificate is not None:
            try:
                context.load_cert_chain(self._client_certificate)
            except (OSError, ssl.SSLError) as error:
                raise RemoteError(
                    "CredentialUnavailable",
                    f"{self._client_certificate} does not hold a certificate with its key, both PEM, key not locked"
                    f" ({error}).",
                    service=_SERVICE,
                    operation="read client certificate",
                    transient=False,
                ) from error
        raw = connect(host, port, self._route, timeout_s=TIMEOUT_S)
        try:
            raw.settimeout(_READ_S)
            return context.wrap_socket(raw, server_hostname=host)
        except OSError as error:
            raw.close()
            raise unreachable(_SERVICE, f"TLS handshake with {host}:{port}", str(error)) from error
