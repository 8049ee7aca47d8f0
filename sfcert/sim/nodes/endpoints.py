"""Where can a node be reached? TLS listeners on loopback for every node and for each cluster's balanced endpoint.

A listener decides at each connection what it shows: the certificate that the node's gateway has loaded now. A node that
is down, shows nothing, or has no real key (a twin of a captured cluster) closes the connection at once. A client is let
in with the cluster's certificate, a declared client certificate, or a token for the cluster's Entra application where
it declares one; else 403. The reverse proxy's port shows what the reverse proxy presents, to anybody, and knows no
service. Leaves out roles within that application, and Service Fabric's own protocol on 19000 (only its TLS handshake is
there).
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from OpenSSL import SSL

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.journal import FABRIC_HOST, Exchange
from sfcert.sim.kernel.strikes import Asked
from sfcert.sim.nodes.certificate import read
from sfcert.sim.nodes.node import Node
from sfcert.sim.nodes.tls import TlsStream, context_for
from sfcert.sim.nodes.validation import refusal
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.servicefabric.rest import NO_CONTENT, NoSuchThing, answer

HTTP_PORT, CLIENT_PORT = 19080, 19000
PROXY_PORT_KEY = "reverseProxyEndpointPort"
MOST_HEAD = 65536


class Endpoints:
    """The service "endpoints". `start` and `stop` belong to the server's life; ports are taken when first asked for."""

    def __init__(self, azure: Azure, clusters: Clusters) -> None:
        self._azure, self._clusters = azure, clusters
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ports: dict[tuple[str, int], int] = {}
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._contexts: dict[str, SSL.Context] = {}
        self._turn = 0

    async def start(self) -> None:
        """Begin to answer `port_for`. Effects: a second call is harmless."""
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Close every listener and every open connection."""
        self._loop = None
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listening in self._sockets:
            listening.close()
        self._ports.clear()
        self._servers.clear()
        self._sockets.clear()

    def port_for(self, host: str, port: int) -> int | None:
        """The loopback port that stands for a cluster's or a node's own address, or None for anything else.

        Args:
            host: a management endpoint's host, or a node's private address.
            port: the gateway's HTTPS or client port of that node type, else None is returned.
        """
        if self._loop is None or self._target(host, port) is None:
            return None
        key = (host.lower(), port)
        if key not in self._ports:
            listening = socket.create_server(("127.0.0.1", 0))
            listening.setblocking(False)
            self._sockets.append(listening)
            self._ports[key] = listening.getsockname()[1]
            self._keep(self._loop.create_task(self._listen(listening, host, port)))
        return self._ports[key]

    def status(self) -> dict[str, Any]:
        """Which addresses have a listener, for the status page."""
        return {f"{host}:{port}": local for (host, port), local in sorted(self._ports.items())}

    # -- which node answers --------------------------------------------------------------------------------------------

    def _target(self, host: str, port: int) -> Callable[[], Node | None] | None:
        wanted = host.lower().strip("[]")
        for cluster in self._clusters.all():
            ports = self._gateway_ports(cluster) | self._ports_of(cluster, PROXY_PORT_KEY)
            for node in cluster.nodes.values():
                if node.ip_address == wanted and port in ports:
                    return lambda cluster=cluster, name=node.name: cluster.nodes.get(name)  # type: ignore[misc]  # bound
            if port in ports and wanted == self._management_host(cluster):
                return lambda cluster=cluster: self._balanced(cluster)  # type: ignore[misc]  # bound as above
        return None

    def _gateway_ports(self, cluster: Cluster) -> set[int]:
        declared = self._ports_of(cluster, "httpGatewayEndpointPort", "clientConnectionEndpointPort")
        return {HTTP_PORT, CLIENT_PORT} | declared

    def _ports_of(self, cluster: Cluster, *keys: str) -> set[int]:
        resource = self._azure.resources.get(cluster.resource_id)
        types = (resource.body.get("properties") or {}).get("nodeTypes") or [] if resource is not None else []
        named = (str(node_type.get(key, "")) for node_type in types for key in keys)
        return {int(port) for port in named if port.isdigit()}

    def _management_host(self, cluster: Cluster) -> str:
        resource = self._azure.resources.get(cluster.resource_id)
        properties = resource.body.get("properties") or {} if resource is not None else {}
        return (urlsplit(str(properties.get("managementEndpoint", ""))).hostname or "").lower()

    def _balanced(self, cluster: Cluster) -> Node | None:
        """The next node in turn that is up, as a load balancer with a health probe would pick it."""
        standing = [node for node in cluster.nodes.values() if node.in_ring and node.served is not None]
        if not standing:
            return None
        self._turn += 1
        return standing[self._turn % len(standing)]

    # -- one connection ------------------------------------------------------------------------------------------------

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, listening: socket.socket, host: str, port: int) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._keep(task)
            try:
                await self._serve(host, port, reader, writer)
            except (OSError, EOFError, SSL.Error, asyncio.CancelledError):
                # A client that goes away or does not accept what it was shown ends the connection; nothing to add. So
                # does `stop`, under a client that holds its connection open.
                pass
            finally:
                writer.close()

        self._servers.append(await asyncio.start_server(connected, sock=listening))

    async def _serve(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = self._target(host, port)
        node = target() if target is not None else None
        if node is None or not node.in_ring:
            return
        cluster = next((one for one in self._clusters.all() if one.nodes.get(node.name) is node), None)
        is_proxy = cluster is not None and port in self._ports_of(cluster, PROXY_PORT_KEY)
        held = node.proxied if is_proxy else node.served
        if held is None or held.key is None:
            return
        if held.thumbprint not in self._contexts:
            self._contexts[held.thumbprint] = context_for(held)
        stream = TlsStream(self._contexts[held.thumbprint], reader, writer)
        await stream.handshake()
        try:
            await self._requests(stream, node, is_proxy=is_proxy)
        finally:
            await stream.close()

    async def _requests(self, stream: TlsStream, node: Node, *, is_proxy: bool) -> None:
        cluster = next((one for one in self._clusters.all() if one.nodes.get(node.name) is node), None)
        unkind = self._azure.find_service("unkind")
        buffer = b""
        while cluster is not None:
            while b"\r\n\r\n" not in buffer:
                data = await stream.read_some()
                if not data or len(buffer) > MOST_HEAD:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {
                key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])
            }
            length = int(headers.get("content-length", "0") or 0)
            while len(buffer) < length:
                data = await stream.read_some()
                if not data:
                    return
                buffer += data
            buffer = buffer[length:]
            keep = headers.get("connection", "").lower() != "close"
            words = lines[0].split(" ")
            asked = Asked("nodes", words[0], words[1].partition("?")[0] if len(words) > 1 else "")
            if unkind is not None and unkind.cuts(asked):
                return
            body: Any
            if is_proxy:
                fault = {"Code": "FABRIC_E_SERVICE_DOES_NOT_EXIST", "Message": "No service answers at that path."}
                status, body = "404 Not Found", {"Error": fault}
            else:
                status, body = self._answer(stream, cluster, node, words, headers.get("authorization"))
            if unkind is not None:
                try:
                    unkind.refuse(asked)
                except AzureFailure as refusal:
                    status, body = f"{refusal.status} {refusal.code}", None
                await asyncio.sleep(unkind.delay_s(asked))
            witness = type(self._azure.journal).witness
            if witness is not None and len(words) == 3 and not is_proxy:
                url = f"https://{FABRIC_HOST}{words[1]}"
                shown = b"" if body is None else json.dumps(body).encode()
                told = {"content-type": "application/json; charset=utf-8"}
                witness(Exchange(words[0], url, headers, b"", int(status.split(" ")[0]), told, shown))
            await stream.write(_response(status, body, keep=keep))
            if not keep:
                return

    def _answer(
        self, stream: TlsStream, cluster: Cluster, node: Node, words: list[str], authorization: str | None
    ) -> tuple[str, Any]:
        if not self._admitted(stream, cluster, node) and not self._signed_in(cluster, authorization):
            return "403 Forbidden", None
        if len(words) != 3 or words[0] != "GET":
            return "405 Method Not Allowed", None
        split = urlsplit(words[1])
        try:
            found = answer(self._azure, cluster, unquote(split.path), dict(parse_qsl(split.query)))
        except NoSuchThing as fault:
            return fault.status, {"Error": {"Code": fault.code, "Message": str(fault)}}
        return ("204 No Content", None) if found is NO_CONTENT else ("200 OK", found)

    def _admitted(self, stream: TlsStream, cluster: Cluster, node: Node) -> bool:
        """Reading needs any role: the cluster's own certificate, an admin client's or a user client's."""
        if node.manifest.finds is None:
            return True
        shown = stream.client()
        if shown is None:
            return False
        certificate = read(*shown)
        judge = cluster.judge_for(node)
        rules = (node.manifest.trusts, node.manifest.admin_clients, node.manifest.user_clients)
        return any(refusal(certificate, rule, judge) is None for rule in rules)

    def _signed_in(self, cluster: Cluster, authorization: str | None) -> bool:
        """Has the client a token for the Entra application that the cluster declares?"""
        resource = self._azure.resources.get(cluster.resource_id)
        properties = resource.body.get("properties") or {} if resource is not None else {}
        application = str((properties.get("azureActiveDirectory") or {}).get("clusterApplication") or "")
        entra = self._azure.find_service("entra")
        if not application or authorization is None or entra is None:
            return False
        try:
            entra.caller_of(authorization, application.rstrip("/").lower())
        except AzureFailure:
            return False
        return True


def _response(status: str, body: Any, *, keep: bool) -> bytes:
    text = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(text)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        "Server: Microsoft-HTTPAPI/2.0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + text
